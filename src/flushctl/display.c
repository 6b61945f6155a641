/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <time.h>

#include "flushctl/display.h"

void
display_add(struct buf *b, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 32 || *p > 126 || *p == '\\')
			buf_add_format(b, "\\x%02x", *p);
		else
			buf_add_char(b, (char)*p);
	}
}

void
display_add_sender(struct buf *b, const char *sender)
{
	display_add(b, *sender ? sender : DISPLAY_NULL_SENDER);
}

/* A time that has no date, as its year is beyond int, is shown as a number. */
static void
add_time(struct buf *b, int64_t wall_ms, bool is_full)
{
	const time_t sec = (time_t)(wall_ms / 1000);
	char text[64];
	struct tm tm;
	size_t len;

	/* The locale is "C": nobody calls setlocale(). */
	if (!localtime_r(&sec, &tm)) {
		buf_add_format(b, "@%jd", (intmax_t)sec);
		return;
	}
	if (is_full)
		len = strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &tm);
	else
		len = strftime(text, sizeof(text), "%a %b %e %H:%M:%S", &tm);
	buf_add(b, text, len);
}

void
display_add_time(struct buf *b, int64_t wall_ms)
{
	add_time(b, wall_ms, false);
}

void
display_add_full_time(struct buf *b, int64_t wall_ms)
{
	add_time(b, wall_ms, true);
}
