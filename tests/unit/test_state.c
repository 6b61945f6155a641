/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/compiler.h"
#include "spool/state.h"
#include "unit/suites.h"

static struct message_state state;

static void
open_state(void)
{
	state_init(&state, 4, 1234);
}

static void
close_state(void)
{
	state_release(&state);
}

START_TEST(new_state_is_due_and_all_pending)
{
	ck_assert_int_eq(state.phase, PHASE_NEW);
	ck_assert_int_eq(state.due_ms, 1234);
	ck_assert_uint_eq(state.recipient_count, 4);
	ck_assert_uint_eq(state_count(&state, RECIPIENT_PENDING), 4);
	ck_assert_uint_eq(state.attempts, 0);
	ck_assert_ptr_null(state.reason);
	ck_assert_ptr_null(state.recipients[2].reply);
}
END_TEST

START_TEST(count_tells_statuses_apart)
{
	state.recipients[0].status = RECIPIENT_DELIVERED;
	state.recipients[2].status = RECIPIENT_FAILED;
	state.recipients[3].status = RECIPIENT_REPORTED;
	for (int i = 0; i < RECIPIENT_COUNT; i++)
		ck_assert_uint_eq(
		    state_count(&state, (enum recipient_status)i), 1);
}
END_TEST

START_TEST(delivered_and_reported_is_settled)
{
	static const bool want[RECIPIENT_COUNT] = {
	    [RECIPIENT_DELIVERED] = true, [RECIPIENT_REPORTED] = true};

	for (int i = 0; i < RECIPIENT_COUNT; i++) {
		state.recipients[0].status = (enum recipient_status)i;
		ck_assert_int_eq(
		    recipient_is_settled(&state.recipients[0]), want[i]);
	}
}
END_TEST

START_TEST(reply_replaces_the_last_one)
{
	state_set_reply(&state, 1, "450 later");
	state_set_reply(&state, 1, "250 ok");
	ck_assert_str_eq(state.recipients[1].reply, "250 ok");
	ck_assert_ptr_null(state.recipients[0].reply);
}
END_TEST

START_TEST(reply_may_be_made_of_the_last_one)
{
	state_set_reply(&state, 1, "450 later");
	state_set_reply(&state, 1, state.recipients[1].reply + 4);
	ck_assert_str_eq(state.recipients[1].reply, "later");
}
END_TEST

START_TEST(long_words_are_cut)
{
	char words[STATE_REPLY_MAX + 100];

	memset(words, 'x', sizeof(words));
	words[sizeof(words) - 1] = '\0';
	state_set_reply(&state, 0, words);
	state_hold(&state, words);
	ck_assert_uint_eq(strlen(state.recipients[0].reply), STATE_REPLY_MAX);
	ck_assert_uint_eq(strlen(state.reason), STATE_REASON_MAX);
}
END_TEST

START_TEST(held_message_is_not_due)
{
	state_hold(&state, "first");
	state_hold(&state, "second");
	ck_assert_int_eq(state.phase, PHASE_HELD);
	ck_assert_int_eq(state.due_ms, 0);
	ck_assert_str_eq(state.reason, "second");
}
END_TEST

START_TEST(every_phase_and_status_has_a_name)
{
	for (size_t i = 0; i < PHASE_COUNT; i++)
		ck_assert_ptr_nonnull(message_phase_names[i]);
	for (size_t i = 0; i < RECIPIENT_COUNT; i++)
		ck_assert_ptr_nonnull(recipient_status_names[i]);
	ck_assert_str_eq(message_phase_names[PHASE_HELD], "held");
	ck_assert_str_eq(recipient_status_names[RECIPIENT_FAILED], "failed");
}
END_TEST

START_TEST(what_failed_is_tried_as_if_for_the_first_time)
{
	state.phase = PHASE_FAILED;
	state.attempts = 300;
	state.ambiguous_dots = 3;
	state.age_ms = 1;
	state.last_attempt_ms = 7;
	state.is_delay_reported = true;
	for (int i = 0; i < RECIPIENT_COUNT; i++)
		state.recipients[i].status = (enum recipient_status)i;
	ck_assert(state_retry(&state, 99));
	ck_assert_int_eq(state.phase, PHASE_DEFERRED);
	ck_assert_int_eq(state.due_ms, 99);
	ck_assert_uint_eq(state.attempts, 0);
	ck_assert_uint_eq(state.ambiguous_dots, 0);
	ck_assert_int_eq(state.age_ms, 0);
	ck_assert(!state.is_delay_reported);
	ck_assert_uint_eq(state_count(&state, RECIPIENT_PENDING), 2);
	ck_assert_uint_eq(state_count(&state, RECIPIENT_DELIVERED), 1);
	ck_assert_uint_eq(state_count(&state, RECIPIENT_REPORTED), 1);
}
END_TEST

START_TEST(what_waits_is_only_due_sooner)
{
	state.phase = PHASE_DEFERRED;
	state.attempts = 3;
	state.age_ms = 1;
	ck_assert(state_retry(&state, 99));
	ck_assert_int_eq(state.phase, PHASE_DEFERRED);
	ck_assert_int_eq(state.due_ms, 99);
	ck_assert_uint_eq(state.attempts, 3);
	ck_assert_int_eq(state.age_ms, 1);
}
END_TEST

START_TEST(what_is_held_is_not_retried_nor_what_waits_released)
{
	ck_assert(!state_resume(&state, 99));
	state_hold(&state, "why");
	ck_assert(!state_retry(&state, 99));
	ck_assert_int_eq(state.phase, PHASE_HELD);
	ck_assert_int_eq(state.due_ms, 0);
	ck_assert(state_resume(&state, 99));
	ck_assert_int_eq(state.due_ms, 99);
}
END_TEST

START_TEST(released_state_may_be_released_again)
{
	state_set_reply(&state, 0, "x");
	state_release(&state);
	state_release(&state);
	ck_assert_uint_eq(state_count(&state, RECIPIENT_PENDING), 0);
}
END_TEST

Suite *
state_suite(void)
{
	Suite *s = suite_create("state");
	TCase *tc = tcase_create("state");

	tcase_add_checked_fixture(tc, open_state, close_state);
	tcase_add_test(tc, new_state_is_due_and_all_pending);
	tcase_add_test(tc, count_tells_statuses_apart);
	tcase_add_test(tc, delivered_and_reported_is_settled);
	tcase_add_test(tc, reply_replaces_the_last_one);
	tcase_add_test(tc, reply_may_be_made_of_the_last_one);
	tcase_add_test(tc, long_words_are_cut);
	tcase_add_test(tc, held_message_is_not_due);
	tcase_add_test(tc, every_phase_and_status_has_a_name);
	tcase_add_test(tc, what_failed_is_tried_as_if_for_the_first_time);
	tcase_add_test(tc, what_waits_is_only_due_sooner);
	tcase_add_test(tc, what_is_held_is_not_retried_nor_what_waits_released);
	tcase_add_test(tc, released_state_may_be_released_again);
	suite_add_tcase(s, tc);
	return s;
}
