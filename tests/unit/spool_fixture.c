/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "spool/create.h"
#include "unit/spool_fixture.h"

enum { PATIENCE_MS = 10000, MAP_LEN = 64 << 20 };

char fixture_dir[64];
char fixture_path[96];
struct spool *fixture_spool;

/* ---- the directory and the spool ----------------------------------- */

void
fixture_setup_dir(void)
{
	snprintf(fixture_dir, sizeof(fixture_dir), "/tmp/spool-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fixture_dir));
	ck_assert_int_eq(chmod(fixture_dir, 0755), 0);
	snprintf(fixture_path, sizeof(fixture_path), "%s/spool", fixture_dir);
}

static void
make_spool(const struct spool_settings *settings)
{
	const struct spool_plan plan = {.uid = (uid_t)-1,
	    .gid = (gid_t)-1,
	    .site = "",
	    .settings = *settings};

	ck_assert_int_eq(spool_create(fixture_path, &plan), 0);
	ck_assert_int_eq(spool_open(fixture_path, &fixture_spool), 0);
}

void
fixture_setup(void)
{
	fixture_setup_dir();
	make_spool(&spool_settings_default);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
fixture_teardown(void)
{
	spool_close(fixture_spool);
	fixture_spool = NULL;
	ck_assert_int_eq(
	    nftw(fixture_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void
fixture_replace(const struct spool_settings *settings)
{
	spool_close(fixture_spool);
	ck_assert_int_eq(
	    nftw(fixture_path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	make_spool(settings);
}

void
fixture_reopen(void)
{
	spool_close(fixture_spool);
	ck_assert_int_eq(spool_open(fixture_path, &fixture_spool), 0);
}

const char *
fixture_name(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", fixture_dir, name);
	return path;
}

size_t
fixture_count_names(const char *dir)
{
	DIR *d = opendir(dir);
	size_t count = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		count++;
	closedir(d);
	return count - 2; /* . and .. */
}

/* ---- messages ------------------------------------------------------ */

int
fixture_open_incoming(void)
{
	int fd = open(fixture_name("spool/" SPOOL_INCOMING),
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

void
fixture_stage(
    struct staged *f, int incoming_fd, const char *text, size_t recipient_count)
{
	const struct spool_piece piece = {text, strlen(text)};
	struct spool_draft d;
	struct envelope e;

	fixture_envelope(&e, recipient_count, piece.len);
	ck_assert_int_eq(
	    spool_draft_init(&d, &e, &piece, 1, SIZE_MAX, FIXTURE_NOW_MS), 0);
	ck_assert_int_eq(staged_make(f, incoming_fd, &d), 0);
	spool_draft_release(&d);
	envelope_release(&e);
}

void
fixture_begin(enum spool_access access)
{
	ck_assert_int_eq(spool_begin(fixture_spool, access, 8 << 20,
			     clock_boot_ms() + PATIENCE_MS),
	    0);
}

void
fixture_commit(void)
{
	ck_assert_int_eq(spool_commit(fixture_spool), 0);
}

void
fixture_envelope(struct envelope *e, size_t recipient_count, uint64_t text_len)
{
	char address[64];

	envelope_init(e);
	envelope_set_sender(e, "a@example.org", 13);
	for (size_t i = 0; i < recipient_count; i++) {
		snprintf(
		    address, sizeof(address), "recipient-%zu@example.org", i);
		envelope_add_recipient(e, address, strlen(address));
	}
	e->submitted_ms = FIXTURE_NOW_MS;
	e->text_len = text_len;
	e->submitter = (struct submitter){.uid = 33, .pid = 4711};
}

uint64_t
fixture_put(const char *text, size_t len, int64_t now_ms)
{
	const struct spool_piece piece = {.data = text, .len = len};
	struct envelope e;
	uint64_t id = 0;

	fixture_envelope(&e, 1, len);
	ck_assert_int_eq(
	    spool_put(fixture_spool, &e, &piece, 1, now_ms, &id), 0);
	envelope_release(&e);
	return id;
}

uint64_t
fixture_put_one(const char *text)
{
	uint64_t id;

	fixture_begin(SPOOL_WRITE);
	id = fixture_put(text, strlen(text), FIXTURE_NOW_MS);
	fixture_commit();
	return id;
}

void
fixture_set(uint64_t id, enum message_phase phase, int64_t due_ms)
{
	struct message_state state;

	state_init(&state, 1, due_ms);
	state.phase = phase;
	if (phase == PHASE_HELD)
		state_hold(&state, "the test says so");
	ck_assert_int_eq(spool_set_state(fixture_spool, id, &state), 0);
	state_release(&state);
}

/* ---- the file as it is --------------------------------------------- */

void
fixture_open_raw(struct environment *e)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", fixture_path, SPOOL_FILE);
	ck_assert_int_eq(environment_open(e, path, true, MAP_LEN), 0);
}

void
fixture_raw_put(struct environment *e, const void *key, size_t key_len,
    const char *value, size_t len)
{
	char copy[64];
	MDB_val k = {.mv_data = copy, .mv_size = key_len};
	MDB_val v = {.mv_size = len};

	memcpy(copy, key, key_len);
	if (!value) {
		ck_assert_int_eq(mdb_del(e->txn, e->dbi, &k, NULL), 0);
		return;
	}
	ck_assert_int_eq(mdb_put(e->txn, e->dbi, &k, &v, MDB_RESERVE), 0);
	if (len > 0)
		memcpy(v.mv_data, value, len);
}

void
fixture_set_raw(const void *key, size_t key_len, const char *value, size_t len)
{
	struct environment e;

	fixture_open_raw(&e);
	fixture_raw_put(&e, key, key_len, value, len);
	ck_assert_int_eq(environment_commit(&e), 0);
	environment_close(&e);
}

void
fixture_list_as_joined(uint64_t name, uint64_t id)
{
	const char key = ENVIRONMENT_JOINED;
	char list[16];

	bytes_put_be64(list, name);
	bytes_put_be64(list + 8, id);
	fixture_set_raw(&key, 1, list, sizeof(list));
}

void
fixture_chunk_key(
    unsigned char *key, uint64_t id, unsigned char part, uint32_t chunk)
{
	key[0] = 0x10;
	bytes_put_be64(key + 1, id);
	key[9] = part;
	bytes_put_be32(key + 10, chunk);
}

void
fixture_set_chunk(uint64_t id, unsigned char part, uint32_t chunk,
    const char *value, size_t len)
{
	unsigned char key[FIXTURE_KEY_LEN];

	fixture_chunk_key(key, id, part, chunk);
	fixture_set_raw(key, sizeof(key), value, len);
}

/* A scheduled message has exactly the entry that its state names. */
static void
census_state(const struct environment *e, const MDB_val *key,
    const MDB_val *value, struct census *c)
{
	struct message_state state;
	unsigned char bytes[17] = {0x11};
	MDB_val entry = {.mv_data = bytes, .mv_size = sizeof(bytes)};
	MDB_val nothing;
	bool is_scheduled;

	ck_assert_int_eq(
	    record_decode_state(value->mv_data, value->mv_size - 8, &state), 0);
	c->count[state.phase]++;
	is_scheduled =
	    state.phase == PHASE_NEW || state.phase == PHASE_DEFERRED;
	bytes_put_be64(bytes + 1, (uint64_t)state.due_ms);
	memcpy(bytes + 9, (const char *)key->mv_data + 1, 8);
	ck_assert_int_eq(mdb_get(e->txn, e->dbi, &entry, &nothing),
	    is_scheduled ? 0 : MDB_NOTFOUND);
	state_release(&state);
}

static void
census_key(const struct environment *e, const MDB_val *key,
    const MDB_val *value, struct census *c)
{
	const unsigned char *k = key->mv_data;

	c->key_count++;
	if (k[0] == 0x11) {
		ck_assert_uint_eq(key->mv_size, 17);
		c->schedule_count++;
	} else if (k[0] == 0x10) {
		ck_assert_uint_eq(key->mv_size, FIXTURE_KEY_LEN);
		if (k[9] == 2)
			census_state(e, key, value, c);
		else
			c->bytes += value->mv_size;
	}
}

void
fixture_census(struct census *c)
{
	struct environment e;
	MDB_cursor *cursor;
	MDB_val key;
	MDB_val value;

	*c = (struct census){0};
	fixture_open_raw(&e);
	ck_assert_int_eq(mdb_cursor_open(e.txn, e.dbi, &cursor), 0);
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0)
		census_key(&e, &key, &value, c);
	mdb_cursor_close(cursor);
	environment_close(&e);
	ck_assert_uint_eq(
	    c->schedule_count, c->count[PHASE_NEW] + c->count[PHASE_DEFERRED]);
}

void
fixture_check_counters(void)
{
	struct spool_counters counters;
	struct census c;

	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get_counters(fixture_spool, &counters), 0);
	spool_abort(fixture_spool);
	fixture_census(&c);
	ck_assert_uint_eq(counters.bytes, c.bytes);
	for (int i = 0; i < PHASE_COUNT; i++)
		ck_assert_msg(counters.count[i] == c.count[i],
		    "%s: got %ju, want %ju", message_phase_names[i],
		    (uintmax_t)counters.count[i], (uintmax_t)c.count[i]);
}

static size_t
flip(const void *needle, size_t len, ptrdiff_t offset, char mask, size_t max)
{
	char path[128];
	struct stat st;
	char *content;
	char *at;
	size_t count;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", fixture_path, SPOOL_FILE);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &st), 0);
	content = malloc((size_t)st.st_size);
	ck_assert_ptr_nonnull(content);
	ck_assert_int_eq(pread(fd, content, (size_t)st.st_size, 0), st.st_size);
	at = content;
	for (count = 0; count < max; count++) {
		at = memmem(
		    at, (size_t)(content + st.st_size - at), needle, len);
		if (!at)
			break;
		at[offset] = (char)(at[offset] ^ mask);
		ck_assert_int_eq(
		    pwrite(fd, at + offset, 1, at + offset - content), 1);
		at++;
	}
	close(fd);
	free(content);
	return count;
}

void
fixture_flip(const char *needle, ptrdiff_t offset, char mask)
{
	ck_assert_msg(flip(needle, strlen(needle), offset, mask, 1) == 1,
	    "%s: not in the file", needle);
}

void
fixture_flip_key(const void *key, size_t key_len, ptrdiff_t offset, char mask)
{
	ck_assert_uint_gt(flip(key, key_len, offset, mask, SIZE_MAX), 0);
}

/* ---- other users --------------------------------------------------- */

int
fixture_run_as(uid_t uid, int (*body)(void))
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (uid != geteuid() &&
		    (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
			setresuid(uid, uid, uid) < 0))
			_exit(254);
		_exit(body());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}
