/* SPDX-License-Identifier: ISC */
/*
 * Messages that are deferred again and again, in worlds whose clocks jump,
 * whose host is rebooted, and whose relay is gone for weeks: whole lives of
 * them, from submission to the end, by attempt_apply() and spool_is_awaited()
 * as the worker calls them.
 */
#include <stdlib.h>

#include "base/compiler.h"
#include "flushd/attempt.h"
#include "spool/spool.h"
#include "unit/suites.h"

#define MINUTE (INT64_C(60) * 1000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define YEAR   (365 * DAY)

enum {
	WORLDS = 24,
	LIVES = 10, /* in each */
	/* The supervisor looks again after that at the latest. */
	LOOK_MINUTES = 10,
};

/* What really happens, and what the clocks make of it. */
struct world {
	uint64_t random;
	int64_t true_ms;
	int64_t wall_ahead_ms; /* of true time */
	int64_t booted_ms;     /* true time */
	uint64_t boot_id;
	int64_t relay_back_ms; /* true time; down until then */
	int trouble;	       /* one look in so many brings some; 0: none */
	bool is_fast;	       /* of all troubles only clocks put forward */
};

/* One message, and what is noted of its life. */
struct life {
	struct message_state state;
	int64_t submitted_ms; /* wall clock */
	int64_t began_ms;     /* true time, from here on */
	int64_t last_ms;
	int64_t tried_ms;  /* of which each interval counts an hour at most */
	int64_t served_ms; /* host and relay were up */
	int64_t waited_ms; /* the same, since the last attempt */
	int disturbances;  /* jumps, reboots, outages */
	int disturbances_before;
	bool is_rebooted; /* since the last attempt: nobody can know how long */
	bool is_over;
	bool is_given_up;
	bool looked_expired; /* to who believes the wall clock */
};

static uint32_t
draw(struct world *w, uint32_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (uint32_t)(w->random >> 32) % below;
}

static int64_t
draw_ms(struct world *w, int64_t below_ms)
{
	return below_ms * draw(w, 1000000) / 1000000;
}

static struct clock_moment
moment_of(const struct world *w)
{
	int64_t wall_ms = w->true_ms + w->wall_ahead_ms;

	return (struct clock_moment){
	    .wall_ms = wall_ms > 0 ? wall_ms : 0,
	    .boot_ms = w->true_ms - w->booted_ms,
	    .boot_id = w->boot_id,
	};
}

/* ---- trouble ------------------------------------------------------- */

static void
jump(struct world *w)
{
	static const int64_t by_ms[] = {MINUTE, HOUR, DAY, 30 * DAY, 10 * YEAR};
	int64_t ms = draw_ms(w, by_ms[draw(w, ARRAY_LEN(by_ms))]);

	w->wall_ahead_ms += w->is_fast || draw(w, 2) ? ms : -ms;
	/* Sooner or later somebody sets it right. */
	if (!w->is_fast && draw(w, 3) == 0)
		w->wall_ahead_ms = 0;
}

static void
reboot(struct world *w)
{
	w->true_ms += draw_ms(w, draw(w, 2) ? 5 * MINUTE : 9 * DAY);
	w->booted_ms = w->true_ms;
	w->boot_id++;
}

static void
make_trouble(struct world *w, struct life *l)
{
	l->disturbances++;
	switch (w->is_fast ? 0 : draw(w, 3)) {
	case 0:
		jump(w);
		break;
	case 1:
		reboot(w);
		l->is_rebooted = true;
		break;
	default:
		w->relay_back_ms =
		    w->true_ms + draw_ms(w, draw(w, 2) ? HOUR : 14 * DAY);
		break;
	}
}

/* ---- a life -------------------------------------------------------- */

static void
be_submitted(struct world *w, struct life *l)
{
	*l = (struct life){.submitted_ms = moment_of(w).wall_ms,
	    .began_ms = w->true_ms,
	    .last_ms = w->true_ms};
	state_init(&l->state, 1, l->submitted_ms);
}

/* What was undisturbed since the last attempt keeps to the policy. */
static void
check_wait(const struct life *l)
{
	const int64_t full_ms =
	    retry_delay_ms(&retry_policy_default, l->state.attempts, 0);

	ck_assert_int_le(l->waited_ms, SPOOL_DUE_HORIZON_MS +
					   LOOK_MINUTES * MINUTE +
					   l->disturbances * HOUR);
	if (l->disturbances != l->disturbances_before ||
	    l->state.attempts == 0 || l->state.ambiguous_dots > 0)
		return;
	ck_assert_int_le(l->waited_ms, full_ms);
	ck_assert_int_ge(l->waited_ms, full_ms * 3 / 4);
}

/* Never before its time, whatever the clocks said. */
static void
check_expiry(const struct life *l)
{
	ck_assert_uint_ge(l->state.attempts, 10);
	ck_assert_int_gt(l->tried_ms, 5 * DAY);
	/* And soon after it. */
	ck_assert_int_lt(
	    l->served_ms, 5 * DAY + HOUR + l->disturbances * 4 * HOUR);
}

/* What an attempt in this world comes to. */
static enum smtp_outcome
outcome_in(struct world *w)
{
	const uint32_t n = draw(w, 3000);

	return n == 0 ? SMTP_SENT : n == 1 ? SMTP_AMBIGUOUS : SMTP_DEFERRED;
}

