/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "flushd/lessons.h"
#include "flushd/wake.h"
#include "unit/suites.h"

static struct lessons lessons;
static FILE *said; /* on standard error */
static int before;

static void
setup(void)
{
	lessons = (struct lessons){0};
	said = tmpfile();
	ck_assert_ptr_nonnull(said);
	before = dup(STDERR_FILENO);
	dup2(fileno(said), STDERR_FILENO);
}

static void
teardown(void)
{
	dup2(before, STDERR_FILENO);
	close(before);
	fclose(said);
}

static int
count_lines(void)
{
	char data[4096];
	const ssize_t len = pread(fileno(said), data, sizeof(data), 0);
	int count = 0;

	for (ssize_t i = 0; i < len; i++)
		count += data[i] == '\n';
	return count;
}

static void
set_back(const char *why, int64_t delay_ms)
{
	lessons_setback(&lessons, "a", why, delay_ms);
}

START_TEST(what_gets_worse_is_logged_each_time)
{
	for (int64_t ms = 1000; ms < WAKE_DELAY_MAX_MS; ms *= 2)
		set_back("no spool", ms);
	ck_assert_int_eq(count_lines(), 6);
	ck_assert_str_eq(lessons.standing.error, "no spool; again in 32 s");
}
END_TEST

START_TEST(what_stays_as_it_is_is_logged_once)
{
	for (int i = 0; i < 60; i++)
		set_back("no spool", WAKE_DELAY_MAX_MS);
	ck_assert_int_eq(count_lines(), 1);
	set_back("another's", WAKE_DELAY_MAX_MS);
	ck_assert_int_eq(count_lines(), 2);
}
END_TEST

START_TEST(and_once_more_after_an_hour)
{
	set_back("no spool", WAKE_DELAY_MAX_MS);
	lessons.setback_ms -= 60 * 60 * 1000;
	set_back("no spool", WAKE_DELAY_MAX_MS);
	ck_assert_int_eq(count_lines(), 2);
}
END_TEST

START_TEST(what_was_well_in_between_is_logged_again)
{
	set_back("no spool", WAKE_DELAY_MAX_MS);
	set_back("no spool", 1000);
	set_back("no spool", WAKE_DELAY_MAX_MS);
	ck_assert_int_eq(count_lines(), 3);
}
END_TEST

START_TEST(so_are_workers_that_fail_each_time_in_the_same_way)
{
	const struct minder_end end = {.words = "worker failed"};
	const struct minder_end explained = {
	    .words = "worker failed", .is_explained = true};

	for (int i = 0; i < 10; i++)
		lessons_take_crash(&lessons, "a", &end, WAKE_DELAY_MAX_MS);
	for (int i = 0; i < 10; i++)
		lessons_take_crash(
		    &lessons, "a", &explained, WAKE_DELAY_MAX_MS);
	ck_assert_int_eq(count_lines(), 1);
	ck_assert_uint_eq(lessons.standing.crashes, 20);
}
END_TEST

START_TEST(without_another_time_none_is_said)
{
	set_back("no spool", 0);
	ck_assert_str_eq(lessons.standing.error, "no spool");
}
END_TEST

Suite *
lessons_suite(void)
{
	Suite *s = suite_create("lessons");
	TCase *tc = tcase_create("lessons");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_gets_worse_is_logged_each_time);
	tcase_add_test(tc, what_stays_as_it_is_is_logged_once);
	tcase_add_test(tc, and_once_more_after_an_hour);
	tcase_add_test(tc, what_was_well_in_between_is_logged_again);
	tcase_add_test(tc, so_are_workers_that_fail_each_time_in_the_same_way);
	tcase_add_test(tc, without_another_time_none_is_said);
	suite_add_tcase(s, tc);
	return s;
}
