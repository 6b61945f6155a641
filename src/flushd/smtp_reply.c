/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "flushd/smtp_reply.h"

void
smtp_reply_skip(struct smtp_reply *r)
{
	r->code = 0;
	r->status = (struct smtp_status){0};
	r->text[0] = '\0';
	r->text_len = 0;
	r->line_len = 0;
	r->line_count = 0;
	r->has_nul = false;
	r->is_line_read = false;
}

void
smtp_reply_init(struct smtp_reply *r)
{
	smtp_reply_skip(r);
	r->len = 0;
}

unsigned int
smtp_reply_class(const struct smtp_reply *r)
{
	return r->code / 100;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void
add_text(struct smtp_reply *r, const char *data, size_t len)
{
	for (size_t i = 0; i < len && r->text_len < SMTP_REPLY_TEXT_MAX; i++) {
		unsigned char c = (unsigned char)data[i];
		char shown = data[i];

		if (c < 32 || c == 127)
			shown = '?';
		r->text[r->text_len++] = shown;
	}
	r->text[r->text_len] = '\0';
}

/* A number of one to three digits at *at; moves behind it. */
static bool
read_number(const char **at, const char *end, unsigned int *out)
{
	const char *p = *at;

	*out = 0;
	while (p < end && p - *at < 3 && is_digit(*p))
		*out = *out * 10 + (unsigned int)(*p++ - '0');
	if (p == *at)
		return false;
	*at = p;
	return true;
}

/* RFC 2034 section 4: the enhanced code is the first of the words. */
static void
read_status(struct smtp_reply *r, const char *at, const char *end)
{
	struct smtp_status s;

	if (!read_number(&at, end, &s.class) || at == end || *at++ != '.' ||
	    !read_number(&at, end, &s.subject) || at == end || *at++ != '.' ||
	    !read_number(&at, end, &s.detail) || (at < end && *at != ' '))
		return;
	if (s.class == smtp_reply_class(r))
		r->status = s;
}

/* The code at the start of the line; 0 if it is not the line of a reply. */
static unsigned int
line_code(const char *line, size_t len)
{
	if (len < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) ||
	    !is_digit(line[2]))
		return 0;
	if (len > 3 && line[3] != ' ' && line[3] != '-')
		return 0;
	return (unsigned int)((line[0] - '0') * 100 + (line[1] - '0') * 10 +
			      (line[2] - '0'));
}

static enum smtp_reply_event
take_line(struct smtp_reply *r)
{
	unsigned int code = line_code(r->line, r->line_len);

	if (code == 0 || r->has_nul || (r->line_count > 0 && code != r->code)) {
		r->text_len = 0;
		add_text(r, r->line, r->line_len);
		return SMTP_REPLY_GARBAGE;
	}
	if (r->line_count++ == 0) {
		r->code = code;
		add_text(r, r->line, 3);
		if (r->line_len > 4)
			read_status(r, r->line + 4, r->line + r->line_len);
	}
	if (r->line_len > 4) {
		add_text(r, " ", 1);
		add_text(r, r->line + 4, r->line_len - 4);
	}
	return r->line_len > 3 && r->line[3] == '-' ? SMTP_REPLY_LINE
						    : SMTP_REPLY_COMPLETE;
}

/* Keep what fits of a line. */
static void
keep(struct smtp_reply *r, const char *data, size_t len)
{
	size_t room = SMTP_REPLY_LINE_MAX - r->line_len;
	size_t kept = len < room ? len : room;

	memcpy(r->line + r->line_len, data, kept);
	r->line_len += kept;
	if (memchr(data, '\0', len))
		r->has_nul = true;
}

enum smtp_reply_event
smtp_reply_read(
    struct smtp_reply *r, const char *data, size_t len, size_t *used)
{
	const char *lf = len ? memchr(data, '\n', len) : NULL;
	size_t line_len = lf ? (size_t)(lf - data) : len;

	*used = lf ? line_len + 1 : len;
	if (*used > SMTP_REPLY_MAX - r->len)
		return SMTP_REPLY_TOO_LONG;
	r->len += *used;
	if (r->is_line_read) {
		r->line_len = 0;
		r->has_nul = false;
		r->is_line_read = false;
	}
	if (line_len)
		keep(r, data, line_len);
	if (!lf)
		return SMTP_REPLY_MORE;
	r->is_line_read = true;
	if (r->line_len > 0 && r->line[r->line_len - 1] == '\r')
		r->line_len--;
	return take_line(r);
}
