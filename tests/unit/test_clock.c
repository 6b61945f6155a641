/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "unit/suites.h"

static const struct {
	const char *name;
	int64_t wall_ms;
	const char *want;
} dates[] = {
    {"epoch", 0, "Thu, 1 Jan 1970 00:00:00 +0000"},
    {"milliseconds_are_cut", 1999, "Thu, 1 Jan 1970 00:00:01 +0000"},
    {"leap_day", 1709209845000, "Thu, 29 Feb 2024 12:30:45 +0000"},
    {"last_of_a_year", 1767225599000, "Wed, 31 Dec 2025 23:59:59 +0000"},
    {"beyond_32_bits", 4294967296000, "Sun, 7 Feb 2106 06:28:16 +0000"},
    {"before_1970", -1000, "Wed, 31 Dec 1969 23:59:59 +0000"},
};

START_TEST(date_follows_rfc_5322)
{
	char text[CLOCK_TEXT_MAX];

	ck_assert_ptr_eq(clock_rfc5322(dates[_i].wall_ms, text), text);
	ck_assert_msg(strcmp(text, dates[_i].want) == 0, "%s: got %s, want %s",
	    dates[_i].name, text, dates[_i].want);
}
END_TEST

START_TEST(date_does_not_follow_zone_or_locale)
{
	char text[CLOCK_TEXT_MAX];

	setenv("TZ", "XXX-5", 1);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	ck_assert_str_eq(
	    clock_rfc5322(0, text), "Thu, 1 Jan 1970 00:00:00 +0000");
}
END_TEST

/* The C library reads the file that TZ names even for UTC. */
START_TEST(date_opens_no_file_that_the_environment_names)
{
	char dir[] = "/tmp/test_clock.XXXXXX", name[64];
	char text[CLOCK_TEXT_MAX];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(name, sizeof(name), ":%s/fifo", dir);
	ck_assert_int_eq(mkfifo(name + 1, 0600), 0);
	setenv("TZ", name, 1);
	alarm(2); /* who opens a fifo waits for a writer */
	clock_rfc5322(0, text);
	clock_rfc3339(0, text);
	alarm(0);
	unlink(name + 1);
	rmdir(dir);
}
END_TEST

