/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <time.h>

#include "flushctl/local_time.h"

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
local_time_add(struct buf *b, int64_t wall_ms)
{
	add_time(b, wall_ms, false);
}

void
local_time_add_full(struct buf *b, int64_t wall_ms)
{
	add_time(b, wall_ms, true);
}
