/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static int64_t
read_clock_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t
read_clock(clockid_t id)
{
	return read_clock_us(id) / 1000;
}

int64_t
clock_boot_ms(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

int64_t
clock_boot_us(void)
{
	return read_clock_us(CLOCK_BOOTTIME);
}

int64_t
clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

/* ---- moments ------------------------------------------------------- */

/*
 * The first 16 hexadecimal digits of the random UUID, which has 32 and hyphens
 * among them; 0 where there is no /proc.
 */
static uint64_t
read_boot_id(void)
{
	char digits[17] = "";
	char text[40] = "";
	int fd = open(
	    "/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t count = 0;

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	for (const char *p = text; *p && count < sizeof(digits) - 1; p++)
		if (*p != '-')
			digits[count++] = *p;
	return strtoull(digits, NULL, 16);
}

struct clock_moment
clock_now(void)
{
	static bool is_asked;
	static uint64_t boot_id;

	if (!is_asked)
		boot_id = read_boot_id();
	is_asked = true;
	return (struct clock_moment){.wall_ms = clock_wall_ms(),
	    .boot_ms = clock_boot_ms(),
	    .boot_id = boot_id};
}

bool
clock_is_same_boot(const struct clock_moment *a, const struct clock_moment *b)
{
	return a->boot_id != 0 && a->boot_id == b->boot_id;
}

int64_t
clock_elapsed_ms(const struct clock_moment *from, const struct clock_moment *to)
{
	int64_t elapsed = 0;
	bool is_over =
	    clock_is_same_boot(from, to)
		? __builtin_sub_overflow(to->boot_ms, from->boot_ms, &elapsed)
		: __builtin_sub_overflow(to->wall_ms, from->wall_ms, &elapsed);

	return is_over || elapsed < 0 ? 0 : elapsed;
}

/* ---- dates --------------------------------------------------------- */

/* A moment in UTC, in the Gregorian calendar. */
struct moment {
	int64_t year;
	int month;   /* 0 is January */
	int day;     /* of the month, from 1 */
	int weekday; /* 0 is Sunday */
	int hour, minute, second;
};

/*
 * Not gmtime_r(): it opens the zone file that TZ names, even for UTC, and a
 * stranger's name may lead to a fifo. Years begin in March here, so that the
 * day that comes and goes is the last one.
 */
static struct moment
moment_at(int64_t wall_ms)
{
	enum { DAY = 86400, YEARS_400 = 146097, DAYS_TO_1970 = 719468 };
	const int64_t second = wall_ms / 1000 - (wall_ms % 1000 < 0);
	const int64_t days = second / DAY - (second % DAY < 0);
	const int64_t shifted = days + DAYS_TO_1970; /* from 1 March 0 */
	const int64_t era = shifted / YEARS_400 - (shifted % YEARS_400 < 0);
	const int of_day = (int)(second - days * DAY);
	const int of_era = (int)(shifted - era * YEARS_400);
	const int year =
	    (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const int of_year = of_era - (365 * year + year / 4 - year / 100);
	const int month = (5 * of_year + 2) / 153; /* 0 is March */

	return (struct moment){
	    .year = era * 400 + year + (month >= 10),
	    .month = (month + 2) % 12,
	    .day = of_year - (153 * month + 2) / 5 + 1,
	    .weekday = (int)(((days + 4) % 7 + 7) % 7),
	    .hour = of_day / 3600,
	    .minute = of_day / 60 % 60,
	    .second = of_day % 60,
	};
}

/* Not strftime: names of days and months must not follow a locale. */
static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

char *
clock_rfc5322(int64_t wall_ms, char *text)
{
	const struct moment m = moment_at(wall_ms);

	snprintf(text, CLOCK_TEXT_MAX,
	    "%.3s, %d %.3s %04jd %02d:%02d:%02d +0000", days + 3 * m.weekday,
	    m.day, months + 3 * m.month, (intmax_t)m.year, m.hour, m.minute,
	    m.second);
	return text;
}

char *
clock_rfc3339(int64_t wall_ms, char *text)
{
	const struct moment m = moment_at(wall_ms);

	snprintf(text, CLOCK_TEXT_MAX, "%04jd-%02d-%02dT%02d:%02d:%02dZ",
	    (intmax_t)m.year, m.month + 1, m.day, m.hour, m.minute, m.second);
	return text;
}

char *
clock_mailq(int64_t wall_ms, char *text)
{
	const struct moment m = moment_at(wall_ms);

	snprintf(text, CLOCK_TEXT_MAX, "%.3s %.3s %2d %02d:%02d:%02d",
	    days + 3 * m.weekday, months + 3 * m.month, m.day, m.hour, m.minute,
	    m.second);
	return text;
}
