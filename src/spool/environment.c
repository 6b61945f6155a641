/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/environment.h"

#if MDB_VERSION_MAJOR != 0 || MDB_VERSION_MINOR != 9
#error "The spool format is that of LMDB 0.9; 1.x writes other files."
#endif

enum {
	/* An overflow page holds its header of 16 bytes and the value. */
	OVERFLOW_HEADER = 16,
	/* What LMDB takes from the heap to open a file, with much to spare. */
	HEAP_MAX = 16 << 20,
	/* As many commits as the last one do not make the file longer. */
	HEAD_ROOM_NEEDS = 4,
	ZEROS_LEN = 64 << 10,
	FILE_MODE = 0660, /* less the umask: 0600, or 0660 in a shared spool */
	MMAP_THRESHOLD = 1 << 20,
	TRIM_THRESHOLD = 64 << 20, /* more than a message changes */
};

int
environment_error(int lmdb_code)
{
	switch (lmdb_code) {
	case 0:
		return 0;
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case EDQUOT: /* of the disk; -EDQUOT is the spool's own */
		return -ENOSPC;
	default:
		/* LMDB's own codes are negative: all others mean damage. */
		return lmdb_code > 0 ? -lmdb_code : -EBADMSG;
	}
}

/* LMDB would print a line of its own before it aborts. */
NORETURN static void
fail_quietly(MDB_env *env, const char *message)
{
	(void)env;
	(void)message;
	abort();
}

static int
begin(struct environment *e, unsigned int flags)
{
	MDB_stat stat;
	int rc;

	rc = mdb_txn_begin(e->env, NULL, flags, &e->txn);
	if (rc)
		return rc;
	/* They are counted, and the highest counts: behind the last there is
	 * none, and what is committed as 0 is not seen again. */
	if (mdb_txn_id(e->txn) > INT64_MAX ||
	    (mdb_txn_id(e->txn) == 0 && !(flags & MDB_RDONLY)))
		return MDB_CORRUPTED;
	rc = mdb_dbi_open(e->txn, NULL, 0, &e->dbi);
	if (rc)
		return rc;
	rc = mdb_stat(e->txn, e->dbi, &stat);
	if (rc)
		return rc;
	if (stat.ms_psize < 512 || stat.ms_psize > 65536)
		return MDB_CORRUPTED;
	e->chunk_len = stat.ms_psize - OVERFLOW_HEADER;
	return 0;
}

/*
 * LMDB maps as much as the file says it has. Where that fails although we have
 * room for what it can have, the file lies.
 */
