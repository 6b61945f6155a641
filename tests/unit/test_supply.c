/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "flushd/supply.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

static struct policy policy;
static struct supply supply;
static struct delivery d;

static void
setup(void)
{
	fixture_setup();
	ck_assert(freopen("/dev/null", "w", stderr) != NULL);
	policy_init(&policy);
	supply_init(&supply, fixture_spool, &policy, "host.test");
}

static void
teardown(void)
{
	supply_release(&supply);
	fixture_teardown();
}

static void
put(size_t count)
{
	while (count-- > 0)
		fixture_put_one("text\n");
}

/* The id of the next one, or 0. */
static uint64_t
next(void)
{
	uint64_t id;
	int rc = supply_next(&supply, &d);

	ck_assert_int_ge(rc, 0);
	if (rc == 0)
		return 0;
	id = d.id;
	delivery_release(&d);
	return id;
}

static size_t
scheduled(void)
{
	struct census c;

	fixture_census(&c);
	return c.schedule_count;
}

START_TEST(an_empty_spool_has_nothing_ever)
{
	ck_assert_uint_eq(next(), 0);
	ck_assert_int_eq(supply_next_due_ms(&supply), INT64_MAX);
	ck_assert(!supply_has_backlog(&supply));
	ck_assert(!supply_is_out(&supply));
}
END_TEST

START_TEST(what_is_out_comes_again_once_it_is_done_with)
{
	uint64_t id;

	put(1);
	id = next();
	ck_assert_uint_ne(id, 0);
	ck_assert(supply_is_out(&supply));
	ck_assert_uint_eq(next(), 0);
	supply_done(&supply, id);
	ck_assert(!supply_is_out(&supply));
	ck_assert_uint_eq(next(), id);
}
END_TEST

START_TEST(a_few_are_no_backlog)
{
	put(5);
	ck_assert_uint_ne(next(), 0);
	ck_assert(!supply_has_backlog(&supply));
}
END_TEST

START_TEST(many_are_one)
{
	put(40);
	ck_assert_uint_ne(next(), 0);
	ck_assert(supply_has_backlog(&supply));
}
END_TEST

START_TEST(more_than_a_rate_waits_and_says_until_when)
{
	uint64_t id;

	policy.rate.messages = 1;
	put(2);
	id = next();
	ck_assert_uint_ne(id, 0);
	rate_take(&supply.pace.rate, &policy.rate, 1, clock_boot_ms());
	ck_assert_uint_eq(next(), 0);
	ck_assert_int_gt(supply_next_due_ms(&supply), clock_wall_ms());
	ck_assert_int_lt(supply_next_due_ms(&supply), INT64_MAX);
	/* It is still there, and not out. */
	supply_done(&supply, id);
	ck_assert(!supply_is_out(&supply));
	ck_assert_uint_eq(scheduled(), 2);
}
END_TEST

START_TEST(more_than_a_rate_is_held_if_that_is_wanted)
{
	policy.rate.messages = 1;
	policy.over_rate = POLICY_HOLD;
	put(3);
	supply_done(&supply, next());
	rate_take(&supply.pace.rate, &policy.rate, 1, clock_boot_ms());
	ck_assert_uint_eq(next(), 0);
	ck_assert(!supply_is_out(&supply));
	ck_assert_uint_eq(scheduled(), 0);
}
END_TEST

/* Each is put at risk alone. */
START_TEST(who_must_prove_it_has_no_backlog)
{
	supply.batch.caution.must_prove = true;
	put(40);
	ck_assert_uint_ne(next(), 0);
	ck_assert(!supply_has_backlog(&supply));
}
END_TEST

/* What can be read, but not written. */
START_TEST(who_follows_one_that_died_has_none)
{
	ck_assert(caution_skip(&supply.batch.caution, 1));
	put(40);
	ck_assert_uint_ne(next(), 0);
	ck_assert(!supply_has_backlog(&supply));
}
END_TEST

START_TEST(what_is_counted_goes_one_at_a_time)
{
	policy.rate.messages = 1000;
	put(40);
	ck_assert_uint_ne(next(), 0);
	ck_assert(!supply_has_backlog(&supply));
}
END_TEST

START_TEST(who_cannot_prove_it_sends_nothing)
{
	supply.batch.caution.must_prove = true;
	put(2);
	ck_assert_uint_ne(next(), 0);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){4096, RLIM_INFINITY});
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(supply_next(&supply, &d), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
}
END_TEST

START_TEST(a_spool_is_tidied_only_when_nothing_is_out)
{
	put(1);
	ck_assert_uint_ne(next(), 0);
	ck_assert_int_eq(supply_tidy(&supply, &d), 0);
	ck_assert(supply_is_out(&supply));
}
END_TEST

Suite *
supply_suite(void)
{
	Suite *s = suite_create("supply");
	TCase *t = tcase_create("supply");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_empty_spool_has_nothing_ever);
	tcase_add_test(t, what_is_out_comes_again_once_it_is_done_with);
	tcase_add_test(t, a_few_are_no_backlog);
	tcase_add_test(t, many_are_one);
	tcase_add_test(t, more_than_a_rate_waits_and_says_until_when);
	tcase_add_test(t, more_than_a_rate_is_held_if_that_is_wanted);
	tcase_add_test(t, who_must_prove_it_has_no_backlog);
	tcase_add_test(t, who_follows_one_that_died_has_none);
	tcase_add_test(t, what_is_counted_goes_one_at_a_time);
	tcase_add_test(t, who_cannot_prove_it_sends_nothing);
	tcase_add_test(t, a_spool_is_tidied_only_when_nothing_is_out);
	suite_add_tcase(s, t);
	return s;
}
