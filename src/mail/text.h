/* SPDX-License-Identifier: ISC */
/*
 * text.h - line ends and dots, from what programs write to what SMTP carries
 *
 *   Canonical text  lines that end in LF, no CR, no NUL. The spool holds it.
 *   Wire text       lines that end in CRLF, a dot doubled at the start of a
 *                   line (RFC 5321 section 4.5.2), no CR or LF alone.
 *
 *   A hostile site writes what it likes into its own spool, so text_wire_*()
 *   takes any bytes and still yields wire text.
 */
#ifndef MAIL_TEXT_H
#define MAIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"

enum text_dots {
	TEXT_DOTS_LITERAL, /* sendmail -i: a dot is a dot */
	TEXT_DOTS_END,	   /* a line of one dot ends the text, and a line that
			      begins with two loses one */
};

/*
 * Make text canonical in place and shorten *len to what is left: a line ends
 * in LF with all CRs directly before it, or in CR where the text has no LF at
 * all; every other CR becomes a blank. A last line without an end gets one
 * (text therefore has room for one more byte than *len). -EILSEQ if there is a
 * NUL in what is kept; the content is then undefined.
 */
int text_canonicalize(char *text, size_t *len, enum text_dots dots) MUST_CHECK;

/* Turns canonical text into wire text, a piece at a time; start with {0}. */
struct text_wire {
	size_t pending_cr; /* CRs seen that may belong to a line end */
	bool is_in_line;   /* the last byte out was not the end of a line */
};

/* Append the wire form of the next len bytes to out, at most 2 * len + what
 * was pending. */
void text_wire_add(
    struct text_wire *w, const char *text, size_t len, struct buf *out);

/* End the last line if it is open, then append the final dot: ".\r\n". */
void text_wire_end(struct text_wire *w, struct buf *out);

/*
 * Bytes that the text seen so far has on the wire for SIZE= (RFC 1870 section
 * 3): with CRLF line ends, without doubled dots and without the final dot.
 */
struct text_size {
	uint64_t wire_len;
	size_t pending_cr;
	bool is_in_line;
	bool has_8bit;
	bool has_nul;
};
void text_size_add(struct text_size *s, const char *text, size_t len);
uint64_t text_size_end(struct text_size *s);

#endif
