/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "spool/destroy.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

static int
destroy(bool may_hold_mail)
{
	int fd = spool_open_dir(fixture_path);
	int rc;

	ck_assert_int_ge(fd, 0);
	rc = spool_destroy(fd, may_hold_mail, clock_boot_ms() + 1000);
	close(fd);
	ck_assert_int_eq(chdir("/"), 0);
	return rc;
}

START_TEST(an_empty_spool_leaves_an_empty_directory)
{
	ck_assert_int_eq(destroy(false), 0);
	ck_assert_uint_eq(fixture_count_names(fixture_path), 0);
}
END_TEST

START_TEST(a_spool_with_a_message_stays)
{
	struct census c;

	fixture_put_one("mail\n");
	ck_assert_int_eq(destroy(false), -ENOTEMPTY);
	fixture_census(&c);
	ck_assert_uint_eq(c.count[PHASE_NEW], 1);
	ck_assert_uint_eq(fixture_count_names(fixture_path), 3);
}
END_TEST

START_TEST(unless_it_may_hold_mail)
{
	fixture_put_one("mail\n");
	ck_assert_int_eq(destroy(true), 0);
	ck_assert_uint_eq(fixture_count_names(fixture_path), 0);
}
END_TEST

/* Whoever destroyed it first was killed. */
START_TEST(what_is_left_of_one_is_removed)
{
	ck_assert_int_eq(unlink(fixture_name("spool/" SPOOL_FILE)), 0);
	close(
	    open(fixture_name("spool/refused.log"), O_CREAT | O_WRONLY, 0600));
	ck_assert_int_eq(destroy(false), 0);
	ck_assert_uint_eq(fixture_count_names(fixture_path), 0);
}
END_TEST

/* By senders who were killed while they waited, or gave up. */
START_TEST(what_senders_have_left_is_removed)
{
	close(creat(
	    fixture_name("spool/" SPOOL_INCOMING "/0123456789abcdef"), 0600));
	close(creat(
	    fixture_name("spool/" SPOOL_INCOMING "/0123456789abcdee.w"), 0600));
	if (_i == 1)
		ck_assert_int_eq(unlink(fixture_name("spool/" SPOOL_FILE)), 0);
	ck_assert_int_eq(destroy(false), 0);
	ck_assert_uint_eq(fixture_count_names(fixture_path), 0);
}
END_TEST

START_TEST(what_is_not_the_spools_stays)
{
	close(open(fixture_name("spool/own"), O_CREAT | O_WRONLY, 0600));
	ck_assert_int_eq(destroy(false), 0);
	ck_assert_uint_eq(fixture_count_names(fixture_path), 1);
}
END_TEST

START_TEST(one_that_is_locked_stays)
{
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(destroy(true), -ETIMEDOUT);
	spool_abort(fixture_spool);
	ck_assert_uint_eq(fixture_count_names(fixture_path), 3);
}
END_TEST

/* He had it open, and waited. */
START_TEST(a_sender_who_comes_late_finds_none)
{
	ck_assert_int_eq(destroy(false), 0);
	ck_assert_int_eq(spool_begin(fixture_spool, SPOOL_WRITE, 100,
			     clock_boot_ms() + 1000),
	    -ENOENT);
	ck_assert_uint_eq(fixture_count_names(fixture_path), 0);
}
END_TEST

Suite *
destroy_suite(void)
{
	Suite *s = suite_create("destroy");
	TCase *tc = tcase_create("destroy");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, an_empty_spool_leaves_an_empty_directory);
	tcase_add_test(tc, a_spool_with_a_message_stays);
	tcase_add_test(tc, unless_it_may_hold_mail);
	tcase_add_test(tc, what_is_left_of_one_is_removed);
	tcase_add_loop_test(tc, what_senders_have_left_is_removed, 0, 2);
	tcase_add_test(tc, what_is_not_the_spools_stays);
	tcase_add_test(tc, one_that_is_locked_stays);
	tcase_add_test(tc, a_sender_who_comes_late_finds_none);
	suite_add_tcase(s, tc);
	return s;
}
