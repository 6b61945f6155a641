/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "flushd/attempt.h"
#include "unit/suites.h"

#define MINUTE (INT64_C(60) * 1000)
#define DAY    (24 * 60 * MINUTE)
#define NOW    (100 * DAY)

static const char *const verdict_names[] = {
    [ATTEMPT_AGAIN] = "again",
    [ATTEMPT_KEEP] = "keep",
    [ATTEMPT_REMOVE] = "remove",
};

/*
 * A message of as many recipients as before has letters, their states: pending,
 * delivered, failed, reported. Each pending one is tried, with the outcomes in
 * order: U S D F H A.
 */
struct row {
	const char *name;
	const char *before;
	const char *outcomes;
	uint32_t attempts;
	uint32_t ambiguous_dots;
	int64_t age_ms;
	/* verdict, recipients, phase, attempts, ambiguous dots, minutes due */
	const char *want;
};

static const struct row rows[] = {
    {"all_sent_is_removed", "pp", "SS", 0, 0, 0, "remove dd new 0 0 0"},
    {"the_last_sent_is_removed", "dp", "S", 3, 0, 0, "remove dd new 3 0 0"},
    {"one_sent_and_one_failed_is_failed", "pp", "SF", 0, 0, 0,
	"keep df failed 1 0 never"},
    {"failed_before_and_the_rest_sent_is_failed", "fp", "S", 0, 0, 0,
	"keep fd failed 0 0 never"},
    {"reported_before_and_the_rest_sent_is_removed", "rp", "S", 1, 0, 0,
	"remove rd new 1 0 0"},
    {"reported_before_and_another_failed_is_failed", "rp", "F", 1, 0, 0,
	"keep rf failed 2 0 never"},
    {"all_failed_is_failed", "pp", "FF", 0, 0, 0, "keep ff failed 1 0 never"},
    {"deferred_is_due_in_a_minute", "pp", "SD", 0, 0, 0,
	"keep dp deferred 1 0 1"},
    {"deferred_backs_off", "p", "D", 3, 0, 0, "keep p deferred 4 0 8"},
    {"several_deferred_are_one_attempt", "ppp", "DDD", 0, 0, 0,
	"keep ppp deferred 1 0 1"},
    {"failed_and_deferred_is_deferred", "pp", "FD", 0, 0, 0,
	"keep fp deferred 1 0 1"},
    {"untried_goes_on_at_once", "ppp", "SUU", 0, 0, 0,
	"again dpp deferred 0 0 0"},
    {"untried_and_failed_goes_on_at_once", "pp", "FU", 0, 0, 0,
	"again fp deferred 1 0 0"},
    {"nothing_but_untried_is_as_before", "pp", "UU", 4, 0, 0,
	"again pp new 4 0 0"},
    {"untried_waits_for_the_deferred", "pp", "DU", 0, 0, 0,
	"keep pp deferred 1 0 1"},
    {"recipients_that_were_not_in_the_transaction_go_on", "pppp", "SS", 0, 0, 0,
	"again ddpp deferred 0 0 0"},
    {"held_holds", "p", "H", 0, 0, 0, "keep p held 1 0 never"},
    {"held_holds_whatever_the_others", "pppp", "SDFH", 0, 0, 0,
	"keep dpfp held 1 0 never"},
    {"held_does_not_expire_the_deferred", "pp", "DH", 50, 0, 9 * DAY,
	"keep pp held 51 0 never"},
    {"ambiguous_is_due_in_5_minutes", "pp", "AA", 0, 0, 0,
	"keep pp deferred 1 1 5"},
    {"ambiguous_again_is_due_in_15", "p", "A", 1, 1, 0,
	"keep p deferred 2 2 15"},
    {"ambiguous_a_third_time_is_due_in_60", "p", "A", 2, 2, 0,
	"keep p deferred 3 3 60"},
    {"ambiguous_a_fourth_time_is_held", "p", "A", 3, 3, 0,
	"keep p held 4 4 never"},
    {"ambiguous_does_not_expire", "p", "A", 50, 0, 9 * DAY,
	"keep p deferred 51 1 5"},
    {"the_longer_delay_counts_for_ambiguous", "pp", "DA", 0, 0, 0,
	"keep pp deferred 1 1 5"},
    {"the_longer_delay_counts_for_deferred", "pp", "DA", 5, 0, 0,
	"keep pp deferred 6 1 30"},
    {"deferred_expires", "p", "D", 9, 0, 5 * DAY + 1,
	"keep f failed 10 0 never"},
    {"deferred_does_not_expire_before_10_attempts", "p", "D", 8, 0, 50 * DAY,
	"keep p deferred 9 0 30"},
    {"deferred_does_not_expire_before_5_days", "p", "D", 99, 0, 5 * DAY,
	"keep p deferred 100 0 30"},
    {"expiry_spares_the_untried", "pp", "DU", 99, 0, 9 * DAY,
	"again fp deferred 100 0 0"},
    {"expiry_spares_the_ambiguous", "pp", "DA", 99, 0, 9 * DAY,
	"keep fp deferred 100 1 5"},
};