static void
be_tried(struct world *w, struct life *l)
{
	static char words[] = "451 4.3.0 not now";
	struct smtp_result result = {
	    .recipient_count = 1, .outcomes = {outcome_in(w)}};
	const struct clock_moment now = moment_of(w);
	int64_t step_ms = w->true_ms - l->last_ms;
	size_t tried = 0;

	check_wait(l);
	result.replies[0] = words;
	l->tried_ms += l->is_rebooted || step_ms > HOUR ? HOUR : step_ms;
	l->is_rebooted = false;
	l->last_ms = w->true_ms;
	l->waited_ms = 0;
	l->disturbances_before = l->disturbances;
	if (attempt_apply(&l->state, &tried, &result, &retry_policy_default,
		l->submitted_ms, &now, draw(w, UINT32_MAX)) == ATTEMPT_REMOVE)
		l->is_over = true;
	if (now.wall_ms - l->submitted_ms > 5 * DAY &&
	    l->state.attempts >= 10 && l->tried_ms < DAY)
		l->looked_expired = true;
	l->is_given_up = l->state.phase == PHASE_FAILED;
	if (l->is_given_up)
		check_expiry(l);
	if (!state_is_scheduled(&l->state))
		l->is_over = true;
}

/* Until it is due, or the worker looks again anyway. */
static void
wait_for_it(struct world *w, struct life *l)
{
	int64_t wall_ms = moment_of(w).wall_ms;
	int64_t wait_ms = LOOK_MINUTES * MINUTE;

	if (spool_is_awaited(l->state.due_ms, wall_ms) &&
	    l->state.due_ms - wall_ms < wait_ms)
		wait_ms = l->state.due_ms - wall_ms;
	w->true_ms += wait_ms;
	if (w->true_ms >= w->relay_back_ms) {
		l->served_ms += wait_ms;
		l->waited_ms += wait_ms;
	}
	if (w->trouble && draw(w, (uint32_t)w->trouble) == 0)
		make_trouble(w, l);
}

static void
live(struct world *w, struct life *l)
{
	be_submitted(w, l);
	while (!l->is_over) {
		if (w->true_ms >= w->relay_back_ms &&
		    !spool_is_awaited(l->state.due_ms, moment_of(w).wall_ms))
			be_tried(w, l);
		else
			wait_for_it(w, l);
		ck_assert_int_lt(w->true_ms - l->began_ms, 5 * YEAR);
	}
	state_release(&l->state);
}

/* ---- worlds -------------------------------------------------------- */

static struct world
world_of(int number)
{
	static const int troubles[] = {0, 2000, 300, 60, 12, 4};

	return (struct world){.random = 88172645463325252ULL + (unsigned)number,
	    .true_ms = 56 * YEAR,
	    .booted_ms = 56 * YEAR - DAY,
	    .boot_id = 1,
	    .trouble = troubles[(size_t)number % ARRAY_LEN(troubles)],
	    .is_fast = number >= WORLDS * 3 / 4};
}

START_TEST(a_message_is_given_up_in_its_time_whatever_the_clocks_say)
{
	struct world w = world_of(_i);
	struct life l;

	for (int i = 0; i < LIVES; i++)
		live(&w, &l);
}
END_TEST

/* All worlds together are bad enough to find what is wrong. */
START_TEST(who_believes_the_wall_clock_bounces_young_mail)
{
	int64_t sum_ms = 0;
	int misled = 0;
	int given_up = 0;

	for (int n = 0; n < WORLDS; n++) {
		struct world w = world_of(n);
		struct life l;

		for (int i = 0; i < LIVES; i++) {
			live(&w, &l);
			misled += l.looked_expired;
			given_up += l.is_given_up;
			sum_ms += w.true_ms - l.began_ms;
		}
	}
	ck_assert_int_gt(misled, 10);
	ck_assert_int_gt(given_up, WORLDS * LIVES / 2);
	ck_assert_int_gt(sum_ms, 5 * YEAR);
}
END_TEST

/* The case that the rule is for: a queue that was being retried, then a week
 * without a relay, then a relay that is not yet well. */
START_TEST(a_week_without_a_relay_expires_nothing)
{
	struct world w = world_of(0);
	struct life l;

	be_submitted(&w, &l);
	while (l.state.attempts < 20) {
		if (spool_is_awaited(l.state.due_ms, moment_of(&w).wall_ms))
			wait_for_it(&w, &l);
		else
			be_tried(&w, &l);
	}
	ck_assert_int_lt(w.true_ms - l.began_ms, DAY);
	w.true_ms += 7 * DAY;
	l.disturbances++;
	be_tried(&w, &l);
	ck_assert_int_eq(l.state.phase, PHASE_DEFERRED);
	state_release(&l.state);
}
END_TEST

Suite *
years_suite(void)
{
	Suite *s = suite_create("years");
	TCase *tc = tcase_create("years");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc,
	    a_message_is_given_up_in_its_time_whatever_the_clocks_say, 0,
	    WORLDS);
	tcase_add_test(tc, who_believes_the_wall_clock_bounces_young_mail);
	tcase_add_test(tc, a_week_without_a_relay_expires_nothing);
	suite_add_tcase(s, tc);
	return s;
}
