/* SPDX-License-Identifier: ISC */
/*
 * report_text.h - what others wrote, made fit for a report
 */
#ifndef MAIL_REPORT_TEXT_H
#define MAIL_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Append at most max bytes of text, on one line: what is not printable ASCII
 * becomes \xNN, unless it is UTF-8, printable too, and is_utf8. What is cut
 * ends in "...".
 */
void report_add_safe(struct buf *b, const char *text, size_t max, bool is_utf8);

/*
 * Append a field or paragraph, with line ends put where there are blanks, and
 * within words that no line has room for: first in front of the first line,
 * next in front of all others (RFC 5322 section 2.2.3). text is safe.
 */
void report_add_wrapped(
    struct buf *b, const char *first, const char *next, const char *text);

/* Append lines of a message as canonical text (text.h), whatever is in them;
 * a blank stands for a CR within a line, a question mark for a NUL. */
void report_add_lines(struct buf *b, const char *text, size_t len);

/* True if a byte is not ASCII. */
bool report_is_8bit(const struct buf *b);

#endif
