/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/local.h"

enum { BACKLOG = 128, MODE = 0666, STALE_TIMEOUT_MS = 1000 };

#define NEW_SUFFIX ".new"

static int
address_of(const char *path, struct sockaddr_un *a)
{
	const size_t len = strlen(path);

	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len == 0 || len >= sizeof(a->sun_path))
		return -ENAMETOOLONG;
	memcpy(a->sun_path, path, len);
	return 0;
}

/* Of a socket of this kind SO_SNDTIMEO bounds connect() too. */
static int
connect_within(int fd, const struct sockaddr_un *a, int timeout_ms)
{
	const struct timeval timeout = {
	    .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) <
	    0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0)
		return 0;
	return errno == EAGAIN ? -ETIMEDOUT : -errno;
}

int
local_connect(const char *path, int timeout_ms)
{
	struct sockaddr_un a;
	int rc = address_of(path, &a);
	int fd;

	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	rc = connect_within(fd, &a, timeout_ms);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

/* Is there nothing, or something that may be replaced? 0 or -errno. */
static int
check_stale(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return -EEXIST;
	fd = local_connect(path, STALE_TIMEOUT_MS);
	if (fd < 0)
		return fd == -ECONNREFUSED ? 0
		       : fd == -ETIMEDOUT  ? -EADDRINUSE
					   : fd;
	close(fd);
	return -EADDRINUSE;
}

/* Nobody can connect before it listens: it gets its name last. */
static int
listen_as(int fd, const char *name, const char *path)
{
	struct sockaddr_un a;
	int rc = address_of(name, &a);

	if (rc == 0)
		rc = check_stale(name);
	if (rc < 0)
		return rc;
	unlink(name);
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	if (chmod(name, MODE) < 0 || listen(fd, BACKLOG) < 0 ||
	    rename(name, path) < 0) {
		rc = -errno;
		unlink(name);
	}
	return rc;
}

int
local_listen(const char *path)
{
	char name[LOCAL_PATH_MAX + sizeof(NEW_SUFFIX)];
	int rc = check_stale(path);
	int fd;

	if (rc < 0)
		return rc;
	if (snprintf(name, sizeof(name), "%s" NEW_SUFFIX, path) >=
	    (int)sizeof(name))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = listen_as(fd, name, path);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}
