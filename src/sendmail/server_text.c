/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "sendmail/server_internal.h"

void
server_begin_text(struct server *s)
{
	s->is_in_text = true;
	s->place = TEXT_LINE_START;
	s->last = '\n';
}

static void
keep(struct server *s, const char *data, size_t len)
{
	if (len == 0)
		return;
	s->last = data[len - 1];
	s->text_bytes += len;
	if (s->text_bytes > s->limits.text_bytes_max)
		buf_release(&s->text);
	else
		buf_add(&s->text, data, len);
}

static void
end_text(struct server *s)
{
	s->is_in_text = false;
	s->has_message = true;
}

/* Within a line: up to its end, or all there is. */
static size_t
take_rest_of_line(struct server *s, const char *data, size_t len)
{
	const char *lf = memchr(data, '\n', len);
	const size_t before = lf ? (size_t)(lf - data) : len;

	keep(s, data, before);
	if (!lf)
		return len;
	if (s->is_unix || s->last == '\r')
		s->place = TEXT_LINE_START;
	keep(s, "\n", 1);
	return before + 1;
}

size_t
server_take_text(struct server *s, const char *data, size_t len)
{
	const char c = *data;

	switch (s->place) {
	case TEXT_LINE_START:
		s->place = c == '.' ? TEXT_BEHIND_DOT : TEXT_IN_LINE;
		return c == '.';
	case TEXT_BEHIND_DOT:
		if (c == '\n' && s->is_unix) {
			end_text(s);
			return 1;
		}
		s->place = c == '\r' ? TEXT_BEHIND_DOT_CR : TEXT_IN_LINE;
		s->last = '.';
		return c == '\r';
	case TEXT_BEHIND_DOT_CR:
		if (c == '\n') {
			end_text(s);
			return 1;
		}
		s->place = TEXT_IN_LINE;
		keep(s, "\r", 1);
		return 0;
	case TEXT_IN_LINE:
	default:
		return take_rest_of_line(s, data, len);
	}
}
