/* SPDX-License-Identifier: ISC */
/*
 * display.h - strangers' text for people's eyes
 */
#ifndef LISTING_DISPLAY_H
#define LISTING_DISPLAY_H

#include "base/buf.h"

/*
 * Append text that somebody else wrote so that it cannot move a cursor or end
 * a line: bytes outside 32..126 and backslashes become \xNN.
 */
void display_add(struct buf *b, const char *text);

/*
 * Append printable text, broken at blanks into lines of at most max bytes, or
 * where it has none; each but the first is indented, and none has an end.
 */
void display_add_broken(
    struct buf *b, const char *text, size_t len, size_t max, size_t indent);

/* Append an envelope sender; the null sender as postfix shows it. */
void display_add_sender(struct buf *b, const char *sender);

#define DISPLAY_NULL_SENDER "MAILER-DAEMON"

#endif
