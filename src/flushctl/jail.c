/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "flushctl/jail.h"

enum { DIRECTORY_MODE = 0755 };

#define WALK (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* ---- one directory ------------------------------------------------- */

/* st_dev does not tell a directory of the host that is mounted here, too. */
static int
mount_of(int fd, uint64_t *mount)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) < 0)
		return -errno;
	if (!(sx.stx_mask & STATX_MNT_ID))
		return -ENOSYS;
	*mount = sx.stx_mnt_id;
	return 0;
}

static int
look(const struct jail *j, struct jail_dir *d)
{
	uint64_t mount = 0;
	struct stat st;
	int rc = mount_of(d->fd, &mount);

	if (rc < 0)
		return rc;
	if (fstat(d->fd, &st) < 0)
		return -errno;
	if (mount != j->mount)
		d->is_elsewhere = true;
	if (st.st_uid != 0 || (st.st_mode & S_IWOTH) != 0 ||
	    ((st.st_mode & S_IWGRP) != 0 && st.st_gid != 0))
		d->is_users = true;
	return 0;
}

int
jail_dir_reopen(const struct jail_dir *d)
{
	int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int
jail_dir_sync(const struct jail_dir *d)
{
	int fd = jail_dir_reopen(d);
	int rc = 0;

	if (fd < 0)
		return fd;
	if (fsync(fd) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

void
jail_dir_close(struct jail_dir *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

/* ---- walk ---------------------------------------------------------- */

static int
make(const struct jail_dir *d, const char *name)
{
	if (d->is_elsewhere)
		return -EXDEV;
	if (mkdirat(d->fd, name, DIRECTORY_MODE) < 0)
		return errno == EEXIST ? 0 : -errno;
	return jail_dir_sync(d);
}

/* From one directory into the next. */
static int
descend(
    const struct jail *j, struct jail_dir *d, const char *name, bool may_make)
{
	int fd = openat(d->fd, name, WALK);
	int rc;

	if (strcmp(name, "..") == 0) {
		rc = -ELOOP;
	} else if (fd < 0 && errno == ENOENT && may_make) {
		rc = make(d, name);
		if (rc == 0) {
			fd = openat(d->fd, name, WALK);
			rc = fd < 0 ? -errno : 0;
		}
	} else {
		rc = fd < 0 ? -errno : 0;
	}
	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	close(d->fd);
	d->fd = fd;
	return look(j, d);
}

/* From the root down; path is cut into pieces. */
static int
walk(const struct jail *j, struct jail_dir *d, char *path, bool may_make)
{
	char *rest = NULL;
	char *name = strtok_r(path, "/", &rest);
	int rc = 0;

	for (; name && rc == 0; name = strtok_r(NULL, "/", &rest))
		rc = descend(j, d, name, may_make);
	return rc;
}

/*
 * What to walk instead of path, for free(): where /usr is merged, /bin is a
 * link to usr/bin. The link is read, not followed, and its target walked as
 * anything else.
 */
static char *
merged(const struct jail *j, const char *path)
{
	static const char *const tops[] = {"bin", "sbin"};
	struct buf b = BUF_INIT;

	path += strspn(path, "/");
	for (size_t i = 0; i < ARRAY_LEN(tops); i++) {
		const size_t len = strlen(tops[i]);
		char target[16] = "";
		const char *name = target;

		if (strncmp(path, tops[i], len) != 0 ||
		    (path[len] != '/' && path[len] != '\0') ||
		    readlinkat(j->fd, tops[i], target, sizeof(target) - 1) < 0)
			continue;
		name += *name == '/' ? 1 : 0;
		if (strncmp(name, "usr/", 4) == 0 &&
		    strcmp(name + 4, tops[i]) == 0)
			buf_add_str(&b, "usr/");
	}
	buf_add_str(&b, path);
	return buf_detach(&b);
}

int
jail_open_dir(
    const struct jail *j, const char *path, bool may_make, struct jail_dir *d)
{
	struct jail_dir found = {.fd = openat(j->fd, ".", WALK)};
	char *pieces;
	int rc;

	if (found.fd < 0)
		return -errno;
	pieces = merged(j, path);
	rc = look(j, &found);
	if (rc == 0)
		rc = walk(j, &found, pieces, may_make);
	free(pieces);
	if (rc < 0)
		jail_dir_close(&found);
	else
		*d = found;
	return rc;
}

/* ---- the jail ------------------------------------------------------ */

static bool
is_below_root(const char *path)
{
	return *path == '/' && path[strspn(path, "/")] != '\0';
}

int
jail_open(struct jail *j, const char *path, uid_t uid, gid_t gid)
{
	struct jail_dir d = {.fd = -1};
	char *pieces;
	int rc;

	*j = (struct jail){.path = path, .uid = uid, .gid = gid, .fd = -1};
	if (!is_below_root(path))
		return -EINVAL;
	d.fd = open("/", WALK);
	if (d.fd < 0)
		return -errno;
	pieces = alloc_copy(path, strlen(path));
	rc = walk(j, &d, pieces, false);
	free(pieces);
	if (rc == 0)
		rc = mount_of(d.fd, &j->mount);
	if (rc < 0)
		jail_dir_close(&d);
	j->fd = d.fd;
	return rc;
}

void
jail_close(struct jail *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

const char *
jail_error(int error)
{
	switch (-error) {
	case EINVAL:
		return "a jail has an absolute path, and is not /";
	case ELOOP:
	case ENOTDIR:
		return "there is a symbolic link on the way, or no directory; "
		       "links are not followed";
	case EAGAIN:
	case EEXIST:
		return "somebody else has put something there meanwhile";
	case EXDEV:
		return "is on another mount than the jail; nothing is put "
		       "there, as it may be the host's";
	case ENOSYS:
		return "this kernel does not tell mounts apart (Linux 5.8 "
		       "does)";
	default:
		return strerror(-error);
	}
}
