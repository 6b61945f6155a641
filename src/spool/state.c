/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "spool/state.h"

const char *const message_phase_names[PHASE_COUNT] = {
    [PHASE_NEW] = "new",
    [PHASE_DEFERRED] = "deferred",
    [PHASE_HELD] = "held",
    [PHASE_FAILED] = "failed",
};

const char *const recipient_status_names[RECIPIENT_COUNT] = {
    [RECIPIENT_PENDING] = "pending",
    [RECIPIENT_DELIVERED] = "delivered",
    [RECIPIENT_FAILED] = "failed",
    [RECIPIENT_REPORTED] = "reported",
};

void
state_init(struct message_state *s, size_t recipient_count, int64_t due_ms)
{
	*s = (struct message_state){.phase = PHASE_NEW, .due_ms = due_ms};
	s->recipient_count = recipient_count;
	s->recipients =
	    alloc_resize(NULL, recipient_count, sizeof(*s->recipients));
	for (size_t i = 0; i < recipient_count; i++)
		s->recipients[i] =
		    (struct recipient_state){.status = RECIPIENT_PENDING};
}

void
state_release(struct message_state *s)
{
	for (size_t i = 0; i < s->recipient_count; i++)
		free(s->recipients[i].reply);
	free(s->recipients);
	free(s->reason);
	*s = (struct message_state){0};
}

/* Put a copy of new, cut to max bytes, in place of *old. */
static void
replace(char **old, const char *new, size_t max)
{
	char *copy = alloc_copy(new, strnlen(new, max));

	free(*old); /* only now: new may point into it */
	*old = copy;
}

void
state_set_reply(struct message_state *s, size_t recipient, const char *reply)
{
	assert(recipient < s->recipient_count);
	replace(&s->recipients[recipient].reply, reply, STATE_REPLY_MAX);
}

void
state_hold(struct message_state *s, const char *reason)
{
	replace(&s->reason, reason, STATE_REASON_MAX);
	s->phase = PHASE_HELD;
	s->due_ms = 0;
}

bool
state_resume(struct message_state *s, int64_t due_ms)
{
	if (s->phase != PHASE_HELD)
		return false;
	if (state_count(s, RECIPIENT_PENDING) == 0)
		s->phase = PHASE_FAILED;
	else if (s->last_attempt_ms == 0)
		s->phase = PHASE_NEW;
	else
		s->phase = PHASE_DEFERRED;
	s->due_ms = s->phase == PHASE_FAILED ? 0 : due_ms;
	free(s->reason);
	s->reason = NULL;
	return true;
}

bool
state_retry(struct message_state *s, int64_t due_ms)
{
	if (s->phase == PHASE_HELD)
		return false;
	s->due_ms = due_ms;
	if (s->phase != PHASE_FAILED)
		return true;
	for (size_t i = 0; i < s->recipient_count; i++)
		if (s->recipients[i].status == RECIPIENT_FAILED)
			s->recipients[i].status = RECIPIENT_PENDING;
	s->phase = s->last_attempt_ms == 0 ? PHASE_NEW : PHASE_DEFERRED;
	s->attempts = 0;
	s->ambiguous_dots = 0;
	s->age_ms = 0;
	s->is_delay_reported = false;
	return true;
}

bool
recipient_is_settled(const struct recipient_state *r)
{
	return r->status == RECIPIENT_DELIVERED ||
	       r->status == RECIPIENT_REPORTED;
}

size_t
state_count(const struct message_state *s, enum recipient_status status)
{
	size_t count = 0;

	for (size_t i = 0; i < s->recipient_count; i++)
		count += s->recipients[i].status == status;
	return count;
}

bool
state_is_scheduled(const struct message_state *s)
{
	return s->phase == PHASE_NEW || s->phase == PHASE_DEFERRED;
}
