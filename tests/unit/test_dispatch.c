/* SPDX-License-Identifier: ISC */
#include <unistd.h>

#include "base/clock.h"
#include "flushd/batch.h"
#include "flushd/child.h"
#include "unit/stage.h"
#include "unit/suites.h"

enum { FEW = 3, MANY = 40, A_WHILE_MS = 300, ASK_AGAIN_MS = 1000 };

static bool
is_empty(void)
{
	return stage_count() == 0;
}

static bool
first_has_taken_some(void)
{
	return stage_taken[0] >= FEW;
}

static bool
second_has_taken_some(void)
{
	return stage_taken[1] >= FEW;
}

static bool
has_asked_again(void)
{
	return stage_wishes >= 2;
}

static bool
second_is_closed(void)
{
	return stage_is_closed(1);
}

/* It starts, and has its first connection. */
static void
begin(size_t messages, unsigned int mood)
{
	stage_put(messages);
	stage_begin();
	ck_assert_int_eq(stage_hear(CHANNEL_NEED_RELAY).line, 0);
	stage_lend(0, mood);
}

static void
hear_idle_and_end(void)
{
	stage_hear(CHANNEL_IDLE);
	dispatch_look_again(stage_dispatch);
	stage_hear_end(CHILD_EXIT_DONE);
}

START_TEST(what_waits_is_sent_and_recorded)
{
	begin(FEW, STAGE_WELL);
	stage_hear(CHANNEL_IDLE);
	ck_assert_uint_eq(stage_taken[0], FEW);
	ck_assert(is_empty());
	dispatch_look_again(stage_dispatch);
	stage_hear_end(CHILD_EXIT_DONE);
}
END_TEST

START_TEST(what_comes_before_the_last_look_is_sent)
{
	begin(FEW, STAGE_WELL);
	stage_hear(CHANNEL_IDLE);
	stage_put(1);
	dispatch_look_again(stage_dispatch);
	ck_assert_int_eq(stage_hear(CHANNEL_NEED_RELAY).line, 0);
	stage_lend(0, STAGE_WELL);
	hear_idle_and_end();
	ck_assert_uint_eq(stage_taken[0], FEW + 1);
}
END_TEST

START_TEST(a_few_need_no_second_connection)
{
	begin(FEW, STAGE_WELL);
	stage_hear(CHANNEL_IDLE);
	ck_assert(!stage_has_wish());
}
END_TEST

START_TEST(many_go_by_two_connections_each_once)
{
	begin(MANY, STAGE_WELL);
	stage_until(stage_has_wish);
	stage_lend(1, STAGE_WELL);
	hear_idle_and_end();
	ck_assert_uint_ge(stage_taken[1], 1);
	ck_assert_uint_eq(stage_taken[0] + stage_taken[1], MANY);
	ck_assert(is_empty());
}
END_TEST

START_TEST(a_second_connection_that_never_comes_is_not_missed)
{
	begin(MANY, STAGE_WELL);
	hear_idle_and_end();
	ck_assert_uint_eq(stage_taken[0], MANY);
}
END_TEST

/* It need not be asked for all the time. */
START_TEST(one_that_never_comes_is_asked_for_now_and_then)
{
	begin(4 * MANY, STAGE_WELL);
	stage_until(first_has_taken_some);
	stage_set_mood(0, STAGE_NO_DOT);
	ck_assert_uint_le(stage_wishes, 2);
	stage_for(ASK_AGAIN_MS);
	stage_set_mood(0, STAGE_WELL);
	stage_until(has_asked_again);
}
END_TEST

/* The relay's limit may be one connection: that is not to be held against it,
 * or the first would stop for each question. */
START_TEST(a_second_connection_that_is_refused_stops_nothing)
{
	begin(MANY, STAGE_WELL);
	stage_until(stage_has_wish);
	stage_wishes = 0;
	stage_lend(1, STAGE_REFUSES);
	stage_until(second_is_closed);
	hear_idle_and_end();
	ck_assert(!stage_has_wish());
	ck_assert_uint_eq(stage_taken[0], MANY);
}
END_TEST

START_TEST(what_a_second_connection_loses_goes_by_the_first)
{
	begin(MANY, STAGE_WELL);
	stage_until(stage_has_wish);
	stage_lend(1, STAGE_CLOSES);
	hear_idle_and_end();
	ck_assert_uint_eq(stage_taken[0], MANY);
	ck_assert(is_empty());
}
END_TEST

