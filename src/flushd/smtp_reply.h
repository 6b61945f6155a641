/* SPDX-License-Identifier: ISC */
/*
 * smtp_reply.h - read the replies of an SMTP server as they come in; pure
 *
 *   Grammar  RFC 5321 section 4.2, with bare LF taken as a line end. A line
 *            that is no part of a reply is garbage, never guessed at.
 *   Limits   a reply has at most SMTP_REPLY_MAX bytes; of a line
 *            SMTP_REPLY_LINE_MAX are kept, of the whole SMTP_REPLY_TEXT_MAX.
 *            Time is linear in the bytes, however they are cut.
 */
#ifndef FLUSHD_SMTP_REPLY_H
#define FLUSHD_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

enum {
	SMTP_REPLY_MAX = 64 * 1024, /* bytes of a reply, line ends included */
	SMTP_REPLY_LINE_MAX = 2048,
	SMTP_REPLY_TEXT_MAX = 512,
};

enum smtp_reply_event {
	SMTP_REPLY_MORE,     /* no line is complete */
	SMTP_REPLY_LINE,     /* a line, and the reply goes on */
	SMTP_REPLY_COMPLETE, /* the last line */
	SMTP_REPLY_GARBAGE,  /* a line that cannot belong to the reply */
	SMTP_REPLY_TOO_LONG,
};

/* An enhanced status code (RFC 3463). */
struct smtp_status {
	unsigned int class; /* 0: there was none, or its class was wrong */
	unsigned int subject;
	unsigned int detail;
};

struct smtp_reply {
	unsigned int code; /* 200 to 599 */
	struct smtp_status status;

	/* The code and the words of all lines, joined by blanks; behind
	 * GARBAGE the line that was. Holds no control characters. */
	char text[SMTP_REPLY_TEXT_MAX + 1];
	size_t text_len;

	/* The line just read, code included and line end not; raw bytes. */
	char line[SMTP_REPLY_LINE_MAX];
	size_t line_len;
	size_t line_count;
	bool has_nul;	   /* kept or not */
	bool is_line_read; /* the next byte begins another */

	size_t len; /* bytes read so far */
};

/* Begin a reply. */
void smtp_reply_init(struct smtp_reply *r);

/* Begin a reply in place of garbage; the limit of length goes on counting. */
void smtp_reply_skip(struct smtp_reply *r);

/*
 * Read data up to the end of a line, or to its own end; *used is how much of it
 * that was. Behind COMPLETE and GARBAGE begin anew, behind TOO_LONG give up.
 */
enum smtp_reply_event smtp_reply_read(struct smtp_reply *r, const char *data,
    size_t len, size_t *used) MUST_CHECK;

/* The first digit of the code: 2, 3, 4 or 5. */
unsigned int smtp_reply_class(const struct smtp_reply *r);

#endif
