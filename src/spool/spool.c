/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "spool/gate.h"
#include "spool/spool_internal.h"

enum {
	/* Room beside the data itself: tree, free list, what others freed. */
	MAP_SLACK = 4 << 20, /* and what others send along: share.h */
	MAP_SLACK_OF_CHANGE = 64 << 20,
	/*
	 * A removal writes new pages before it frees old ones, and what two
	 * of them in a row free is not yet to be used by the third. On a disk
	 * that is full so much must be left.
	 */
	ROOM_MIN = 384 << 10,
	ROOM = 512 << 10, /* what is asked for when there is less than that */
	BLOCK = 512,	  /* of st_blocks */
	MODE_SHARED = S_IRWXG, /* of a spool that a group shares */
};

volatile sig_atomic_t spool_is_in_doubt;

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
check_file(int dir_fd, struct stat *st)
{
	if (fstatat(dir_fd, SPOOL_FILE, st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode) || st->st_nlink != 1 || st->st_size == 0)
		return -EBADMSG;
	return 0;
}

static int
open_checked(int dir_fd, struct spool **out)
{
	struct spool *s;
	struct stat st;
	int rc;

	rc = check_directory(dir_fd);
	if (rc == 0)
		rc = check_file(dir_fd, &st);
	if (rc < 0) {
		close(dir_fd);
		return rc;
	}
	s = alloc_zeroed(sizeof(*s));
	s->dir_fd = dir_fd;
	s->worker_fd = -1;
	s->turnstile_fd = openat(dir_fd, SPOOL_INCOMING,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	*out = s;
	return 0;
}

int
spool_open_fd(int dir_fd, struct spool **out)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : open_checked(fd, out);
}

int
spool_open_dir(const char *dir)
{
	size_t len = strlen(dir);
	char *name;
	int fd;

	/* A slash would make the kernel follow the link after all. */
	while (len > 1 && dir[len - 1] == '/')
		len--;
	name = alloc_copy(dir, len);
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		fd = -errno;
	free(name);
	return fd;
}

int
spool_open(const char *dir, struct spool **out)
{
	int fd = spool_open_dir(dir);

	return fd < 0 ? fd : open_checked(fd, out);
}

void
spool_close(struct spool *s)
{
	if (!s)
		return;
	spool_abort(s);
	close(s->dir_fd);
	if (s->turnstile_fd >= 0)
		close(s->turnstile_fd);
	if (s->worker_fd >= 0)
		close(s->worker_fd);
	free(s);
}

/* ---- small records ------------------------------------------------- */

/* Counters that cannot be read are no reason to refuse mail. */
static int
load_counters(struct spool *s, enum spool_access access)
{
	MDB_val value;
	int rc;

	s->counters = (struct spool_counters){0};
	s->is_recounted = false;
	rc = environment_get(&s->environment, ENVIRONMENT_COUNTERS, &value);
	if (rc == 0)
		rc = record_decode_counters(
		    value.mv_data, value.mv_size, &s->counters);
	if (rc != -EBADMSG)
		return rc;
	s->counters.is_doubtful = true;
	if (!s->is_writer)
		return 0;
	rc = spool_recount(s, access);
	return rc < 0 ? rc : 0;
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

int
spool_set_settings(struct spool *s, const struct spool_settings *settings)
{
	struct buf bytes = BUF_INIT;
	int rc;

	record_encode_settings(settings, &bytes);
	rc = environment_put(&s->environment, ENVIRONMENT_SETTINGS, &bytes);
	buf_release(&bytes);
	return rc;
}

/* ---- transactions -------------------------------------------------- */

/* What need bytes take: chunks fill their pages but for 16 bytes of each. */
static uint64_t
in_pages(uint64_t need)
{
	return need + need / 32;
}

/* How far the file may grow: not a fixed size, as RLIMIT_AS counts it. */
static int
map_length(
    const struct spool *s, enum spool_access access, uint64_t need, size_t *len)
{
	const uint64_t slack =
	    access == SPOOL_CHANGE ? MAP_SLACK_OF_CHANGE : MAP_SLACK;
	uint64_t sum;

	if (need > SIZE_MAX / 4 || s->file.st_size > INT64_MAX / 4)
		return -ENOMEM;
	sum = (uint64_t)s->file.st_size + in_pages(need) + slack;
	*len = (size_t)(sum & ~UINT64_C(0xffff));
	return 0;
}

int
spool_reserve_room(struct spool *s, uint64_t need)
{
	const uint64_t len = (uint64_t)s->file.st_size;
	const uint64_t blocks = (uint64_t)s->file.st_blocks * BLOCK;
	uint64_t used = 2 * s->counters.bytes;

	for (int i = 0; i < PHASE_COUNT; i++)
		used += s->counters.count[i] * SPOOL_PER_MESSAGE;
	if (used > len)
		used = len;
	if (blocks >= used + in_pages(need) + ROOM_MIN)
		return 0;
	return environment_reserve(
	    &s->environment, len + in_pages(need) + ROOM);
}

/* The lock is held. */
static int
open_environment(struct spool *s, enum spool_access access, uint64_t need)
{
	size_t map_len = 0;
	int rc;

	rc = check_file(s->dir_fd, &s->file);
	if (rc == 0)
		rc = map_length(s, access, need, &map_len);
	/* LMDB takes paths only; /proc/self/fd is not there in a jail. */
	if (rc == 0 && fchdir(s->dir_fd) < 0)
		rc = -errno;
	if (rc == 0)
		rc = environment_open(
		    &s->environment, SPOOL_FILE, s->is_writer, map_len);
	if (rc == 0)
		rc = load_counters(s, access);
	if (rc == 0)
		rc = spool_check_origin(s);
	if (rc == 0)
		rc = share_settle(s);
	if (rc == 0 && access == SPOOL_WRITE)
		rc = spool_reserve_room(s, need);
	return rc;
}

int
spool_open_transaction(struct spool *s, enum spool_access access, uint64_t need)
{
	int rc;

	s->is_draft = false;
	s->is_writer = access != SPOOL_READ;
	rc = open_environment(s, access, need);
	if (rc < 0) {
		environment_close(&s->environment);
		lock_release(s->dir_fd);
	}
	return rc;
}

int
spool_begin(struct spool *s, enum spool_access access, uint64_t need,
    int64_t deadline_ms)
{
	const enum lock_kind kind =
	    access == SPOOL_READ ? LOCK_SHARED : LOCK_EXCLUSIVE;
	struct staged none = STAGED_INIT;
	int rc;

	spool_is_in_doubt = 0;
	rc = gate_enter(s, kind, NULL, &none, deadline_ms);
	return rc < 0 ? rc : spool_open_transaction(s, access, need);
}

int
spool_commit(struct spool *s)
{
	int rc = share_take(s);

	if (rc == 0)
		rc = store_counters(s);
	if (rc == 0) {
		spool_is_in_doubt = !s->is_draft;
		rc = environment_commit(&s->environment);
	}
	if (rc == 0)
		share_acknowledge(s);
	/* Of a message that is not whole there is no doubt. */
	if (s->is_draft && rc == -EINPROGRESS)
		rc = -EIO;
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
