/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "spool/lock.h"
#include "spool/spool_internal.h"

enum {
	/* Room beside the data itself: tree, free list, what others freed. */
	MAP_SLACK = 4 << 20,
	MODE_SHARED = S_IRWXG, /* of a spool that a group shares */
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

	return fd < 0 ? fd : spool_open_fd(fd, out);
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
