/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <unistd.h>

#include "base/io.h"
#include "sendmail/input.h"

enum { LINE_STEP = 4096 }; /* what a terminal gives at most */

/* True if the last line of text is whole, and a dot. */
static bool
has_ended(const struct buf *text)
{
	const char *end = text->data + text->len;

	return text->len >= 2 && end[-1] == '\n' && end[-2] == '.' &&
	       (text->len == 2 || end[-3] == '\n');
}

/* A terminal gives one line at a time. */
static int
read_lines(size_t limit, struct buf *text)
{
	while (!has_ended(text)) {
		ssize_t n;

		if (text->len > limit)
			return -EMSGSIZE;
		buf_reserve(text, LINE_STEP);
		n = io_read(STDIN_FILENO, text->data + text->len, LINE_STEP);
		if (n <= 0)
			return (int)n;
		text->len += (size_t)n;
		text->data[text->len] = '\0';
	}
	return 0;
}

int
input_read(bool is_dot_literal, size_t limit, struct buf *text)
{
	if (is_dot_literal || !isatty(STDIN_FILENO))
		return io_read_all(STDIN_FILENO, limit, text);
	return read_lines(limit, text);
}

void
input_drain(uint64_t *bytes)
{
	if (isatty(STDIN_FILENO) || io_drain(STDIN_FILENO, bytes) < 0)
		return;
}
