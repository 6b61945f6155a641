/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"

static const char *program_name = "?";
static bool has_levels;

/* Journald says which stream it reads: "DEV:INODE" (systemd.exec(5)). */
static bool
is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	return strcmp(own, stream) == 0;
}

void
log_open(const char *program)
{
	program_name = program;
	has_levels = is_journal();
}

void
log_use_levels(void)
{
	has_levels = true;
}

static void log_line(enum log_level level, const char *fmt, va_list ap)
    PRINTF_LIKE(2, 0);

static void
log_line(enum log_level level, const char *fmt, va_list ap)
{
	struct buf line = BUF_INIT;
	struct buf text = BUF_INIT;

	if (has_levels)
		buf_add_format(&line, "<%d>", (int)level);
	else
		buf_add_format(&line, "%s: ", program_name);
	/* Names of files and arguments are anybody's text too. */
	buf_add_vformat(&text, fmt, ap);
	log_clean(&line, text.data, text.len, SIZE_MAX);
	buf_release(&text);
	buf_add_char(&line, '\n');
	/* Nothing can be done if nobody listens. */
	if (io_write_all(STDERR_FILENO, line.data, line.len) < 0)
		buf_clear(&line);
	buf_release(&line);
}

#define DEFINE_LOG(name, level)                                                \
	void name(const char *fmt, ...)                                        \
	{                                                                      \
		va_list ap;                                                    \
                                                                               \
		va_start(ap, fmt);                                             \
		log_line(level, fmt, ap);                                      \
		va_end(ap);                                                    \
	}

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_notice, LOG_LEVEL_NOTICE)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)

void
log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(level, fmt, ap);
	va_end(ap);
}

static void
add_safely(struct buf *b, const unsigned char *text, size_t len, size_t max,
    const char *also_unsafe)
{
	const size_t kept = len < max ? len : max;

	for (size_t i = 0; i < kept; i++) {
		if (text[i] < 32 || text[i] > 126 ||
		    strchr(also_unsafe, text[i]))
			buf_add_format(b, "\\x%02x", text[i]);
		else
			buf_add_char(b, (char)text[i]);
	}
	if (kept < len)
		buf_add_str(b, "...");
}

void
log_escape(struct buf *b, const void *text, size_t len, size_t max)
{
	add_safely(b, text, len, max, "\"\\");
}

void
log_clean(struct buf *b, const void *text, size_t len, size_t max)
{
	add_safely(b, text, len, max, "");
}
