/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "spool/digest.h"
#include "spool/environment.h"
#include "spool/lock.h"
#include "spool/part.h"
#include "spool/spool.h"

enum {
	CHECKSUM_LEN = 8,
	/* Room beside the data itself: tree, free list, what others freed. */
	MAP_SLACK = 4 << 20,
	MODE_SHARED = S_IRWXG, /* of a spool that a group shares */
};

struct spool {
	int dir_fd;
	bool is_writer;
	struct environment environment; /* .txn is set in a transaction */
	struct spool_counters counters; /* of the transaction */
};

volatile sig_atomic_t spool_is_committing;

/* ---- open and close ------------------------------------------------ */

/*
 * A spool belongs to one user, or to one user and a group that he shares it
 * with. In any other's anybody could read what we write.
 */
static int
check_directory(int dir_fd)
{
	struct stat st;

	if (fstat(dir_fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (st.st_mode & S_IWOTH)
		return -EPERM;
	if (st.st_uid == geteuid())
		return 0;
	return (st.st_mode & MODE_SHARED) == MODE_SHARED ? 0 : -EPERM;
}

/* LMDB creates what is missing; here nothing may be created. */
static int
check_file(int dir_fd)
{
	struct stat st;

	if (fstatat(dir_fd, SPOOL_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_size == 0)
		return -EBADMSG;
	return 0;
}

int
spool_open_fd(int dir_fd, struct spool **out)
{
	struct spool *s;
	int rc;

	rc = check_directory(dir_fd);
	if (rc == 0)
		rc = check_file(dir_fd);
	if (rc < 0) {
		close(dir_fd);
		return rc;
	}
	s = alloc_zeroed(sizeof(*s));
	s->dir_fd = dir_fd;
	*out = s;
	return 0;
}

int
spool_open(const char *dir, struct spool **out)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : spool_open_fd(fd, out);
}

void
spool_close(struct spool *s)
{
	if (!s)
		return;
	spool_abort(s);
	close(s->dir_fd);
	free(s);
}

/* ---- small records ------------------------------------------------- */

static int
check_identity(struct environment *e)
{
	struct spool_identity identity;
	MDB_val value;
	int rc;

	rc = environment_get(e, ENVIRONMENT_IDENTITY, &value);
	if (rc == 0)
		rc = record_decode_identity(
		    value.mv_data, value.mv_size, &identity);
	if (rc == 0)
		free(identity.site);
	return rc;
}

static int
load_counters(struct spool *s)
{
	MDB_val value;
	int rc;

	rc = environment_get(&s->environment, ENVIRONMENT_COUNTERS, &value);
	if (rc == 0)
		rc = record_decode_counters(
		    value.mv_data, value.mv_size, &s->counters);
	return rc;
}

static int
store_counters(struct spool *s)
{
	struct buf bytes = BUF_INIT;
	int rc;

	record_encode_counters(&s->counters, &bytes);
	rc = environment_put(&s->environment, ENVIRONMENT_COUNTERS, &bytes);
	buf_release(&bytes);
	return rc;
}

int
spool_get_counters(struct spool *s, struct spool_counters *c)
{
	*c = s->counters;
	return 0;
}

int
spool_get_settings(struct spool *s, struct spool_settings *settings)
{
	MDB_val value;
	int rc;

	rc = environment_get(&s->environment, ENVIRONMENT_SETTINGS, &value);
	if (rc == 0)
		rc = record_decode_settings(
		    value.mv_data, value.mv_size, settings);
	return rc;
}

/* ---- transactions -------------------------------------------------- */

/* How far the file may grow: not a fixed size, as RLIMIT_AS counts it. */
static int
map_length(int dir_fd, uint64_t need, size_t *len)
{
	struct stat st;
	uint64_t sum;

	if (fstatat(dir_fd, SPOOL_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	/* Chunks fill their pages but for 16 bytes of each. */
	if (__builtin_add_overflow(need, need / 32, &sum) ||
	    __builtin_add_overflow(sum, (uint64_t)st.st_size, &sum) ||
	    __builtin_add_overflow(sum, MAP_SLACK, &sum) || sum > SIZE_MAX / 2)
		return -ENOMEM;
	*len = (size_t)(sum & ~UINT64_C(0xffff));
	return 0;
}

int
spool_begin(struct spool *s, enum spool_access access, uint64_t need,
    int64_t deadline_ms)
{
	size_t map_len = 0;
	int rc;

	spool_is_committing = 0;
	s->is_writer = access == SPOOL_WRITE;
	rc = lock_take(s->dir_fd, s->is_writer ? LOCK_EXCLUSIVE : LOCK_SHARED,
	    deadline_ms);
	if (rc < 0)
		return rc;
	rc = check_file(s->dir_fd);
	if (rc == 0)
		rc = map_length(s->dir_fd, need, &map_len);
	/* LMDB takes paths only; /proc/self/fd is not there in a jail. */
	if (rc == 0 && fchdir(s->dir_fd) < 0)
		rc = -errno;
	if (rc == 0)
		rc = environment_open(
		    &s->environment, SPOOL_FILE, s->is_writer, map_len);
	if (rc == 0)
		rc = check_identity(&s->environment);
	if (rc == 0)
		rc = load_counters(s);
	if (rc < 0) {
		environment_close(&s->environment);
		lock_release(s->dir_fd);
	}
	return rc;
}

int
spool_commit(struct spool *s)
{
	int rc = store_counters(s);

	if (rc == 0) {
		spool_is_committing = 1;
		rc = environment_commit(&s->environment);
	}
	spool_abort(s);
	return rc;
}

void
spool_abort(struct spool *s)
{
	if (!s->environment.env)
		return;
	environment_close(&s->environment);
	lock_release(s->dir_fd);
}

/* ---- put ----------------------------------------------------------- */

static void
encode_sealed_envelope(const struct envelope *e,
    const struct spool_piece *pieces, size_t piece_count, struct buf *out)
{
	struct digest *d = digest_new();
	unsigned char checksum[CHECKSUM_LEN];

	record_encode_envelope(e, out);
	for (size_t i = 0; i < piece_count; i++)
		digest_add(d, pieces[i].data, pieces[i].len);
	digest_add(d, out->data, out->len);
	bytes_put_be64(checksum, digest_value(d));
	buf_add(out, checksum, sizeof(checksum));
	digest_free(d);
}

static int
put_buf(struct environment *e, uint64_t id, enum part part,
    const struct buf *content)
{
	const struct spool_piece piece = {content->data, content->len};

	return part_put(e, id, part, &piece, 1);
}

static int
put_state(struct spool *s, uint64_t id, const struct message_state *state)
{
	struct buf bytes = BUF_INIT;
	int rc;

	record_encode_state(state, &bytes);
	rc = put_buf(&s->environment, id, PART_STATE, &bytes);
	if (rc == 0 && state_is_scheduled(state))
		rc = schedule_add(&s->environment, state->due_ms, id);
	if (rc == 0)
		s->counters.count[state->phase]++;
	buf_release(&bytes);
	return rc;
}

static int
next_id(const struct spool_counters *c, int64_t now_ms, uint64_t *id)
{
	uint64_t now_us = now_ms > 0 ? (uint64_t)now_ms * 1000 : 1;

	if (c->last_id == UINT64_MAX)
		return -EBADMSG; /* not in 500,000 years: damage */
	*id = now_us > c->last_id ? now_us : c->last_id + 1;
	return 0;
}

int
spool_put(struct spool *s, const struct envelope *e,
    const struct spool_piece *pieces, size_t piece_count, int64_t now_ms,
    uint64_t *id)
{
	struct message_state state;
	struct buf sealed = BUF_INIT;
	uint64_t given = 0;
	uint64_t len = 0;
	int rc;

	for (size_t i = 0; i < piece_count; i++)
		len += pieces[i].len;
	if (len != e->text_len)
		return -EINVAL;
	state_init(&state, e->recipient_count, now_ms > 0 ? now_ms : 0);
	encode_sealed_envelope(e, pieces, piece_count, &sealed);
	rc = next_id(&s->counters, now_ms, &given);
	if (rc == 0)
		rc = put_buf(&s->environment, given, PART_ENVELOPE, &sealed);
	if (rc == 0)
		rc = put_state(s, given, &state);
	if (rc == 0)
		rc = part_put(
		    &s->environment, given, PART_TEXT, pieces, piece_count);
	if (rc == 0) {
		s->counters.last_id = given;
		s->counters.bytes += sealed.len + e->text_len;
		*id = given;
	}
	buf_release(&sealed);
	state_release(&state);
	return rc;
}

/* ---- find ---------------------------------------------------------- */

/* True if due lies ahead, but no further than flushd sets it. */
static bool
is_awaited(int64_t due_ms, int64_t now_ms)
{
	return due_ms > now_ms && due_ms - now_ms <= SPOOL_DUE_HORIZON_MS;
}

int
spool_next_due(struct spool *s, int64_t now_ms, int64_t *due_ms, uint64_t *id,
    int64_t *next_due_ms)
{
	int64_t due = *due_ms;
	uint64_t found = *id;
	int rc;

	rc = schedule_next(&s->environment, &due, &found);
	if (rc == 0 && is_awaited(due, now_ms)) {
		due = now_ms + SPOOL_DUE_HORIZON_MS;
		found = UINT64_MAX;
		rc = schedule_next(&s->environment, &due, &found);
	}
	if (rc == 0) {
		*due_ms = due;
		*id = found;
	}
	if (rc != -ENOENT)
		return rc;
	/* Behind what is due, the search is past what waits. */
	due = now_ms;
	found = UINT64_MAX;
	rc = schedule_next(&s->environment, &due, &found);
	if (rc == 0 || rc == -ENOENT)
		*next_due_ms =
		    rc == 0 && is_awaited(due, now_ms) ? due : INT64_MAX;
	return rc == 0 ? -ENOENT : rc;
}

int
spool_next(struct spool *s, uint64_t *id)
{
	return part_next_id(&s->environment, id);
}

/* ---- read ---------------------------------------------------------- */

/* The envelope's fields, and the checksum behind them, as they are stored. */
static int
read_sealed_envelope(
    struct spool *s, uint64_t id, struct buf *fields, uint64_t *checksum)
{
	int rc = part_get_all(
	    &s->environment, id, PART_ENVELOPE, RECORD_MAX, fields);

	if (rc < 0)
		return rc;
	if (fields->len < CHECKSUM_LEN)
		return -EBADMSG;
	fields->len -= CHECKSUM_LEN;
	*checksum = bytes_get_be64(fields->data + fields->len);
	return 0;
}

static int
read_state(struct spool *s, uint64_t id, struct message_state *state)
{
	struct buf bytes = BUF_INIT;
	int rc =
	    part_get_all(&s->environment, id, PART_STATE, RECORD_MAX, &bytes);

	if (rc == 0)
		rc = record_decode_state(bytes.data, bytes.len, state);
	buf_release(&bytes);
	return rc;
}

/* 0 if there is anything of a message, else -ENOENT. */
static int
exists(struct spool *s, uint64_t id)
{
	uint64_t found = id - 1;
	int rc = part_next_id(&s->environment, &found);

	return rc < 0 ? rc : found == id ? 0 : -ENOENT;
}

int
spool_get(struct spool *s, uint64_t id, struct envelope *e,
    struct message_state *state)
{
	struct buf fields = BUF_INIT;
	struct message_state got_state = {0};
	struct envelope got = {0};
	uint64_t checksum;
	int rc;

	rc = read_sealed_envelope(s, id, &fields, &checksum);
	if (rc == 0)
		rc = record_decode_envelope(fields.data, fields.len, &got);
	if (rc == 0) {
		rc = read_state(s, id, &got_state);
		/* One part without the other is half a message. */
		if (rc == -ENOENT || (rc == 0 && got.recipient_count !=
						     got_state.recipient_count))
			rc = -EBADMSG;
	}
	if (rc == 0) {
		*e = got;
		*state = got_state;
	} else {
		envelope_release(&got);
		state_release(&got_state);
	}
	buf_release(&fields);
	return rc;
}

int
spool_read_text(
    struct spool *s, uint64_t id, uint32_t *chunk, size_t max, struct buf *out)
{
	return part_get(&s->environment, id, PART_TEXT, chunk, max, out);
}

int
spool_verify(struct spool *s, uint64_t id, struct digest *d)
{
	struct buf fields = BUF_INIT;
	struct envelope e;
	const uint64_t text_len = digest_len(d);
	uint64_t checksum = 0;
	int rc;

	rc = read_sealed_envelope(s, id, &fields, &checksum);
	if (rc == 0)
		rc = record_decode_envelope(fields.data, fields.len, &e);
	if (rc == 0) {
		digest_add(d, fields.data, fields.len);
		if (e.text_len != text_len || checksum != digest_value(d))
			rc = -EBADMSG;
		envelope_release(&e);
	}
	buf_release(&fields);
	return rc;
}

/* ---- change -------------------------------------------------------- */

static void
subtract(uint64_t *from, uint64_t n)
{
	*from = *from > n ? *from - n : 0;
}

/*
 * Take the state of a message away, with its entry in the schedule. One that
 * cannot be read counts as new, as most are.
 */
static int
remove_state(struct spool *s, uint64_t id)
{
	struct message_state old = {0};
	uint64_t len;
	int rc;

	rc = read_state(s, id, &old);
	if (rc == -ENOENT)
		return rc;
	if (rc < 0 && rc != -EBADMSG)
		return rc;
	if (rc == 0 && state_is_scheduled(&old)) {
		rc = schedule_remove(&s->environment, old.due_ms, id);
		if (rc < 0)
			goto out;
	}
	rc = part_remove(&s->environment, id, PART_STATE, &len);
	if (rc == 0)
		subtract(&s->counters.count[old.phase], 1);
out:
	state_release(&old);
	return rc;
}

int
spool_set_state(struct spool *s, uint64_t id, const struct message_state *state)
{
	int rc = exists(s, id);

	if (rc < 0)
		return rc;
	rc = remove_state(s, id);
	/* A message that has lost its state gets one. */
	return rc < 0 && rc != -ENOENT ? rc : put_state(s, id, state);
}

int
spool_remove(struct spool *s, uint64_t id)
{
	uint64_t len = 0;
	int rc;

	rc = exists(s, id);
	if (rc < 0)
		return rc;
	rc = remove_state(s, id);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	rc = part_remove(&s->environment, id, PART_ALL, &len);
	if (rc == 0)
		subtract(&s->counters.bytes, len);
	return rc;
}

int
spool_unschedule(struct spool *s, int64_t due_ms, uint64_t id)
{
	return schedule_remove(&s->environment, due_ms, id);
}
