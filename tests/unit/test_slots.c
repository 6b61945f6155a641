/* SPDX-License-Identifier: ISC */
#include "base/clock.h"
#include "flushd/slots.h"
#include "unit/suites.h"

enum { GUESTS = 6, TURN_MS = 30 };

static sd_event *event;
static struct slots *slots;
static struct slots_guest guests[GUESTS];
static int entered[GUESTS];
static int asked[GUESTS];
static bool leaves_at_once;

static size_t
number(void *context)
{
	return (size_t)((struct slots_guest *)context - guests);
}

static void
on_entered(void *context)
{
	entered[number(context)]++;
	if (leaves_at_once)
		slots_leave(slots, context);
}

static void
on_asked(void *context)
{
	asked[number(context)]++;
	if (leaves_at_once)
		slots_leave(slots, context);
}

static void
setup(void)
{
	ck_assert_int_ge(sd_event_new(&event), 0);
	slots = slots_new(event, 2, TURN_MS);
	for (size_t i = 0; i < GUESTS; i++)
		guests[i] = (struct slots_guest){.entered = on_entered,
		    .asked = on_asked,
		    .context = &guests[i]};
}

static void
teardown(void)
{
	slots_free(slots);
	sd_event_unref(event);
}

static bool
enter(int i)
{
	return slots_enter(slots, &guests[i]);
}

static void
leave(int i)
{
	slots_leave(slots, &guests[i]);
}

/* Let the loop run until some turns are over. */
static void
run_for(int64_t ms)
{
	const int64_t end_ms = clock_boot_ms() + ms;

	while (clock_boot_ms() < end_ms)
		ck_assert_int_ge(sd_event_run(event, 5000), 0);
}

START_TEST(who_comes_first_has_a_place_first)
{
	ck_assert(enter(0));
	ck_assert(enter(1));
	ck_assert(!enter(2));
	ck_assert(!enter(3));
	ck_assert_uint_eq(slots_used(slots), 2);
	ck_assert_uint_eq(slots_waiting(slots), 2);
	leave(1);
	ck_assert_int_eq(entered[2], 1);
	ck_assert_int_eq(entered[3], 0);
	leave(0);
	ck_assert_int_eq(entered[3], 1);
	ck_assert_uint_eq(slots_used(slots), 2);
	ck_assert_uint_eq(slots_waiting(slots), 0);
}
END_TEST

START_TEST(who_is_in_or_waits_stays_where_he_is)
{
	ck_assert(enter(0));
	ck_assert(enter(0));
	ck_assert_uint_eq(slots_used(slots), 1);
	ck_assert(enter(1));
	ck_assert(!enter(2));
	ck_assert(!enter(2));
	ck_assert_uint_eq(slots_waiting(slots), 1);
}
END_TEST

START_TEST(who_leaves_without_a_place_takes_none_away)
{
	ck_assert(enter(0));
	leave(5);
	leave(5);
	ck_assert_uint_eq(slots_used(slots), 1);
	ck_assert(enter(1));
	ck_assert(!enter(2));
	leave(2);
	leave(0);
	ck_assert_int_eq(entered[2], 0);
	ck_assert_uint_eq(slots_used(slots), 1);
}
END_TEST

START_TEST(nobody_is_asked_to_leave_while_nobody_waits)
{
	ck_assert(enter(0));
	ck_assert(enter(1));
	run_for(3 * TURN_MS);
	ck_assert_int_eq(asked[0] + asked[1], 0);
}
END_TEST

START_TEST(for_each_who_waits_one_is_asked_to_leave_the_longest_first)
{
	ck_assert(enter(0));
	run_for(2 * TURN_MS);
	ck_assert(enter(1));
	ck_assert(!enter(2));
	run_for(TURN_MS / 3);
	ck_assert_int_eq(asked[0], 1);
	run_for(3 * TURN_MS);
	ck_assert_int_eq(asked[0], 1);
	ck_assert_int_eq(asked[1], 0);
	ck_assert(!enter(3));
	run_for(3 * TURN_MS);
	ck_assert_int_eq(asked[0], 1);
	ck_assert_int_eq(asked[1], 1);
	leave(0);
	ck_assert_int_eq(entered[2], 1);
}
END_TEST

