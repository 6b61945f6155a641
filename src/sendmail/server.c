/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/alloc.h"
#include "sendmail/server_internal.h"

enum {
	/* RFC 5321 has 512 bytes, parameters and long addresses need more. */
	LINE_LEN_MAX = 4096,
	/* A program that says nothing but nonsense is not going to stop. */
	ERRORS_MAX = 100,
	WHY_SHOWN_MAX = 400,
};

/* ---- replies ------------------------------------------------------- */

void
server_reply(struct server *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_add_vformat(&s->out, fmt, ap);
	va_end(ap);
	buf_add_str(&s->out, "\r\n");
}

void
server_complain(struct server *s, const char *words)
{
	server_reply(s, "%s", words);
	if (++s->errors < ERRORS_MAX)
		return;
	server_reply(s, "421 4.7.0 %s Too many errors", s->host);
	s->is_over = true;
}

void
server_reset(struct server *s)
{
	envelope_release(&s->envelope);
	envelope_init(&s->envelope);
	buf_release(&s->text);
	s->text_bytes = 0;
	s->has_sender = false;
	s->has_message = false;
}

/* ---- the session --------------------------------------------------- */

/* Take a command line, or what there is of one. */
static size_t
take_line(struct server *s, const char *data, size_t len)
{
	const char *lf = memchr(data, '\n', len);
	size_t used = lf ? (size_t)(lf - data) : len;

	if (s->line.len + used > LINE_LEN_MAX)
		s->is_line_too_long = true;
	else
		buf_add(&s->line, data, used);
	if (!lf)
		return used;
	if (s->is_line_too_long)
		server_complain(s, "500 5.5.6 Line too long");
	else
		server_run_command(s);
	s->is_line_too_long = false;
	buf_clear(&s->line);
	return used + 1;
}

static enum server_want
want(const struct server *s)
{
	return s->has_message ? SERVER_WANT_VERDICT
	       : s->is_over   ? SERVER_WANT_NOTHING
			      : SERVER_WANT_INPUT;
}

enum server_want
server_input(struct server *s, const char *data, size_t len, size_t *used)
{
	size_t at = 0;

	while (at < len && want(s) == SERVER_WANT_INPUT)
		at += s->is_in_text ? server_take_text(s, data + at, len - at)
				    : take_line(s, data + at, len - at);
	*used = at;
	return want(s);
}

struct buf *
server_output(struct server *s)
{
	return &s->out;
}

struct envelope *
server_envelope(struct server *s)
{
	return &s->envelope;
}

struct buf *
server_text(struct server *s)
{
	return &s->text;
}

uint64_t
server_forgotten_bytes(const struct server *s)
{
	return s->text_bytes > s->limits.text_bytes_max ? s->text_bytes : 0;
}

/* Symfony finds the id by these very words. */
void
server_accept(struct server *s, const char *queue_id)
{
	assert(server_forgotten_bytes(s) == 0);
	server_reset(s);
	server_reply(s, "250 Ok: queued as %s", queue_id);
}

void
server_refuse(struct server *s, int exit_code, const char *why)
{
	static const struct {
		int exit_code;
		const char *words;
	} table[] = {
	    {EX_USAGE, "554 5.5.0"},
	    {EX_DATAERR, "554 5.6.0"},
	    {EX_UNAVAILABLE, "550 5.7.1"},
	    {EX_NOPERM, "550 5.7.1"},
	    {EX_CANTCREAT, "452 4.3.1"},
	    {EX_IOERR, "451 4.3.0"},
	};
	const char *words = "451 4.3.5";
	struct buf line = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].exit_code == exit_code)
			words = table[i].words;
	if (server_forgotten_bytes(s) > 0)
		words = "552 5.3.4";
	server_reset(s);
	buf_add_format(&line, "%s %.*s", words, WHY_SHOWN_MAX, why);
	server_complain(s, line.data);
	buf_release(&line);
}

struct server *
server_new(const char *host, const struct server_limits *limits)
{
	struct server *s = alloc_zeroed(sizeof(*s));

	s->host = alloc_copy(host, strlen(host));
	s->limits = *limits;
	buf_init(&s->out);
	buf_init(&s->line);
	buf_init(&s->text);
	envelope_init(&s->envelope);
	server_reply(s, "220 %s ESMTP mini_sendmail", host);
	return s;
}

void
server_free(struct server *s)
{
	if (!s)
		return;
	envelope_release(&s->envelope);
	buf_release(&s->out);
	buf_release(&s->line);
	buf_release(&s->text);
	free(s->host);
	free(s);
}