static void
fill_state(struct message_state *state, const struct row *row)
{
	state_init(state, strlen(row->before), NOW);
	state->attempts = row->attempts;
	state->ambiguous_dots = row->ambiguous_dots;
	state->age_ms = row->age_ms;
	for (size_t i = 0; row->before[i]; i++)
		state->recipients[i].status = (enum recipient_status)(
		    strchr("pdfr", row->before[i]) - "pdfr");
}

/* Those that are tried, in tried; their outcomes and replies in result. */
static void
fill_result(struct smtp_result *result, size_t *tried, const struct row *row)
{
	static char reply[] = "the words";
	size_t at = 0;

	*result =
	    (struct smtp_result){.recipient_count = strlen(row->outcomes)};
	for (size_t i = 0; i < result->recipient_count; i++) {
		while (row->before[at] != 'p')
			at++;
		tried[i] = at++;
		result->outcomes[i] = (enum smtp_outcome)(
		    strchr("USDFHA", row->outcomes[i]) - "USDFHA");
		result->replies[i] = reply;
	}
}

static void
describe(const struct message_state *s, enum attempt_verdict verdict,
    struct buf *out)
{
	buf_add_format(out, "%s ", verdict_names[verdict]);
	for (size_t i = 0; i < s->recipient_count; i++)
		buf_add_char(out, "pdfr"[s->recipients[i].status]);
	buf_add_format(out, " %s %u %u ", message_phase_names[s->phase],
	    s->attempts, s->ambiguous_dots);
	if (s->due_ms == 0)
		buf_add_str(out, "never");
	else
		buf_add_format(
		    out, "%jd", (intmax_t)((s->due_ms - NOW) / MINUTE));
}

static const struct clock_moment now = {
    .wall_ms = NOW, .boot_ms = 77 * MINUTE, .boot_id = 1};

static enum attempt_verdict
apply(struct message_state *state, const struct row *row)
{
	struct smtp_result result;
	size_t tried[10];

	fill_state(state, row);
	fill_result(&result, tried, row);
	return attempt_apply(
	    state, tried, &result, &retry_policy_default, NOW, &now, 0);
}

START_TEST(outcomes_become_a_state)
{
	const struct row *row = &rows[_i];
	struct buf got = BUF_INIT;
	struct message_state state;

	describe(&state, apply(&state, row), &got);
	ck_assert_msg(strcmp(got.data, row->want) == 0, "%s: got %s, want %s",
	    row->name, got.data, row->want);
	buf_release(&got);
	state_release(&state);
}
END_TEST

START_TEST(words_are_kept_for_each_that_was_tried)
{
	static const struct row row = {.before = "ppd", .outcomes = "DU"};
	struct message_state state;

	apply(&state, &row);
	ck_assert_str_eq(state.recipients[0].reply, "the words");
	ck_assert_ptr_null(state.recipients[1].reply);
	ck_assert_ptr_null(state.recipients[2].reply);
	ck_assert_int_eq(state.last_attempt_ms, NOW);
	state_release(&state);
}
END_TEST

/* What the last attempt was, and by how much the next one makes it older. */
static const struct {
	const char *name;
	struct clock_moment last;
	int64_t submitted_ms;
	int64_t want_ms;
} steps[] = {
    {"the time since the last attempt", {NOW, 60 * MINUTE, 1}, 0, 17 * MINUTE},
    {"the wall clock was put forward", {1, 60 * MINUTE, 1}, 0, 17 * MINUTE},
    {"the wall clock was put back", {NOW + DAY, 60 * MINUTE, 1}, 0,
	17 * MINUTE},
    {"an outage", {NOW - 7 * DAY, 60 * MINUTE - 7 * DAY, 1}, 0, 60 * MINUTE},
    {"a reboot", {NOW - 3 * MINUTE, 99 * MINUTE, 2}, 0, 3 * MINUTE},
    {"a host that was down", {NOW - 7 * DAY, 99 * MINUTE, 2}, 0, 60 * MINUTE},
    {"a reboot, the clock put back", {NOW + 1, 99 * MINUTE, 2}, 0, 0},
    {"a boot that nobody knows", {NOW - 2, 0, 0}, 0, 2},
    {"no attempt yet", {0}, NOW - 4 * MINUTE, 4 * MINUTE},
    {"no attempt yet, for days", {0}, NOW - 9 * DAY, 60 * MINUTE},
    {"no attempt yet, submitted in the future", {0}, NOW + DAY, 0},
};