START_TEST(a_place_to_spare_is_given_back_at_once)
{
	ck_assert(enter(0));
	ck_assert(slots_enter_spare(slots, &guests[1]));
	run_for(2 * TURN_MS);
	ck_assert_int_eq(asked[1], 0);
	/* The turn of who came first is over too: it stays. */
	ck_assert(!enter(2));
	run_for(TURN_MS / 3);
	ck_assert_int_eq(asked[1], 1);
	ck_assert_int_eq(asked[0], 0);
	leave(1);
	ck_assert_int_eq(entered[2], 1);
}
END_TEST

START_TEST(it_is_given_back_before_a_turn_is_over)
{
	slots_set_max(slots, 3);
	ck_assert(slots_enter_spare(slots, &guests[0]));
	ck_assert(enter(1));
	ck_assert(slots_enter_spare(slots, &guests[2]));
	ck_assert(!enter(3));
	ck_assert(!enter(4));
	run_for(TURN_MS / 3);
	ck_assert_int_eq(asked[0] + asked[2], 2);
	ck_assert_int_eq(asked[1], 0);
}
END_TEST

START_TEST(nobody_waits_for_a_place_to_spare)
{
	ck_assert(enter(0));
	ck_assert(enter(1));
	ck_assert(!slots_enter_spare(slots, &guests[2]));
	ck_assert_uint_eq(slots_waiting(slots), 0);
	leave(0);
	ck_assert_int_eq(entered[2], 0);
	ck_assert_uint_eq(slots_used(slots), 1);
}
END_TEST

START_TEST(none_is_to_spare_while_somebody_waits)
{
	ck_assert(enter(0));
	ck_assert(enter(1));
	ck_assert(!enter(2));
	slots_set_max(slots, 1);
	leave(0);
	ck_assert(!slots_enter_spare(slots, &guests[3]));
	leave(1);
	ck_assert_int_eq(entered[2], 1);
	ck_assert(!slots_enter_spare(slots, &guests[3]));
}
END_TEST

/* As one that every guest has, for its turn. */
START_TEST(who_has_given_one_back_may_have_a_place_of_his_own)
{
	ck_assert(slots_enter_spare(slots, &guests[0]));
	leave(0);
	ck_assert(enter(0));
	ck_assert(enter(1));
	ck_assert(!enter(2));
	ck_assert_int_eq(asked[0], 0);
	run_for(3 * TURN_MS);
	ck_assert_int_eq(asked[0], 1);
}
END_TEST

START_TEST(all_have_their_turns)
{
	leaves_at_once = true;
	ck_assert(enter(0));
	ck_assert(enter(1));
	for (int i = 2; i < GUESTS; i++)
		ck_assert(!enter(i));
	run_for(3 * TURN_MS);
	for (int i = 2; i < GUESTS; i++)
		ck_assert_int_eq(entered[i], 1);
	ck_assert_uint_eq(slots_waiting(slots), 0);
}
END_TEST

START_TEST(more_places_let_more_in_and_fewer_throw_nobody_out)
{
	ck_assert(enter(0));
	ck_assert(enter(1));
	ck_assert(!enter(2));
	ck_assert(!enter(3));
	slots_set_max(slots, 3);
	ck_assert_int_eq(entered[2], 1);
	ck_assert_int_eq(entered[3], 0);
	slots_set_max(slots, 1);
	ck_assert_uint_eq(slots_used(slots), 3);
	leave(0);
	leave(1);
	ck_assert_int_eq(entered[3], 0);
	leave(2);
	ck_assert_int_eq(entered[3], 1);
}
END_TEST

Suite *
slots_suite(void)
{
	Suite *s = suite_create("slots");
	TCase *tc = tcase_create("slots");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, who_comes_first_has_a_place_first);
	tcase_add_test(tc, who_is_in_or_waits_stays_where_he_is);
	tcase_add_test(tc, who_leaves_without_a_place_takes_none_away);
	tcase_add_test(tc, nobody_is_asked_to_leave_while_nobody_waits);
	tcase_add_test(
	    tc, for_each_who_waits_one_is_asked_to_leave_the_longest_first);
	tcase_add_test(tc, a_place_to_spare_is_given_back_at_once);
	tcase_add_test(tc, it_is_given_back_before_a_turn_is_over);
	tcase_add_test(tc, nobody_waits_for_a_place_to_spare);
	tcase_add_test(tc, none_is_to_spare_while_somebody_waits);
	tcase_add_test(tc, who_has_given_one_back_may_have_a_place_of_his_own);
	tcase_add_test(tc, all_have_their_turns);
	tcase_add_test(tc, more_places_let_more_in_and_fewer_throw_nobody_out);
	suite_add_tcase(s, tc);
	return s;
}
