/* SPDX-License-Identifier: ISC */
/*
 * A message's whole life with a relay whose one fault never goes away: client,
 * deadlines, what an attempt makes of the message, and its next time, in one.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "flushd/attempt.h"
#include "unit/smtp_matrix.h"
#include "unit/suites.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

enum { LIFETIME_DAYS = 5, ATTEMPTS_MIN = 10, TRIES_MAX = 2000 };

struct life {
	int cell;
	struct message_state state;
	int64_t now_ms;
	unsigned int taken[2]; /* by the relay */
	bool is_relay_down;
	bool is_over; /* removed, failed, held, or nothing will change */
};

static const char *
name(const struct life *l)
{
	static char text[128];
	size_t count;

	snprintf(text, sizeof(text), "%s at %s",
	    reply_table(&count)[l->cell / REPLY_PHASES].name,
	    reply_phase_names[l->cell % REPLY_PHASES]);
	return text;
}

static const char *
want(const struct life *l)
{
	size_t count;

	return reply_table(&count)[l->cell / REPLY_PHASES]
	    .want[l->cell % REPLY_PHASES];
}

static void
take_result(
    struct life *l, const size_t *tried, const struct smtp_result *result)
{
	const struct clock_moment now = {
	    .wall_ms = l->now_ms, .boot_ms = l->now_ms, .boot_id = 1};
	enum attempt_verdict verdict;

	if (result->is_relay_down) {
		l->is_relay_down = l->is_over = true;
		return;
	}
	verdict = attempt_apply(&l->state, tried, result, &retry_policy_default,
	    1, &now, (uint32_t)l->now_ms);
	l->is_over =
	    verdict == ATTEMPT_REMOVE ||
	    (verdict == ATTEMPT_KEEP && !state_is_scheduled(&l->state));
	if (verdict == ATTEMPT_KEEP && !l->is_over)
		l->now_ms = l->state.due_ms;
}

/* The next transaction, with whoever is pending. */
static void
try(struct life *l, bool is_first)
{
	const struct recipient *recipients[2];
	struct smtp_message message = play_message;
	struct matrix m;
	size_t tried[2];
	/* The next connection has no second message for the fault to hit. */
	const bool is_spared =
	    !is_first && l->cell % REPLY_PHASES == REPLY_MAIL_2;

	message.recipients = recipients;
	message.recipient_count = 0;
	for (size_t i = 0; i < 2; i++) {
		if (l->state.recipients[i].status != RECIPIENT_PENDING)
			continue;
		tried[message.recipient_count] = i;
		recipients[message.recipient_count++] =
		    play_message.recipients[i];
	}
	matrix_play(&m, is_spared ? 0 : l->cell, &message, l->cell % 2 == 0,
	    PLAY_WHOLE);
	ck_assert_msg(!m.play.violation, "%s: %s", name(l), m.play.violation);
	l->taken[0] += m.is_taken[0];
	l->taken[1] += m.is_taken[1];
	take_result(l, tried, smtp_result(m.play.s));
	matrix_release(&m);
}

static void
check_recipient(const struct life *l, size_t i)
{
	const struct recipient_state *r = &l->state.recipients[i];
	const bool is_expired = r->reply && strncmp(r->reply, "4.4.7 ", 6) == 0;

	if (r->status == RECIPIENT_DELIVERED)
		ck_assert_msg(l->taken[i] == 1, "%s: %zu delivered %u times",
		    name(l), i, l->taken[i]);
	else if (r->status == RECIPIENT_FAILED && is_expired)
		ck_assert_msg(l->now_ms > LIFETIME_DAYS * DAY_MS &&
				  l->state.attempts >= ATTEMPTS_MIN,
		    "%s: %zu expired early", name(l), i);
	else if (r->status == RECIPIENT_FAILED)
		ck_assert_msg(
		    strchr(want(l), 'F'), "%s: %zu failed", name(l), i);
	else
		ck_assert_msg(l->is_relay_down || l->state.phase == PHASE_HELD,
		    "%s: %zu is pending", name(l), i);
	if (!strchr(want(l), 'A') && r->status != RECIPIENT_DELIVERED)
		ck_assert_msg(l->taken[i] == 0, "%s: %zu taken %u times",
		    name(l), i, l->taken[i]);
}

static void
check_message(const struct life *l)
{
	const struct message_state *s = &l->state;

	ck_assert_msg(l->is_over, "%s: no end", name(l));
	ck_assert_msg(l->is_relay_down == (*want(l) == 'd'), "%s: down %d",
	    name(l), l->is_relay_down);
	if (l->is_relay_down)
		ck_assert_msg(s->phase == PHASE_NEW && s->attempts == 0,
		    "%s: an outage is held against the message", name(l));
	if (s->phase == PHASE_HELD && !strchr(want(l), 'H'))
		ck_assert_msg(
		    s->ambiguous_dots == 4 &&
			strncmp(s->reason, "maybe delivered: ", 17) == 0,
		    "%s: held: %s", name(l), s->reason);
	ck_assert_msg(l->taken[0] <= 1 + s->ambiguous_dots &&
			  l->taken[1] <= 1 + s->ambiguous_dots,
	    "%s: doubled", name(l));
}

START_TEST(no_lasting_fault_loses_or_doubles_a_message)
{
	struct life l = {.cell = _i, .now_ms = 1};

	state_init(&l.state, 2, l.now_ms);
	for (int n = 0; n < TRIES_MAX && !l.is_over; n++)
		try(&l, n == 0);
	check_message(&l);
	check_recipient(&l, 0);
	check_recipient(&l, 1);
	state_release(&l.state);
}
END_TEST

Suite *
life_suite(void)
{
	Suite *s = suite_create("life");
	TCase *tc = tcase_create("life");

	tcase_add_loop_test(
	    tc, no_lasting_fault_loses_or_doubles_a_message, 0, matrix_count());
	suite_add_tcase(s, tc);
	return s;
}