/* Or what comes meanwhile would wait for a banner that may never come. */
START_TEST(a_second_connection_that_is_silent_keeps_nobody_from_being_idle)
{
	begin(MANY, STAGE_WELL);
	stage_until(stage_has_wish);
	stage_lend(1, STAGE_NO_BANNER);
	hear_idle_and_end();
	ck_assert_uint_eq(stage_taken[0], MANY);
}
END_TEST

START_TEST(what_is_behind_a_dot_is_waited_for)
{
	begin(MANY, STAGE_WELL);
	stage_until(stage_has_wish);
	stage_lend(1, STAGE_NO_DOT);
	stage_until(first_has_taken_some);
	stage_for(A_WHILE_MS);
	ck_assert(!stage_has_word());
	ck_assert_uint_ge(stage_count(), 1);
	stage_set_mood(1, STAGE_WELL);
	hear_idle_and_end();
	ck_assert_uint_eq(stage_taken[0] + stage_taken[1], MANY);
	ck_assert(is_empty());
}
END_TEST

/* All that was read is sent, but for what the second has behind its dot. */
static bool
first_is_through(void)
{
	return stage_is_behind_dot(1) &&
	       (stage_taken[0] + 1) % BATCH_AHEAD_MAX == 0;
}

static size_t taken_before;

static bool
first_goes_on(void)
{
	return stage_taken[0] > taken_before;
}

/* To read may be the end of the worker, and then nobody knows what has become
 * of that one; but others need not wait for it for long. */
START_TEST(before_more_is_read_one_waits_for_the_other_but_not_for_long)
{
	int64_t begun_ms;

	begin(MANY, STAGE_WELL);
	stage_until(stage_has_wish);
	stage_lend(1, STAGE_NO_DOT);
	stage_until(first_is_through);
	begun_ms = clock_boot_ms();
	taken_before = stage_taken[0];
	stage_until(first_goes_on);
	/* On a busy machine we see late that it waits. */
	ck_assert_int_ge(clock_boot_ms() - begun_ms, 10);
	ck_assert(stage_is_behind_dot(1));
	ck_assert_uint_le(stage_count(), MANY - taken_before);
	stage_set_mood(1, STAGE_WELL);
	hear_idle_and_end();
	ck_assert_uint_eq(stage_taken[0] + stage_taken[1], MANY);
	ck_assert(is_empty());
}
END_TEST

START_TEST(when_it_is_told_to_stop_an_open_dot_is_recorded)
{
	begin(MANY, STAGE_WELL);
	stage_until(stage_has_wish);
	stage_lend(1, STAGE_WELL);
	stage_until(second_has_taken_some);
	stage_set_mood(0, STAGE_NO_DOT);
	stage_set_mood(1, STAGE_NO_DOT);
	stage_for(A_WHILE_MS);
	dispatch_stop(stage_dispatch, CHILD_EXIT_DONE);
	stage_set_mood(1, STAGE_WELL);
	stage_for(A_WHILE_MS);
	stage_set_mood(0, STAGE_WELL);
	stage_hear_end(CHILD_EXIT_DONE);
	ck_assert_uint_eq(
	    stage_count(), MANY - stage_taken[0] - stage_taken[1]);
}
END_TEST

/* It was killed, and there is nobody to work for. */
START_TEST(without_a_supervisor_it_ends_in_order)
{
	begin(MANY, STAGE_NO_BANNER);
	stage_hang_up();
	stage_set_mood(0, STAGE_WELL);
	stage_hear_end(CHILD_EXIT_DONE);
	ck_assert_uint_eq(stage_count(), MANY - stage_taken[0]);
}
END_TEST

/* It has one outcome to record, and cannot; another message is behind its dot
 * on this connection, and on the other all is as it was. */
static void
get_stuck(int line)
{
	const size_t taken = stage_taken[line];

	stage_forbid_files(true);
	stage_set_mood(line, STAGE_WELL);
	stage_set_mood(line, STAGE_NO_DOT);
	stage_for(A_WHILE_MS);
	ck_assert_uint_eq(stage_taken[line], taken + 1);
	ck_assert(!stage_has_word());
}