START_TEST(an_attempt_adds_to_the_age)
{
	static const struct row row = {
	    .before = "p", .outcomes = "D", .age_ms = DAY};
	struct smtp_result result;
	struct message_state state;
	size_t tried[10];

	fill_state(&state, &row);
	fill_result(&result, tried, &row);
	state.last_attempt_ms = steps[_i].last.wall_ms;
	state.last_attempt_boot_ms = steps[_i].last.boot_ms;
	state.last_attempt_boot_id = steps[_i].last.boot_id;
	attempt_apply(&state, tried, &result, &retry_policy_default,
	    steps[_i].submitted_ms, &now, 0);
	ck_assert_msg(state.age_ms == DAY + steps[_i].want_ms,
	    "%s: got %jd ms, want %jd", steps[_i].name,
	    (intmax_t)(state.age_ms - DAY), (intmax_t)steps[_i].want_ms);
	ck_assert_int_eq(state.last_attempt_ms, now.wall_ms);
	ck_assert_int_eq(state.last_attempt_boot_ms, now.boot_ms);
	ck_assert_uint_eq(state.last_attempt_boot_id, now.boot_id);
	state_release(&state);
}
END_TEST

START_TEST(expiry_stands_before_the_last_words)
{
	static const struct row row = {
	    .before = "p", .outcomes = "D", .attempts = 20, .age_ms = 6 * DAY};
	struct message_state state;

	apply(&state, &row);
	ck_assert_str_eq(state.recipients[0].reply,
	    "4.4.7 delivery time expired: the words");
	state_release(&state);
}
END_TEST

START_TEST(reason_of_a_hold_is_what_was_said)
{
	static const struct row held = {.before = "pp", .outcomes = "DH"};
	static const struct row lost = {
	    .before = "p", .outcomes = "A", .ambiguous_dots = 3};
	struct message_state state;

	apply(&state, &held);
	ck_assert_str_eq(state.reason, "the words");
	state_release(&state);
	apply(&state, &lost);
	ck_assert_str_eq(state.reason, "maybe delivered: the words");
	state_release(&state);
}
END_TEST

START_TEST(nothing_tried_leaves_no_trace)
{
	static const struct row row = {.before = "p", .outcomes = "U"};
	struct message_state state;

	apply(&state, &row);
	ck_assert_int_eq(state.last_attempt_ms, 0);
	ck_assert_uint_eq(state.attempts, 0);
	state_release(&state);
}
END_TEST

START_TEST(reason_is_gone_when_a_released_message_is_deferred)
{
	struct smtp_result result = {
	    .recipient_count = 1, .outcomes = {SMTP_DEFERRED}};
	struct message_state state;
	size_t tried = 0;

	state_init(&state, 1, 0);
	state_hold(&state, "an old reason");
	state.phase = PHASE_DEFERRED;
	ck_assert_int_eq(attempt_apply(&state, &tried, &result,
			     &retry_policy_default, NOW, &now, 0),
	    ATTEMPT_KEEP);
	ck_assert_ptr_null(state.reason);
	ck_assert_ptr_nonnull(state.recipients[0].reply);
	state_release(&state);
}
END_TEST

Suite *
attempt_suite(void)
{
	Suite *s = suite_create("attempt");
	TCase *tc = tcase_create("attempt");

	tcase_add_loop_test(
	    tc, outcomes_become_a_state, 0, (int)ARRAY_LEN(rows));
	tcase_add_loop_test(
	    tc, an_attempt_adds_to_the_age, 0, (int)ARRAY_LEN(steps));
	tcase_add_test(tc, words_are_kept_for_each_that_was_tried);
	tcase_add_test(tc, expiry_stands_before_the_last_words);
	tcase_add_test(tc, reason_of_a_hold_is_what_was_said);
	tcase_add_test(tc, nothing_tried_leaves_no_trace);
	tcase_add_test(tc, reason_is_gone_when_a_released_message_is_deferred);
	suite_add_tcase(s, tc);
	return s;
}
