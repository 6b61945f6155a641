/* SPDX-License-Identifier: ISC */
#include "base/compiler.h"
#include "site/rate.h"
#include "unit/suites.h"

enum { HOUR_MS = 3600 * 1000, START_MS = 12345678 };

static const struct rate_limit limit = {.messages = 100, .recipients = 1000};

/* Send as many as may go until end_ms, looking every step_ms. */
static int
send_until(struct rate *r, const struct rate_limit *l, uint64_t recipients,
    int64_t begin_ms, int64_t end_ms, int64_t step_ms)
{
	int count = 0;

	for (int64_t now_ms = begin_ms; now_ms < end_ms; now_ms += step_ms)
		while (count < 1000000 &&
		       rate_wait_ms(r, l, recipients, now_ms) == 0) {
			rate_take(r, l, recipients, now_ms);
			count++;
		}
	return count;
}

START_TEST(an_hour_s_worth_may_go_at_once)
{
	struct rate r = {0};

	ck_assert_int_eq(
	    send_until(&r, &limit, 1, START_MS, START_MS + 1, 1), 100);
	/* And then one every 36 s. */
	ck_assert_int_eq(rate_wait_ms(&r, &limit, 1, START_MS), 36000);
	ck_assert_int_eq(rate_wait_ms(&r, &limit, 1, START_MS + 35999), 1);
	ck_assert_int_eq(rate_wait_ms(&r, &limit, 1, START_MS + 36000), 0);
}
END_TEST

START_TEST(over_a_day_it_is_the_rate_and_an_hour_s_worth)
{
	static const int64_t steps_ms[] = {7, 1000, 61 * 1000, HOUR_MS};

	for (size_t i = 0; i < ARRAY_LEN(steps_ms); i++) {
		struct rate r = {0};
		int count = send_until(&r, &limit, 1, START_MS,
		    START_MS + 24 * HOUR_MS, steps_ms[i]);

		ck_assert_int_ge(count, 2400);
		ck_assert_int_le(count, 2500);
	}
}
END_TEST

START_TEST(recipients_count_too)
{
	struct rate r = {0};

	ck_assert_int_eq(
	    send_until(&r, &limit, 50, START_MS, START_MS + 1, 1), 20);
	ck_assert_int_eq(rate_wait_ms(&r, &limit, 50, START_MS), HOUR_MS / 20);
}
END_TEST

START_TEST(a_message_for_more_than_an_hour_s_worth_goes_when_none_is_owed)
{
	struct rate r = {0};

	ck_assert_int_eq(rate_wait_ms(&r, &limit, 5000, START_MS), 0);
	rate_take(&r, &limit, 5000, START_MS);
	/* Five hours of recipients, less the one that may be owed. */
	ck_assert_int_eq(
	    rate_wait_ms(&r, &limit, 1, START_MS), 4 * HOUR_MS + 3600);
	ck_assert_int_eq(rate_wait_ms(&r, &limit, 5000, START_MS), 5 * HOUR_MS);
}
END_TEST

START_TEST(without_a_limit_nothing_waits)
{
	static const struct rate_limit none = {0};
	static const struct rate_limit some = {.recipients = 10};
	struct rate r = {0};

	ck_assert_int_eq(
	    send_until(&r, &none, 1000, START_MS, START_MS + 1, 1), 1000000);
	ck_assert_int_eq(
	    send_until(&r, &some, 2, START_MS, START_MS + 1, 1), 5);
}
END_TEST

START_TEST(numbers_that_cannot_be_overflow_nothing)
{
	static const struct rate_limit one = {.messages = 1, .recipients = 1};
	static const struct rate_limit most = {
	    .messages = UINT64_MAX / 2, .recipients = 1000000000};
	struct rate r = {
	    .messages_until_us = INT64_MAX, .recipients_until_us = INT64_MIN};

	rate_clamp(&r, START_MS);
	ck_assert_int_le(
	    rate_wait_ms(&r, &one, 1, START_MS), INT64_C(25) * HOUR_MS);
	r = (struct rate){0};
	rate_take(&r, &one, UINT64_MAX / 2, START_MS);
	ck_assert_int_le(
	    rate_wait_ms(&r, &one, 1, START_MS), INT64_C(25) * HOUR_MS);
	rate_take(&r, &most, UINT32_MAX, START_MS);
	rate_clamp(&r, START_MS);
	ck_assert_int_ge(rate_wait_ms(&r, &most, 1, START_MS), 0);
}
END_TEST

Suite *
rate_suite(void)
{
	Suite *s = suite_create("rate");
	TCase *tc = tcase_create("rate");

	tcase_add_test(tc, an_hour_s_worth_may_go_at_once);
	tcase_add_test(tc, over_a_day_it_is_the_rate_and_an_hour_s_worth);
	tcase_add_test(tc, recipients_count_too);
	tcase_add_test(
	    tc, a_message_for_more_than_an_hour_s_worth_goes_when_none_is_owed);
	tcase_add_test(tc, without_a_limit_nothing_waits);
	tcase_add_test(tc, numbers_that_cannot_be_overflow_nothing);
	suite_add_tcase(s, tc);
	return s;
}
