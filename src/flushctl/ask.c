/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/local.h"
#include "flushctl/ask.h"

enum {
	ANSWER_MAX = 64 << 20, /* bytes; ten thousand sites have 6 MiB */
	READ_LEN = 64 << 10,
};

static const char request[] = "status\n";

/* ---- until a deadline ---------------------------------------------- */

/* Milliseconds that are left, none if it has passed. */
static int
left_ms(int64_t deadline_ms)
{
	const int64_t left = deadline_ms - clock_boot_ms();

	return left > 0 ? (int)left : 0;
}

/* A signal that is handled, as that of a terminal whose size changes, is no
 * reason to give up. */
static int
connect_until(const char *path, int64_t deadline_ms)
{
	int fd;

	do {
		const int left = left_ms(deadline_ms);

		/* None at all would mean for ever. */
		fd = left > 0 ? local_connect(path, left) : -ETIMEDOUT;
	} while (fd == -EINTR);
	return fd;
}

/* 1 if there is something to be read, or -errno. */
static int
wait_until(int fd, int64_t deadline_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int rc;

	do
		rc = poll(&p, 1, left_ms(deadline_ms));
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : rc == 0 ? -ETIMEDOUT : 1;
}

static int
read_until(int fd, int64_t deadline_ms, struct buf *answer)
{
	ssize_t n = 1;

	while (n > 0 && answer->len <= ANSWER_MAX) {
		int rc = wait_until(fd, deadline_ms);

		if (rc < 0)
			return rc;
		buf_reserve(answer, READ_LEN);
		n = recv(
		    fd, answer->data + answer->len, READ_LEN, MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n < 0)
			n = 1; /* it was nothing after all */
		else
			answer->len += (size_t)n;
		answer->data[answer->len] = '\0';
	}
	return n == 0 ? 0 : -EMSGSIZE;
}

/* ---- asking -------------------------------------------------------- */

/* Who is refused may find the end before he could ask. */
static int
converse(int fd, int64_t deadline_ms, struct buf *answer)
{
	const size_t begin = answer->len;
	int rc;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0 &&
	    errno != EPIPE)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	rc = read_until(fd, deadline_ms, answer);
	return rc == -ECONNRESET && answer->len > begin ? 0 : rc;
}

int
ask_flushd(const char *path, int timeout_ms, struct buf *answer)
{
	const int64_t deadline_ms = clock_boot_ms() + timeout_ms;
	int fd = connect_until(path, deadline_ms);
	int rc;

	if (fd < 0)
		return fd;
	rc = converse(fd, deadline_ms, answer);
	close(fd);
	return rc;
}

void
ask_add_error(struct buf *out, const char *path, int rc)
{
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		buf_add_format(
		    out, "flushd does not run: nobody listens at %s", path);
	else if (rc == -ETIMEDOUT)
		buf_add_format(out, "flushd does not answer at %s", path);
	else if (rc == -EBADMSG)
		buf_add_format(out, "%s: the answer is not whole", path);
	else
		buf_add_format(out, "%s: %s", path, strerror(-rc));
}
