/* SPDX-License-Identifier: ISC */
#include "flushd/pace.h"
#include "base/clock.h"
#include "base/log.h"
#include "flushd/upkeep.h"
#include "spool/submit.h"

enum {
	/* Not written into the spool anew for each message. */
	REFUSE_MIN_MS = 60 * 1000,
	HOUR_MS = 3600 * 1000,
};

/* Once an hour: of many messages, or workers, a line for each would be many. */
static void
say(struct pace *p, const struct policy *policy, uint64_t waiting)
{
	static const char *const words[POLICY_OVER_COUNT] = {
	    [POLICY_PACE] = "paced",
	    [POLICY_HOLD] = "held",
	    [POLICY_REFUSE] = "refused",
	};

	const int64_t now_ms = clock_boot_ms();

	if (p->rate.said_ms != 0 && now_ms - p->rate.said_ms < HOUR_MS)
		return;
	p->rate.said_ms = now_ms;
	log_warning("rate=%s waiting=%ju messages_per_hour=%ju "
		    "recipients_per_hour=%ju",
	    words[policy->over_rate], (uintmax_t)waiting,
	    (uintmax_t)policy->rate.messages,
	    (uintmax_t)policy->rate.recipients);
}

/* Until what waits has gone, but not for more than an hour at once. */
static int
refuse_more(struct pace *p, const struct policy *policy, struct spool *s,
    uint64_t waiting)
{
	const int64_t now_ms = clock_wall_ms();
	int64_t ms = p->wait_ms;

	if (p->refuse_until_ms > now_ms)
		return 0;
	if (policy->rate.messages > 0)
		ms += HOUR_MS / (int64_t)policy->rate.messages *
		      (int64_t)(waiting < HOUR_MS ? waiting : HOUR_MS);
	if (ms < REFUSE_MIN_MS)
		ms = REFUSE_MIN_MS;
	if (ms > SUBMIT_REFUSE_MAX_MS)
		ms = SUBMIT_REFUSE_MAX_MS;
	p->refuse_until_ms = now_ms + ms;
	return upkeep_note_refusal(s, p->refuse_until_ms);
}

static int
hold(const struct delivery *d, struct spool *s)
{
	int rc =
	    delivery_hold(s, d->id, "more than the site may send in an hour");

	if (rc < 0)
		return rc;
	log_warning("id=%s status=held reason=rate", d->name);
	return PACE_HELD;
}

int
pace_ask(struct pace *p, const struct policy *policy, struct spool *s,
    const struct delivery *d, uint64_t waiting)
{
	const bool is_new = d->state.last_attempt_ms == 0;
	int rc = 0;

	p->wait_ms = rate_wait_ms(&p->rate, &policy->rate,
	    state_count(&d->state, RECIPIENT_PENDING), clock_boot_ms());
	if (p->wait_ms == 0)
		return PACE_GO;
	say(p, policy, waiting);
	if (policy->over_rate == POLICY_HOLD && is_new)
		return hold(d, s);
	if (policy->over_rate == POLICY_REFUSE)
		rc = refuse_more(p, policy, s, waiting);
	return rc < 0 ? rc : PACE_WAIT;
}

void
pace_take(struct pace *p, const struct policy *policy,
    const struct smtp_result *result)
{
	uint64_t sent = 0;

	for (size_t i = 0; i < result->recipient_count; i++)
		sent += result->outcomes[i] == SMTP_SENT;
	if (sent > 0)
		rate_take(&p->rate, &policy->rate, sent, clock_boot_ms());
}
