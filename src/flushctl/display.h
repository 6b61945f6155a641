/* SPDX-License-Identifier: ISC */
/*
 * display.h - times and strangers' text for people's eyes
 */
#ifndef FLUSHCTL_DISPLAY_H
#define FLUSHCTL_DISPLAY_H

#include <stdint.h>

#include "base/buf.h"

/*
 * Append text that somebody else wrote so that it cannot move a cursor or end
 * a line: bytes outside 32..126 and backslashes become \xNN.
 */
void display_add(struct buf *b, const char *text);

/* Append an envelope sender; the null sender as postfix shows it. */
void display_add_sender(struct buf *b, const char *sender);

/* Append wall_ms in local time: "Sun Nov 22 09:58:10", as mailq does. */
void display_add_time(struct buf *b, int64_t wall_ms);

/* The same as "2026-11-22 09:58:10 +0100". */
void display_add_full_time(struct buf *b, int64_t wall_ms);

#define DISPLAY_NULL_SENDER "MAILER-DAEMON"

#endif
