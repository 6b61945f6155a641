/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "flushctl/place.h"

enum { PROGRAM_MODE = 0755, LINK_SHOWN_MAX = 200 };

/* ---- look ---------------------------------------------------------- */

static const char *
kind_of(const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		return "is a symbolic link";
	return S_ISDIR(st->st_mode) ? "is a directory" : "is no regular file";
}

/* Compare with what the file holds; an fd that reads is needed for that. */
static int
look_at_bytes(int fd, const struct buf *bytes, struct buf *why)
{
	struct buf found = BUF_INIT;
	int rc = io_read_all(fd, bytes->len, &found);
	const bool is_same = rc == 0 && found.len == bytes->len &&
			     memcmp(found.data, bytes->data, bytes->len) == 0;

	buf_release(&found);
	if (rc < 0 && rc != -EMSGSIZE)
		return rc;
	if (is_same)
		return PLACE_CURRENT;
	buf_add_str(why, "is of another version");
	return PLACE_OUTDATED;
}

static int
look_at_file(int fd, const struct buf *bytes, struct buf *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		buf_add_str(why, kind_of(&st));
		return PLACE_FOREIGN;
	}
	if (st.st_uid != 0) {
		buf_add_format(why, "belongs to uid %u", st.st_uid);
		return PLACE_FOREIGN;
	}
	if ((st.st_mode & 07777) != PROGRAM_MODE) {
		buf_add_format(why, "has mode %04o", st.st_mode & 07777);
		return PLACE_FOREIGN;
	}
	return look_at_bytes(fd, bytes, why);
}

/* 0: there is nothing. 1: there is something that is no file to be read. */
static int
look_at_name(const struct jail_dir *d, const char *name, struct stat *st)
{
	if (fstatat(d->fd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return 1;
}

int
place_look_file(const struct jail_dir *d, const char *name,
    const struct buf *bytes, struct buf *why)
{
	struct stat st;
	int rc = look_at_name(d, name, &st);
	int fd;

	if (rc == 0)
		buf_add_str(why, "is missing");
	if (rc <= 0)
		return rc < 0 ? rc : PLACE_MISSING;
	if (!S_ISREG(st.st_mode)) {
		buf_add_str(why, kind_of(&st));
		return PLACE_FOREIGN;
	}
	/* It may be another one by now: one that waits for a writer, too. */
	fd = openat(d->fd, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? -EAGAIN : -errno;
	rc = look_at_file(fd, bytes, why);
	close(fd);
	return rc;
}

int
place_look_link(const struct jail_dir *d, const char *name, const char *target,
    struct buf *why)
{
	char found[LINK_SHOWN_MAX + 1] = "";
	struct stat st;
	int rc = look_at_name(d, name, &st);

	if (rc == 0)
		buf_add_str(why, "is missing");
	if (rc <= 0)
		return rc < 0 ? rc : PLACE_MISSING;
	if (!S_ISLNK(st.st_mode)) {
		buf_add_str(why, S_ISREG(st.st_mode)
				     ? "is a program of the jail's own"
				     : kind_of(&st));
		return PLACE_FOREIGN;
	}
	if (readlinkat(d->fd, name, found, LINK_SHOWN_MAX) < 0)
		return -errno;
	if (strcmp(found, target) == 0)
		return PLACE_CURRENT;
	buf_add_str(why, "is a link to ");
	log_escape(why, found, strlen(found), LINK_SHOWN_MAX);
	return PLACE_FOREIGN;
}

/* ---- put ----------------------------------------------------------- */

static int
fill(int fd, const struct buf *bytes)
{
	int rc = io_write_all(fd, bytes->data, bytes->len);

	/* A directory may give its own group to what is made in it. */
	if (rc == 0 && (fchown(fd, 0, 0) < 0 || fchmod(fd, PROGRAM_MODE) < 0 ||
			   fsync(fd) < 0))
		rc = -errno;
	return rc;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Is it what has the name now? */
static int
check_is_there(const struct jail_dir *d, const char *name, int fd)
{
	struct stat named;
	struct stat ours;

	if (fstat(fd, &ours) < 0)
		return -errno;
	if (fstatat(d->fd, name, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !is_same(&named, &ours))
		return -EAGAIN;
	return 0;
}

/* Open it without opening it to be written. A descriptor or -errno. */
static int
open_path(const struct jail_dir *d, const char *name, int fd)
{
	int path_fd = openat(d->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat named;
	struct stat ours;

	if (path_fd < 0)
		return -errno;
	if (fstat(path_fd, &named) < 0 || fstat(fd, &ours) < 0 ||
	    !is_same(&named, &ours)) {
		close(path_fd);
		return -EAGAIN;
	}
	return path_fd;
}

/*
 * Write a new file: a descriptor (O_PATH) or -errno. Nobody has it open to be
 * written then, as no program can be started meanwhile (ETXTBSY).
 */
static int
write_draft(
    const struct jail_dir *d, const char *draft, const struct buf *bytes)
{
	int fd = openat(d->fd, draft,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return -errno;
	rc = fill(fd, bytes);
	if (rc == 0)
		rc = open_path(d, draft, fd);
	close(fd);
	if (rc < 0)
		unlinkat(d->fd, draft, 0);
	return rc;
}

/*
 * One who died here has left the temporary file; another one does not work at
 * it, as changes to sites are made by one at a time.
 */
static int
write_as(const struct jail_dir *d, const char *draft, const char *name,
    const struct buf *bytes)
{
	int fd;
	int rc = 0;

	if (unlinkat(d->fd, draft, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = write_draft(d, draft, bytes);
	if (fd < 0)
		return fd;
	if (renameat(d->fd, draft, d->fd, name) < 0)
		rc = -errno;
	if (rc < 0)
		unlinkat(d->fd, draft, 0);
	else
		rc = check_is_there(d, name, fd);
	close(fd);
	return rc;
}

int
place_file(const struct jail_dir *d, const char *name, const struct buf *bytes)
{
	struct buf draft = BUF_INIT;
	int rc;

	if (d->is_elsewhere)
		return -EXDEV;
	buf_add_format(&draft, ".%s.new", name);
	rc = write_as(d, draft.data, name, bytes);
	buf_release(&draft);
	return rc < 0 ? rc : jail_dir_sync(d);
}

int
place_link(const struct jail_dir *d, const char *name, const char *target)
{
	if (d->is_elsewhere)
		return -EXDEV;
	if (symlinkat(target, d->fd, name) < 0)
		return errno == EEXIST ? -EAGAIN : -errno;
	return jail_dir_sync(d);
}

int
place_remove(const struct jail_dir *d, const char *name)
{
	if (d->is_elsewhere)
		return -EXDEV;
	if (unlinkat(d->fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return jail_dir_sync(d);
}
