/* SPDX-License-Identifier: ISC */
#include "base/compiler.h"
#include "flushd/breaker.h"
#include "unit/suites.h"

START_TEST(breaker_starts_closed_and_recovery_changes_nothing)
{
	struct breaker b = {0};

	ck_assert(!breaker_event(&b, BREAKER_RECOVERED, 5000, 0));
	ck_assert(!b.is_open);
}
END_TEST

START_TEST(refusal_opens_once_and_probes_every_second)
{
	struct breaker b = {0};

	ck_assert(breaker_event(&b, BREAKER_REFUSED, 5000, UINT32_MAX));
	ck_assert(b.is_open);
	ck_assert_int_eq(b.opened_ms, 5000);
	for (int64_t now = 5000; now < 100000; now += 1000) {
		ck_assert(!breaker_event(&b, BREAKER_REFUSED, now, 7));
		ck_assert_int_eq(b.next_probe_ms, now + 1000);
		ck_assert_int_eq(b.opened_ms, 5000);
	}
}
END_TEST

START_TEST(misbehaviour_in_a_row_probes_ever_later)
{
	static const int64_t delays[] = {
	    1000, 2000, 4000, 8000, 16000, 30000, 30000};
	struct breaker b = {0};

	for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
		bool changed = breaker_event(&b, BREAKER_MISBEHAVED, 7, 0);

		ck_assert_int_eq(changed, i == 0);
		ck_assert_int_eq(b.next_probe_ms, 7 + delays[i]);
	}
	for (int i = 0; i < 100; i++)
		breaker_event(&b, BREAKER_MISBEHAVED, 7, 0);
	ck_assert_int_eq(b.next_probe_ms, 7 + 30000);
}
END_TEST

START_TEST(jitter_makes_it_sooner_by_a_quarter_at_most)
{
	struct breaker b = {0};

	breaker_event(&b, BREAKER_MISBEHAVED, 0, UINT32_MAX);
	ck_assert_int_eq(b.next_probe_ms, 750);
	for (uint32_t i = 0; i < 1000; i++) {
		breaker_event(
		    &b, BREAKER_MISBEHAVED, 0, i * UINT32_C(2654435761));
		ck_assert_int_ge(b.next_probe_ms, 1500);
		ck_assert_int_le(b.next_probe_ms, 30000);
	}
}
END_TEST

START_TEST(refusal_ends_a_row_of_misbehaviour)
{
	struct breaker b = {0};

	for (int i = 0; i < 5; i++)
		breaker_event(&b, BREAKER_MISBEHAVED, 0, 0);
	breaker_event(&b, BREAKER_REFUSED, 0, 0);
	breaker_event(&b, BREAKER_MISBEHAVED, 0, 0);
	ck_assert_int_eq(b.next_probe_ms, 1000);
}
END_TEST

START_TEST(recovery_closes_and_forgets)
{
	struct breaker b = {0};

	for (int i = 0; i < 5; i++)
		breaker_event(&b, BREAKER_MISBEHAVED, 0, 0);
	ck_assert(breaker_event(&b, BREAKER_RECOVERED, 0, 0));
	ck_assert(!b.is_open);
	ck_assert(breaker_event(&b, BREAKER_MISBEHAVED, 100, 0));
	ck_assert_int_eq(b.next_probe_ms, 1100);
	ck_assert_int_eq(b.opened_ms, 100);
}
END_TEST

Suite *
breaker_suite(void)
{
	Suite *s = suite_create("breaker");
	TCase *tc = tcase_create("breaker");

	tcase_add_test(tc, breaker_starts_closed_and_recovery_changes_nothing);
	tcase_add_test(tc, refusal_opens_once_and_probes_every_second);
	tcase_add_test(tc, misbehaviour_in_a_row_probes_ever_later);
	tcase_add_test(tc, jitter_makes_it_sooner_by_a_quarter_at_most);
	tcase_add_test(tc, refusal_ends_a_row_of_misbehaviour);
	tcase_add_test(tc, recovery_closes_and_forgets);
	suite_add_tcase(s, tc);
	return s;
}
