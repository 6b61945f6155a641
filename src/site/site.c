/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "site/site.h"
#include "spool/spool.h"

enum {
	CLAIM_TIMEOUT_MS = 3000,
	CLAIM_RETRY_MS = 20,
	EXPLAINED_MAX = 1000,
};

void
site_release(struct site *s)
{
	free(s->name);
	free(s->root);
	free(s->path);
	free(s->user);
	*s = (struct site){0};
}

void
site_find_user(struct site *s)
{
	const struct passwd *pw;

	if (!s->has_uid || s->uid != 0)
		return;
	pw = getpwnam(s->user);
	if (pw)
		s->uid = pw->pw_uid;
}

/* ---- the directory ------------------------------------------------- */

/* Descend from dir_fd, which is closed, into the directory of this name. */
static int
descend(int dir_fd, const char *name, int flags)
{
	int fd =
	    openat(dir_fd, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc = fd < 0 ? -errno : fd;

	close(dir_fd);
	return rc;
}

/*
 * Component by component: whoever owns one of them may put a link, or another
 * directory, in the place of the next at any time.
 */
static int
walk(int dir_fd, char *path)
{
	char *rest = NULL;
	char *name = strtok_r(path, "/", &rest);
	char *next;

	for (; name && dir_fd >= 0; name = next) {
		next = strtok_r(NULL, "/", &rest);
		if (strcmp(name, "..") == 0) {
			close(dir_fd);
			return -ELOOP;
		}
		dir_fd = descend(dir_fd, name, next ? O_PATH : O_RDONLY);
	}
	return dir_fd;
}

static int
open_dir(const struct site *s)
{
	char *path;
	int fd;

	if (!s->root)
		return spool_open_dir(s->path);
	fd = open(s->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	path = alloc_copy(s->path, strlen(s->path));
	fd = walk(fd, path);
	free(path);
	return fd;
}

static int
check_owner(const struct site *s, int dir_fd)
{
	struct stat st;

	if (fstat(dir_fd, &st) < 0)
		return -errno;
	if (s->has_uid)
		return st.st_uid == s->uid ? 0 : -EPERM;
	return geteuid() == 0 || st.st_uid == geteuid() ? 0 : -EPERM;
}

int
site_open_dir(const struct site *s)
{
	int fd;
	int rc;

	if (s->has_uid && s->uid == 0)
		return -ESRCH;
	fd = open_dir(s);
	if (fd < 0)
		return fd;
	rc = check_owner(s, fd);
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

/* ---- the lock ------------------------------------------------------ */

/* The file is the site's, who may have put anything in its place. */
static int
open_lock(int dir_fd)
{
	int fd = openat(dir_fd, SPOOL_WORKER_LOCK,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int rc = 0;

	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? -EBADMSG : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		rc = -EBADMSG;
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

/* A worker would say the same, and be there in vain. */
static int
check_writable(int dir_fd)
{
	struct statvfs fs;

	if (fstatvfs(dir_fd, &fs) < 0)
		return -errno;
	return fs.f_flag & ST_RDONLY ? -EROFS : 0;
}

int
site_open(const struct site *s, struct site_spool *spool)
{
	int rc;

	*spool = (struct site_spool){.dir_fd = -1, .lock_fd = -1};
	rc = site_open_dir(s);
	if (rc < 0)
		return rc;
	spool->dir_fd = rc;
	rc = check_writable(spool->dir_fd);
	if (rc == 0)
		rc = open_lock(spool->dir_fd);
	if (rc < 0) {
		site_close(spool);
		return rc;
	}
	spool->lock_fd = rc;
	return 0;
}

int
site_claim(const struct site *s, struct site_spool *spool)
{
	const struct timespec pause = {.tv_nsec = CLAIM_RETRY_MS * 1000000L};
	const int64_t deadline_ms = clock_boot_ms() + CLAIM_TIMEOUT_MS;
	int rc;

	while ((rc = site_open(s, spool)) == -EBUSY &&
	       clock_boot_ms() < deadline_ms)
		nanosleep(&pause, NULL);
	return rc;
}

void
site_close(struct site_spool *spool)
{
	if (spool->dir_fd >= 0)
		close(spool->dir_fd);
	if (spool->lock_fd >= 0)
		close(spool->lock_fd);
	*spool = (struct site_spool){.dir_fd = -1, .lock_fd = -1};
}

bool
site_is_there(const struct site *s, const struct site_spool *spool)
{
	struct stat named;
	struct stat ours;
	bool is_same;
	int fd = open_dir(s);

	if (fd < 0)
		return false;
	is_same = fstat(fd, &named) == 0 && fstat(spool->dir_fd, &ours) == 0 &&
		  named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
	close(fd);
	return is_same;
}

const char *
site_error(int error)
{
	switch (-error) {
	case EBUSY:
		return "already being served by another flushd, or still by a "
		       "worker of one that is gone";
	case EPERM:
		return "belongs to another user";
	case ESRCH:
		return "there is no such user";
	case EBADMSG:
		return "is no spool; 'flushctl init' makes one";
	default:
		return strerror(-error);
	}
}

void
site_explain(const struct site *s, int error, struct buf *why)
{
	struct buf words = BUF_INIT;

	if (error == -ESRCH)
		buf_add_format(&words, "user = %s", s->user);
	else
		buf_add_format(&words, "%s%s", s->root ? s->root : "", s->path);
	buf_add_format(&words, ": %s", site_error(error));
	log_clean(why, words.data, words.len, EXPLAINED_MAX);
	buf_release(&words);
}