static void
compare_with_c_library(time_t from, time_t to, time_t step)
{
	char got[CLOCK_TEXT_MAX], want[CLOCK_TEXT_MAX];

	for (time_t sec = from; sec < to; sec += step) {
		struct tm tm;

		gmtime_r(&sec, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
		/* glibc pads no year. */
		clock_rfc3339(sec * 1000, got);
		ck_assert_str_eq(got + strspn(got, "0"), want);
		strftime(want, sizeof(want), "%a, %e %b ", &tm);
		clock_rfc5322(sec * 1000, got);
		if (want[5] == ' ') /* ours does not pad the day */
			memmove(want + 5, want + 6, strlen(want + 5));
		ck_assert_msg(strncmp(got, want, strlen(want)) == 0,
		    "got %s, want %s", got, want);
	}
}

START_TEST(date_is_that_of_the_c_library)
{
	const time_t day = 86400;

	/* Each day of the 400 years that repeat, at ever other times... */
	compare_with_c_library(-146097 / 2 * day, 146097 / 2 * day, day - 1);
	/* ...and from the year 2 to the year 9000. */
	compare_with_c_library(-62000000000, 222000000000, 1009 * day);
}
END_TEST

START_TEST(date_follows_rfc_3339)
{
	char text[CLOCK_TEXT_MAX];

	ck_assert_ptr_eq(clock_rfc3339(1709209845999, text), text);
	ck_assert_str_eq(text, "2024-02-29T12:30:45Z");
	ck_assert_str_eq(clock_rfc3339(-1, text), "1969-12-31T23:59:59Z");
}
END_TEST

START_TEST(date_is_as_mailq_writes_it)
{
	char text[CLOCK_TEXT_MAX];

	ck_assert_ptr_eq(clock_mailq(1709209845999, text), text);
	ck_assert_str_eq(text, "Thu Feb 29 12:30:45");
	ck_assert_str_eq(
	    clock_mailq(1709209845999 + 86400000, text), "Fri Mar  1 12:30:45");
	ck_assert_str_eq(clock_mailq(-1, text), "Wed Dec 31 23:59:59");
}
END_TEST

START_TEST(nonsense_still_fits)
{
	char text[CLOCK_TEXT_MAX];

	ck_assert_uint_lt(strlen(clock_mailq(INT64_MAX, text)), CLOCK_TEXT_MAX);
	ck_assert_uint_lt(strlen(clock_mailq(INT64_MIN, text)), CLOCK_TEXT_MAX);

	ck_assert_uint_lt(
	    strlen(clock_rfc5322(INT64_MAX, text)), CLOCK_TEXT_MAX);
	ck_assert_uint_lt(
	    strlen(clock_rfc5322(INT64_MIN, text)), CLOCK_TEXT_MAX);
	ck_assert_uint_lt(
	    strlen(clock_rfc3339(INT64_MAX, text)), CLOCK_TEXT_MAX);
	ck_assert_uint_lt(
	    strlen(clock_rfc3339(INT64_MIN, text)), CLOCK_TEXT_MAX);
}
END_TEST

START_TEST(clocks_go_forward)
{
	int64_t boot = clock_boot_ms();

	ck_assert_int_ge(boot, 0);
	ck_assert_int_ge(clock_boot_ms(), boot);
	ck_assert_int_gt(clock_wall_ms(), 1700000000000);
}
END_TEST

static const struct {
	struct clock_moment from, to;
	int64_t want_ms;
} moments[] = {
    {{100, 10, 7}, {900, 15, 7}, 5},
    {{100, 10, 7}, {900, 15, 8}, 800},
    {{100, 10, 0}, {900, 15, 0}, 800},
    {{900, 10, 7}, {100, 15, 8}, 0},
    {{100, 15, 7}, {900, 10, 7}, 0}, /* a record that somebody made up */
    {{INT64_MIN, 0, 1}, {INT64_MAX, 0, 2}, 0},
};

START_TEST(what_elapsed_is_by_the_clock_that_can_know)
{
	ck_assert_int_eq(clock_elapsed_ms(&moments[_i].from, &moments[_i].to),
	    moments[_i].want_ms);
}
END_TEST

START_TEST(a_moment_is_of_this_boot)
{
	const struct clock_moment a = clock_now();
	const struct clock_moment b = clock_now();

	if (access("/proc/sys/kernel/random/boot_id", R_OK) == 0)
		ck_assert(clock_is_same_boot(&a, &b));
	ck_assert_int_ge(b.boot_ms, a.boot_ms);
	ck_assert_int_gt(a.wall_ms, 1700000000000);
}
END_TEST

Suite *
clock_suite(void)
{
	Suite *s = suite_create("clock");
	TCase *t = tcase_create("clock");

	tcase_add_loop_test(t, date_follows_rfc_5322, 0, ARRAY_LEN(dates));
	tcase_add_test(t, date_does_not_follow_zone_or_locale);
	tcase_add_test(t, date_opens_no_file_that_the_environment_names);
	tcase_add_test(t, date_is_that_of_the_c_library);
	tcase_add_test(t, date_follows_rfc_3339);
	tcase_add_test(t, date_is_as_mailq_writes_it);
	tcase_add_test(t, nonsense_still_fits);
	tcase_add_loop_test(t, what_elapsed_is_by_the_clock_that_can_know, 0,
	    ARRAY_LEN(moments));
	tcase_add_test(t, a_moment_is_of_this_boot);
	tcase_add_test(t, clocks_go_forward);
	suite_add_tcase(s, t);
	return s;
}
