/* SPDX-License-Identifier: ISC */
/*
 * log.h - one line per event on standard error
 *
 *   Lines are key=value and hold no control characters. Under the journal
 *   each begins with its level as <N> (sd-daemon(3)); elsewhere with the name
 *   of the program. Libraries never log; programs do.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>

#include "base/buf.h"
#include "base/compiler.h"

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO
};

/* Name the program; asks whether standard error is the journal. */
void log_open(const char *program);

/* Begin each line with its level whatever standard error is: a process whose
 * log another one reads. */
void log_use_levels(void);

void log_at(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_notice(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * Append at most max bytes of text that somebody else wrote so that it cannot
 * end a line, a quoted value or move a cursor: bytes outside 32..126, quotes
 * and backslashes become \xNN. What is cut shows as "...".
 */
void log_escape(struct buf *b, const void *text, size_t len, size_t max);

/* The same for a whole line, in which quotes and backslashes are well. */
void log_clean(struct buf *b, const void *text, size_t len, size_t max);

#endif
