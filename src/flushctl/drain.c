/* SPDX-License-Identifier: ISC */
#include <stddef.h>
#include <time.h>

#include "flushctl/drain.h"

enum {
	/* Beyond, the hour alone does not say which day's. */
	SAME_DAY_SEC = 20 * 3600,
	SAME_WEEK_SEC = 6 * 86400,
};

/* What is longer is as good as never, and would need more room. */
#define DRAIN_MAX_SEC (INT64_C(99999) * 86400)

struct drain
drain_estimate(
    uint64_t waiting, uint64_t in_per_minute, uint64_t out_per_minute)
{
	struct drain d = {.trend = DRAIN_STEADY};
	uint64_t sec;

	if (waiting == 0) {
		d.trend = DRAIN_EMPTY;
	} else if (in_per_minute > out_per_minute) {
		d.trend = DRAIN_GROWING;
	} else if (out_per_minute > in_per_minute) {
		d.trend = DRAIN_FALLING;
		if (__builtin_mul_overflow(waiting, 60, &sec))
			sec = UINT64_MAX;
		sec /= out_per_minute - in_per_minute;
		d.sec = sec < DRAIN_MAX_SEC ? (int64_t)sec : DRAIN_MAX_SEC;
	}
	return d;
}

void
drain_add_duration(struct buf *out, int64_t sec)
{
	static const struct {
		int64_t sec;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	size_t i = 0;

	if (sec < 0)
		sec = 0;
	/* Two of a unit at least, as "1d" may be nearly two. */
	while (sec < 2 * units[i].sec && i + 1 < ARRAY_LEN(units))
		i++;
	buf_add_format(
	    out, "%jd%c", (intmax_t)(sec / units[i].sec), units[i].unit);
}

void
drain_add_short(struct buf *out, const struct drain *d)
{
	switch (d->trend) {
	case DRAIN_FALLING:
		drain_add_duration(out, d->sec);
		return;
	case DRAIN_GROWING:
		buf_add_str(out, "growing");
		return;
	case DRAIN_STEADY:
		buf_add_str(out, "steady");
		return;
	case DRAIN_EMPTY:
	default:
		buf_add_char(out, '-');
		return;
	}
}

/* Nothing if there is no such date. */
static void
add_time(struct buf *out, int64_t now_sec, int64_t in_sec)
{
	char text[64];
	const time_t at = now_sec + in_sec;
	struct tm tm;
	size_t len;

	if (!localtime_r(&at, &tm))
		return;
	if (in_sec < SAME_DAY_SEC)
		len = strftime(text, sizeof(text), ", at %H:%M", &tm);
	else if (in_sec < SAME_WEEK_SEC)
		len = strftime(text, sizeof(text), ", on %a at %H:%M", &tm);
	else
		len = strftime(text, sizeof(text), ", on %Y-%m-%d", &tm);
	buf_add(out, text, len);
}

void
drain_add(struct buf *out, const struct drain *d, int64_t now_sec)
{
	switch (d->trend) {
	case DRAIN_FALLING:
		buf_add_str(out, "gone in ");
		drain_add_duration(out, d->sec);
		add_time(out, now_sec, d->sec);
		return;
	case DRAIN_GROWING:
		buf_add_str(out, "growing");
		return;
	case DRAIN_STEADY:
		buf_add_str(out, "neither grows nor shrinks");
		return;
	case DRAIN_EMPTY:
	default:
		return;
	}
}