/* The relay's word is not asked for twice, nor anything else sent. */
START_TEST(while_nothing_can_be_recorded_nothing_is_sent)
{
	size_t taken;

	begin(MANY, STAGE_WELL);
	stage_until(first_has_taken_some);
	stage_set_mood(0, STAGE_NO_DOT);
	stage_for(A_WHILE_MS);
	get_stuck(0);
	/* The one that is under way is the last. */
	taken = stage_taken[0] + 1;
	stage_set_mood(0, STAGE_WELL);
	stage_for(A_WHILE_MS);
	ck_assert(stage_is_closed(0));
	ck_assert_uint_eq(stage_taken[0], taken);
	ck_assert(!stage_has_word());
	stage_forbid_files(false);
	ck_assert_int_eq(stage_hear(CHANNEL_NEED_RELAY).line, 0);
	ck_assert_uint_eq(stage_count(), MANY - taken);
	stage_lend(0, STAGE_WELL);
	hear_idle_and_end();
	ck_assert_uint_eq(stage_taken[0], MANY);
}
END_TEST

/* Not even what a connection has waited for. */
START_TEST(nor_on_a_connection_that_greets_us_late)
{
	size_t taken;

	begin(MANY, STAGE_WELL);
	stage_until(stage_has_wish);
	stage_lend(1, STAGE_NO_DOT);
	stage_until(first_has_taken_some);
	stage_set_mood(0, STAGE_CLOSES_AFTER);
	ck_assert_int_eq(stage_hear(CHANNEL_NEED_RELAY).line, 0);
	taken = stage_taken[0];
	stage_lend(0, STAGE_NO_BANNER);
	stage_for(A_WHILE_MS);
	get_stuck(1);
	stage_set_mood(0, STAGE_WELL);
	stage_for(A_WHILE_MS);
	ck_assert_uint_eq(stage_taken[0], taken);
	stage_set_mood(1, STAGE_WELL);
	stage_forbid_files(false);
	ck_assert_int_eq(stage_hear(CHANNEL_NEED_RELAY).line, 0);
	stage_lend(0, STAGE_WELL);
	hear_idle_and_end();
	ck_assert_uint_eq(stage_taken[0] + stage_taken[1], MANY);
}
END_TEST

/* The next workers skip what cannot be recorded, until somebody tells them not
 * to: not what was never sent. */
START_TEST(what_was_not_sent_is_not_skipped)
{
	bool is_sent;

	begin(MANY, STAGE_WELL);
	stage_until(stage_has_wish);
	stage_lend(1, STAGE_NO_RCPT);
	stage_until(first_has_taken_some);
	stage_set_mood(0, STAGE_NO_DOT);
	stage_for(A_WHILE_MS);
	ck_assert_int_eq(unlink(fixture_name("spool/data.mdb")), 0);
	stage_set_mood(0, STAGE_WELL);
	stage_set_mood(0, STAGE_NO_DOT);
	is_sent = stage_hear(CHANNEL_ENDS_AT).is_sent;
	/* What was behind its dot then may have been taken. There is no such
	 * if the next one was not read ahead: that is what it ends at. */
	ck_assert(is_sent || !stage_is_behind_dot(0));
	if (is_sent && stage_is_behind_dot(0))
		ck_assert_int_eq(stage_hear(CHANNEL_ENDS_AT).is_sent, 1);
	stage_hear_end(CHILD_EXIT_FAILED);
}
END_TEST

/* What it says then is what it will be called by. */
START_TEST(when_the_next_is_due_is_said_after_all_is_recorded)
{
	begin(1, STAGE_DEFERS);
	ck_assert_int_ne(stage_hear(CHANNEL_IDLE).next_due_ms, INT64_MAX);
}
END_TEST

START_TEST(also_if_that_took_more_than_one_attempt)
{
	begin(1, STAGE_NO_BANNER | STAGE_DEFERS);
	stage_forbid_files(true);
	stage_set_mood(0, STAGE_DEFERS);
	stage_for(A_WHILE_MS);
	ck_assert(!stage_has_word());
	stage_forbid_files(false);
	ck_assert_int_ne(stage_hear(CHANNEL_IDLE).next_due_ms, INT64_MAX);
}
END_TEST

START_TEST(a_relay_that_is_down_is_complained_about_and_left)
{
	begin(FEW, STAGE_REFUSES);
	stage_hear(CHANNEL_COMPLAINT);
	stage_for(A_WHILE_MS);
	ck_assert(!stage_has_word());
	dispatch_stop(stage_dispatch, CHILD_EXIT_RELAY_DOWN);
	stage_hear_end(CHILD_EXIT_RELAY_DOWN);
	ck_assert_uint_eq(stage_count(), FEW);
}
END_TEST