static bool
has_room(size_t map_len)
{
	void *p = mmap(NULL, map_len, PROT_READ,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p != MAP_FAILED && munmap(p, map_len) == 0;
}

/*
 * To write, LMDB takes lists of 1 and 2 MiB, of which it uses little: from the
 * kernel they are zeros that cost nothing, from the heap all of it would be
 * zeroed each time. And it takes a page of heap for each page that changes,
 * which malloc would give back to the kernel one by one. Senders wait for
 * either.
 */
static void
suit_malloc(void)
{
	static bool is_done;

	if (!is_done) {
		mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
		mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
	}
	is_done = true;
}

static int
open_file(
    struct environment *e, const char *path, unsigned int flags, size_t map_len)
{
	int rc = mdb_env_create(&e->env);

	if (rc)
		return rc;
	mdb_env_set_assert(e->env, fail_quietly);
	rc = mdb_env_set_mapsize(e->env, map_len);
	if (rc)
		return rc;
	return mdb_env_open(
	    e->env, path, MDB_NOSUBDIR | MDB_NOLOCK | flags, FILE_MODE);
}

int
environment_open(
    struct environment *e, const char *path, bool is_writer, size_t map_len)
{
	const unsigned int flags = is_writer ? 0 : MDB_RDONLY;
	int major;
	int minor;
	int rc;

	*e = (struct environment){0};
	mdb_version(&major, &minor, NULL);
	if (major != MDB_VERSION_MAJOR || minor != MDB_VERSION_MINOR)
		return -ENOTSUP;
	suit_malloc();
	rc = open_file(e, path, flags, map_len);
	if (rc == ENOMEM && has_room(map_len + HEAP_MAX)) {
		/* Room may have been short for a moment only. */
		environment_close(e);
		rc = open_file(e, path, flags, map_len);
		if (rc == ENOMEM && has_room(map_len + HEAP_MAX))
			rc = MDB_CORRUPTED;
	}
	if (rc == 0)
		rc = begin(e, flags);
	if (rc)
		environment_close(e);
	return environment_error(rc);
}

int
environment_find(
    struct environment *e, enum environment_record record, MDB_val *value)
{
	unsigned char byte = (unsigned char)record;
	MDB_val key = {.mv_data = &byte, .mv_size = 1};

	return environment_error(mdb_get(e->txn, e->dbi, &key, value));
}

int
environment_get(
    struct environment *e, enum environment_record record, MDB_val *value)
{
	int rc = environment_find(e, record, value);

	return rc == -ENOENT ? -EBADMSG : rc;
}

int
environment_put(struct environment *e, enum environment_record record,
    const struct buf *content)
{
	unsigned char byte = (unsigned char)record;
	MDB_val key = {.mv_data = &byte, .mv_size = 1};
	MDB_val value = {.mv_data = content->data, .mv_size = content->len};

	return environment_error(mdb_put(e->txn, e->dbi, &key, &value, 0));
}

int
environment_nest(struct environment *e)
{
	MDB_txn *inner;
	int rc = mdb_txn_begin(e->env, e->txn, 0, &inner);

	if (rc)
		return environment_error(rc);
	e->parent = e->txn;
	e->txn = inner;
	return 0;
}

int
environment_unnest(struct environment *e, int rc)
{
	if (rc == 0)
		rc = environment_error(mdb_txn_commit(e->txn));
	else
		mdb_txn_abort(e->txn);
	e->txn = e->parent;
	e->parent = NULL;
	return rc;
}

int
environment_commit(struct environment *e)
{
	int rc = mdb_txn_commit(e->txn);

	e->txn = NULL;
	if (rc == 0)
		return 0;
	/*
	 * Pages are written and flushed before the meta page that makes them
	 * count. Only if the write of that one failed, which LMDB remembers
	 * as MDB_PANIC, may the disk hold the new state or the old.
	 */
	if (mdb_txn_begin(e->env, NULL, 0, &e->txn) == MDB_PANIC) {
		e->txn = NULL;
		return -EINPROGRESS;
	}
	/* EIO is also what LMDB makes of a write that a full disk cut. */
	return environment_error(rc);
}

int
environment_flush(struct environment *e)
{
	mdb_filehandle_t fd;
	int rc = mdb_env_get_fd(e->env, &fd);

	if (rc == 0 && fdatasync(fd) < 0)
		rc = errno;
	return environment_error(rc);
}

int
environment_reserve(struct environment *e, uint64_t len)
{
	mdb_filehandle_t fd;
	int rc;

	if (len > INT64_MAX)
		return -ENOSPC;
	rc = mdb_env_get_fd(e->env, &fd);
	if (rc == 0 && fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)len) < 0)
		rc = errno;
	/* tmpfs asks for RLIMIT_FSIZE, though the file does not grow here. */
	return rc == EOPNOTSUPP || rc == EFBIG ? 0 : environment_error(rc);
}

void
environment_unreserve(struct environment *e)
{
	mdb_filehandle_t fd;
	struct stat st;

	/* To the length that it has: what lies behind goes. */
	if (mdb_env_get_fd(e->env, &fd) == 0 && fstat(fd, &st) == 0 &&
	    ftruncate(fd, st.st_size) < 0)
		return; /* then it stays reserved */
}

void
environment_extend(struct environment *e, uint64_t file_len, uint64_t need)
{
	static const char zeros[ZEROS_LEN];
	mdb_filehandle_t fd;
	MDB_envinfo info;
	uint64_t used;
	uint64_t to;

	if (mdb_env_info(e->env, &info) || mdb_env_get_fd(e->env, &fd))
		return;
	used = ((uint64_t)info.me_last_pgno + 1) *
	       (e->chunk_len + OVERFLOW_HEADER);
	if (file_len < used || file_len - used >= need)
		return;
	to = file_len + HEAD_ROOM_NEEDS * need;
	for (uint64_t at = file_len; at < to; at += sizeof(zeros))
		if (pwrite(fd, zeros, sizeof(zeros), (off_t)at) !=
		    (ssize_t)sizeof(zeros))
			return;
}

int
environment_copy(struct environment *from, struct environment *to)
{
	MDB_cursor *cursor;
	MDB_val key;
	MDB_val value;
	int rc;

	rc = mdb_cursor_open(from->txn, from->dbi, &cursor);
	if (rc)
		return environment_error(rc);
	/* Appending fails where keys are out of order: no copy of damage. */
	while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		rc = mdb_put(to->txn, to->dbi, &key, &value, MDB_APPEND);
		if (rc)
			break;
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : environment_error(rc);
}

void
environment_close(struct environment *e)
{
	if (e->txn)
		mdb_txn_abort(e->txn);
	if (e->env)
		mdb_env_close(e->env);
	*e = (struct environment){0};
}
