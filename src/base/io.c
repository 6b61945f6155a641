/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"

enum { READ_STEP = 64 * 1024 };

/*
 * True if what failed with errno is to be tried again. The caller's descriptor
 * may be one that does not block: then we wait for it here.
 */
static bool
is_worth_waiting(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	if (errno == EINTR)
		return true;
	if (errno != EAGAIN)
		return false;
	return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

ssize_t
io_read(int fd, void *data, size_t len)
{
	ssize_t n;

	do
		n = read(fd, data, len);
	while (n < 0 && is_worth_waiting(fd, POLLIN));
	return n < 0 ? -errno : n;
}

int
io_read_all(int fd, size_t limit, struct buf *b)
{
	while (b->len <= limit) {
		size_t left = limit - b->len;
		size_t room = left < READ_STEP ? left + 1 : READ_STEP;
		ssize_t n;

		buf_reserve(b, room);
		n = io_read(fd, b->data + b->len, room);
		if (n <= 0)
			return (int)n;
		b->len += (size_t)n;
		b->data[b->len] = '\0';
	}
	return -EMSGSIZE;
}

int
io_drain(int fd, uint64_t *count)
{
	char bytes[16 * 1024];
	ssize_t n;

	while ((n = io_read(fd, bytes, sizeof(bytes))) > 0)
		*count += (uint64_t)n;
	return (int)n;
}

int
io_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && is_worth_waiting(fd, POLLOUT))
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A descriptor that cannot be used: its number is all that is wanted. */
static int
open_nothing(void)
{
	int fd = open("/", O_PATH | O_DIRECTORY);

	return fd < 0 ? -errno : fd;
}

int
io_secure_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		int got;

		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		got = open_nothing();
		if (got < 0)
			return got;
		/* The lowest free number is ours to get, and it is fd. */
		if (got != fd)
			return -EBADF;
	}
	return 0;
}

void
io_close_from(int first)
{
	struct rlimit limit;

	if (syscall(SYS_close_range, (unsigned int)first, ~0U, 0) == 0)
		return;
	/* A kernel before 5.9, or a filter that does not know the call. */
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 65536)
		limit.rlim_cur = 65536;
	for (int fd = first; fd < (int)limit.rlim_cur; fd++)
		close(fd);
}