START_TEST(one_that_is_up_all_the_same_is_the_message_s_fault)
{
	begin(FEW, STAGE_CLOSES);
	stage_hear(CHANNEL_COMPLAINT);
	dispatch_relay_is_up(stage_dispatch, "it went away");
	ck_assert_int_eq(stage_hear(CHANNEL_NEED_RELAY).line, 0);
	stage_lend(0, STAGE_WELL);
	ck_assert_int_ne(stage_hear(CHANNEL_IDLE).next_due_ms, INT64_MAX);
	ck_assert_uint_eq(stage_taken[0], FEW - 1);
	ck_assert_uint_eq(stage_count(), 1);
}
END_TEST

/* The site's rate is told what is sent, not what is under way. */
START_TEST(a_site_with_a_rate_has_one_connection)
{
	stage_policy.rate.messages = 100000;
	begin(MANY, STAGE_WELL);
	stage_hear(CHANNEL_IDLE);
	ck_assert(!stage_has_wish());
	ck_assert_uint_eq(stage_taken[0], MANY);
}
END_TEST

/* Each is put at risk alone. */
START_TEST(who_must_prove_that_it_can_record_has_one_connection)
{
	stage_caution.must_prove = true;
	begin(MANY, STAGE_WELL);
	stage_hear(CHANNEL_IDLE);
	ck_assert(!stage_has_wish());
	ck_assert_uint_eq(stage_taken[0], MANY);
}
END_TEST

START_TEST(a_second_one_that_ends_is_followed_by_another)
{
	begin(4 * MANY, STAGE_WELL);
	stage_until(stage_has_wish);
	/* A connection ends after 100 messages, in order. */
	stage_set_mood(0, STAGE_NO_DOT);
	stage_lend(1, STAGE_WELL);
	stage_until(second_is_closed);
	ck_assert_uint_eq(stage_taken[1], 100);
	stage_wishes = 0;
	stage_set_mood(0, STAGE_WELL);
	stage_until(stage_has_wish);
	stage_lend(1, STAGE_WELL);
	hear_idle_and_end();
	ck_assert_uint_eq(stage_taken[0] + stage_taken[1], 4 * MANY);
}
END_TEST

Suite *
dispatch_suite(void)
{
	Suite *s = suite_create("dispatch");
	TCase *t = tcase_create("dispatch");

	tcase_add_checked_fixture(t, stage_setup, stage_teardown);
	tcase_add_test(t, what_waits_is_sent_and_recorded);
	tcase_add_test(t, what_comes_before_the_last_look_is_sent);
	tcase_add_test(t, a_few_need_no_second_connection);
	tcase_add_test(t, many_go_by_two_connections_each_once);
	tcase_add_test(t, a_second_connection_that_never_comes_is_not_missed);
	tcase_add_test(t, one_that_never_comes_is_asked_for_now_and_then);
	tcase_add_test(t, a_second_connection_that_is_refused_stops_nothing);
	tcase_add_test(t, what_a_second_connection_loses_goes_by_the_first);
	tcase_add_test(
	    t, a_second_connection_that_is_silent_keeps_nobody_from_being_idle);
	tcase_add_test(t, what_is_behind_a_dot_is_waited_for);
	tcase_add_test(
	    t, before_more_is_read_one_waits_for_the_other_but_not_for_long);
	tcase_add_test(t, when_it_is_told_to_stop_an_open_dot_is_recorded);
	tcase_add_test(t, without_a_supervisor_it_ends_in_order);
	tcase_add_test(t, while_nothing_can_be_recorded_nothing_is_sent);
	tcase_add_test(t, nor_on_a_connection_that_greets_us_late);
	tcase_add_test(t, what_was_not_sent_is_not_skipped);
	tcase_add_test(t, when_the_next_is_due_is_said_after_all_is_recorded);
	tcase_add_test(t, also_if_that_took_more_than_one_attempt);
	tcase_add_test(t, a_relay_that_is_down_is_complained_about_and_left);
	tcase_add_test(t, one_that_is_up_all_the_same_is_the_message_s_fault);
	tcase_add_test(t, a_site_with_a_rate_has_one_connection);
	tcase_add_test(t, who_must_prove_that_it_can_record_has_one_connection);
	tcase_add_test(t, a_second_one_that_ends_is_followed_by_another);
	suite_add_tcase(s, t);
	return s;
}
