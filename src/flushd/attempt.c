/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "flushd/attempt.h"

/* What a transaction did, apart from each recipient. */
struct tally {
	size_t count[SMTP_OUTCOME_COUNT];
	const char *held;      /* why; NULL: nobody was */
	const char *ambiguous; /* likewise */
};

static const char *
words(const char *reply)
{
	return reply ? reply : "the relay gave no reason";
}

/* Record outcome and reply of each recipient; what follows is for later. */
static struct tally
take_outcomes(struct message_state *state, const size_t *tried,
    const struct smtp_result *result)
{
	struct tally t = {0};

	for (size_t i = 0; i < result->recipient_count; i++) {
		enum smtp_outcome outcome = result->outcomes[i];
		const char *reply = result->replies[i];
		struct recipient_state *r;

		assert(tried[i] < state->recipient_count);
		r = &state->recipients[tried[i]];
		t.count[outcome]++;
		if (outcome == SMTP_UNTRIED)
			continue;
		state_set_reply(state, tried[i], words(reply));
		if (outcome == SMTP_SENT)
			r->status = RECIPIENT_DELIVERED;
		else if (outcome == SMTP_FAILED)
			r->status = RECIPIENT_FAILED;
		else if (outcome == SMTP_HELD && !t.held)
			t.held = words(reply);
		else if (outcome == SMTP_AMBIGUOUS && !t.ambiguous)
			t.ambiguous = words(reply);
	}
	return t;
}

/*
 * Something did not go well. Mere success is no attempt to count: a list of
 * thousands takes many transactions and must not back off for that.
 */
static bool
is_attempt(const struct tally *t)
{
	return t->count[SMTP_DEFERRED] > 0 || t->count[SMTP_FAILED] > 0 ||
	       t->count[SMTP_HELD] > 0 || t->count[SMTP_AMBIGUOUS] > 0;
}

/* Give up on those that were just deferred. */
static void
expire_deferred(struct message_state *state, const size_t *tried,
    const struct smtp_result *result)
{
	for (size_t i = 0; i < result->recipient_count; i++) {
		struct buf why = BUF_INIT;

		if (result->outcomes[i] != SMTP_DEFERRED)
			continue;
		buf_add_format(&why, "4.4.7 delivery time expired: %s",
		    words(result->replies[i]));
		state->recipients[tried[i]].status = RECIPIENT_FAILED;
		state_set_reply(state, tried[i], why.data);
		buf_release(&why);
	}
}

static void
set_phase(struct message_state *state, enum message_phase phase, int64_t due_ms)
{
	state->phase = phase;
	state->due_ms = due_ms;
	free(state->reason);
	state->reason = NULL;
}

static enum attempt_verdict
hold(struct message_state *state, const char *prefix, const char *why)
{
	struct buf reason = BUF_INIT;

	buf_add_format(&reason, "%s%s", prefix, why);
	state_hold(state, reason.data);
	buf_release(&reason);
	return ATTEMPT_KEEP;
}

/* Nothing is pending any more. */
static enum attempt_verdict
conclude(struct message_state *state)
{
	if (state_count(state, RECIPIENT_FAILED) == 0)
		return ATTEMPT_REMOVE;
	set_phase(state, PHASE_FAILED, 0);
	return ATTEMPT_KEEP;
}

/* The message was tried, whatever came of it. */
static void
note_attempt(struct message_state *s, const struct retry_policy *policy,
    int64_t submitted_ms, const struct clock_moment *now)
{
	struct clock_moment then = {.wall_ms = s->last_attempt_ms,
	    .boot_ms = s->last_attempt_boot_ms,
	    .boot_id = s->last_attempt_boot_id};

	/* Nobody in a jail knows which boot it is. */
	if (s->last_attempt_ms == 0)
		then = (struct clock_moment){.wall_ms = submitted_ms};
	s->age_ms = retry_age_ms(policy, s->age_ms, &then, now);
	s->last_attempt_ms = now->wall_ms;
	s->last_attempt_boot_ms = now->boot_ms;
	s->last_attempt_boot_id = now->boot_id;
}

enum attempt_verdict
attempt_apply(struct message_state *state, const size_t *tried,
    const struct smtp_result *result, const struct retry_policy *policy,
    int64_t submitted_ms, const struct clock_moment *now, uint32_t random)
{
	struct tally t = take_outcomes(state, tried, result);
	const int64_t now_ms = now->wall_ms;
	int64_t delay_ms = 0;

	if (is_attempt(&t))
		state->attempts++;
	if (is_attempt(&t) || t.count[SMTP_SENT] > 0)
		note_attempt(state, policy, submitted_ms, now);
	if (t.ambiguous) {
		state->ambiguous_dots++;
		delay_ms = retry_ambiguous_delay_ms(state->ambiguous_dots);
	}
	if (t.held)
		return hold(state, "", t.held);
	if (delay_ms < 0)
		return hold(state, "maybe delivered: ", t.ambiguous);

	if (t.count[SMTP_DEFERRED] > 0) {
		int64_t backoff_ms =
		    retry_delay_ms(policy, state->attempts, random);

		if (retry_is_expired(policy, state->age_ms, state->attempts))
			expire_deferred(state, tried, result);
		else if (backoff_ms > delay_ms)
			delay_ms = backoff_ms;
	}
	if (state_count(state, RECIPIENT_PENDING) == 0)
		return conclude(state);
	if (delay_ms > 0) {
		set_phase(state, PHASE_DEFERRED, now_ms + delay_ms);
		return ATTEMPT_KEEP;
	}
	if (is_attempt(&t) || t.count[SMTP_SENT] > 0)
		set_phase(state, PHASE_DEFERRED, now_ms);
	return ATTEMPT_AGAIN;
}
