/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/io.h"
#include "sendmail/session.h"

enum { READ_STEP = 64 * 1024 };

static int
write_replies(struct server *s)
{
	struct buf *out = server_output(s);
	int err = io_write_all(STDOUT_FILENO, out->data, out->len);

	buf_clear(out);
	return err;
}

/*
 * Whoever does not hear the reply sends the message again: as long as it is not
 * stored, there is still a choice.
 */
static bool
has_hung_up(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP));
}

/* Feed the server: 1 while the session goes on, 0 at its end, or -errno. */
static int
feed(
    struct server *s, session_message_fn *message, const char *data, size_t len)
{
	enum server_want want;
	size_t used;
	int err;

	do {
		want = server_input(s, data, len, &used);
		data += used;
		len -= used;
		if (want == SERVER_WANT_VERDICT && has_hung_up())
			return -EPIPE;
		if (want == SERVER_WANT_VERDICT)
			message(s);
		err = want == SERVER_WANT_VERDICT || len == 0 ? write_replies(s)
							      : 0;
		if (err < 0)
			return err;
	} while (len > 0 && want != SERVER_WANT_NOTHING);
	if (want != SERVER_WANT_NOTHING)
		return 1;
	return write_replies(s);
}

int
session_run(struct server *s, session_message_fn *message)
{
	static char data[READ_STEP];
	int rc = write_replies(s); /* the greeting */

	if (rc == 0)
		rc = 1;
	while (rc > 0) {
		ssize_t n = io_read(STDIN_FILENO, data, sizeof(data));

		if (n <= 0)
			return (int)n;
		rc = feed(s, message, data, (size_t)n);
	}
	return rc;
}
