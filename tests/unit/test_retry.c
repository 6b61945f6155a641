/* SPDX-License-Identifier: ISC */
#include "base/compiler.h"
#include "site/retry.h"
#include "spool/spool.h"
#include "unit/suites.h"

#define MINUTE (INT64_C(60) * 1000)
#define DAY    (24 * 60 * MINUTE)

struct delay_row {
	const char *name;
	uint32_t attempts;
	uint32_t random;
	int64_t want_ms;
};

static const struct delay_row delay_rows[] = {
    {"first_is_a_minute", 1, 0, MINUTE},
    {"none_counts_as_the_first", 0, 0, MINUTE},
    {"second_is_double", 2, 0, 2 * MINUTE},
    {"fifth_is_16_minutes", 5, 0, 16 * MINUTE},
    {"sixth_is_the_maximum", 6, 0, 30 * MINUTE},
    {"never_more_than_the_maximum", UINT32_MAX, 0, 30 * MINUTE},
    {"full_jitter_takes_a_quarter", 1, UINT32_MAX, 45 * 1000},
    {"half_of_it_takes_an_eighth", 2, 0x80000000U, 105000},
    {"jitter_applies_to_the_maximum", 99, UINT32_MAX, 22 * MINUTE + 30000},
};

START_TEST(delay_doubles_up_to_the_maximum)
{
	const struct delay_row *row = &delay_rows[_i];
	int64_t got =
	    retry_delay_ms(&retry_policy_default, row->attempts, row->random);

	ck_assert_msg(got == row->want_ms, "%s: got %jd, want %jd", row->name,
	    (intmax_t)got, (intmax_t)row->want_ms);
}
END_TEST

START_TEST(delay_stays_within_its_jitter)
{
	for (uint32_t i = 0; i < 100000; i++) {
		int64_t ms = retry_delay_ms(
		    &retry_policy_default, 3, i * UINT32_C(2654435761));

		ck_assert_int_ge(ms, 3 * MINUTE);
		ck_assert_int_le(ms, 4 * MINUTE);
	}
}
END_TEST

START_TEST(delay_of_an_extreme_policy_does_not_overflow)
{
	struct retry_policy p = {.first_delay_ms = INT64_MAX / 100000 / 3,
	    .delay_max_ms = INT64_MAX / 100000};

	ck_assert_int_eq(retry_delay_ms(&p, 100, 0), p.delay_max_ms);
	ck_assert_int_gt(retry_delay_ms(&p, 100, UINT32_MAX), 0);
}
END_TEST

struct expiry_row {
	const char *name;
	int64_t age_ms;
	uint32_t attempts;
	bool want;
};

static const struct expiry_row expiry_rows[] = {
    {"old_and_tried_often", 5 * DAY + 1, 10, true},
    {"old_enough_but_tried_seldom", 500 * DAY, 9, false},
    {"tried_often_but_young", 5 * DAY, 1000, false},
    {"submitted_in_the_future", -DAY, 1000, false},
};

START_TEST(expiry_needs_age_and_attempts)
{
	const struct expiry_row *row = &expiry_rows[_i];
	bool got =
	    retry_is_expired(&retry_policy_default, row->age_ms, row->attempts);

	ck_assert_msg(
	    got == row->want, "%s: got %d, want %d", row->name, got, row->want);
}
END_TEST

START_TEST(an_age_beyond_all_measure_stays_there)
{
	const struct clock_moment then = {.boot_id = 1};
	const struct clock_moment now = {.boot_ms = 9, .boot_id = 1};

	ck_assert_int_eq(
	    retry_age_ms(&retry_policy_default, INT64_MAX - 5, &then, &now),
	    INT64_MAX);
}
END_TEST

START_TEST(no_delay_is_taken_for_a_clock_that_was_put_back)
{
	ck_assert_int_le(
	    2 * retry_policy_default.delay_max_ms, SPOOL_DUE_HORIZON_MS);
	ck_assert_int_le(2 * retry_ambiguous_delay_ms(3), SPOOL_DUE_HORIZON_MS);
}
END_TEST

START_TEST(ambiguous_dot_is_retried_three_times)
{
	static const int64_t want[] = {
	    5 * MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE, -1, -1};

	for (uint32_t i = 0; i < ARRAY_LEN(want); i++)
		ck_assert_int_eq(retry_ambiguous_delay_ms(i), want[i]);
	ck_assert_int_eq(retry_ambiguous_delay_ms(UINT32_MAX), -1);
}
END_TEST

Suite *
retry_suite(void)
{
	Suite *s = suite_create("retry");
	TCase *tc = tcase_create("retry");

	tcase_add_loop_test(
	    tc, delay_doubles_up_to_the_maximum, 0, (int)ARRAY_LEN(delay_rows));
	tcase_add_test(tc, delay_stays_within_its_jitter);
	tcase_add_test(tc, delay_of_an_extreme_policy_does_not_overflow);
	tcase_add_loop_test(
	    tc, expiry_needs_age_and_attempts, 0, (int)ARRAY_LEN(expiry_rows));
	tcase_add_test(tc, an_age_beyond_all_measure_stays_there);
	tcase_add_test(tc, no_delay_is_taken_for_a_clock_that_was_put_back);
	tcase_add_test(tc, ambiguous_dot_is_retried_three_times);
	suite_add_tcase(s, tc);
	return s;
}
