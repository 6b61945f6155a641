/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_boot_ms(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

int64_t
clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

char *
clock_rfc5322(int64_t wall_ms, char *text)
{
	/* Not strftime: names of days and months must not follow a locale. */
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t sec = (time_t)(wall_ms / 1000);
	struct tm tm = {.tm_mday = 1, .tm_year = 70, .tm_wday = 4};

	/* A year beyond int fails: the epoch then stands for nonsense. */
	gmtime_r(&sec, &tm);
	snprintf(text, CLOCK_TEXT_MAX,
	    "%.3s, %d %.3s %04ld %02d:%02d:%02d +0000", days + 3 * tm.tm_wday,
	    tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900L, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
	return text;
}
