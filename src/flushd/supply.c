/* SPDX-License-Identifier: ISC */
#include "flushd/supply.h"
#include "base/clock.h"
#include "base/log.h"
#include "flushd/crash.h"
#include "flushd/outcome.h"
#include "flushd/upkeep.h"

enum { BACKLOG_MIN = 8 };

void
supply_init(struct supply *s, struct spool *spool, const struct policy *policy,
    const char *host)
{
	*s = (struct supply){.spool = spool,
	    .policy = policy,
	    .from = {.host = host, .site = policy->site}};
	batch_init(&s->batch);
}

void
supply_release(struct supply *s)
{
	batch_release(&s->batch);
}

/* No reason not to deliver. */
static void
note_policy(struct supply *s)
{
	int rc = upkeep_note_policy(s->spool, s->policy);

	if (rc < 0)
		log_warning("the limits of the spool are not as configured: %s",
		    outcome_spool_error(rc));
}

static int
begin(struct supply *s)
{
	int rc = 0;

	if (s->has_begun)
		return 0;
	rc = upkeep_begin(s->spool, s->policy->site);
	if (rc == 0)
		note_policy(s);
	s->has_begun = true;
	return rc;
}

/* The next one that may go: 1, 0 if there is none for now, or -errno. */
static int
next(struct supply *s, struct delivery *d)
{
	int verdict = PACE_HELD;
	int rc = 1;

	s->pace.wait_ms = 0;
	while (rc > 0 && verdict == PACE_HELD) {
		rc = batch_next(&s->batch, s->spool, &s->from, d);
		if (rc <= 0)
			return rc;
		verdict = pace_ask(&s->pace, s->policy, s->spool, d,
		    depth_waiting(&s->batch.depth));
		if (verdict == PACE_GO)
			return 1;
		batch_done(&s->batch, d->id);
		delivery_release(d);
		rc = verdict < 0 ? verdict : 1;
	}
	return rc < 0 ? rc : 0;
}

/*
 * What was sent last could not be recorded. Commit something, before another
 * message has the same fate; that it is unchanged makes no difference.
 */
static int
prove_commit(struct supply *s, struct delivery *d)
{
	int rc = delivery_store(d, s->spool);

	if (rc == 0)
		return 1;
	log_error("nothing is sent, as no outcome can be recorded");
	delivery_release(d);
	return rc;
}

int
supply_next(struct supply *s, struct delivery *d)
{
	int rc = begin(s);

	if (rc == 0)
		rc = next(s, d);
	if (rc > 0 && s->batch.caution.must_prove)
		rc = prove_commit(s, d);
	if (rc > 0)
		d->message.is_soft_bounce = s->policy->is_soft_bounce;
	return rc;
}

void
supply_done(struct supply *s, uint64_t id)
{
	batch_done(&s->batch, id);
	crash_recorded(id);
}

int
supply_tidy(struct supply *s, struct delivery *d)
{
	int rc;

	if (s->pace.wait_ms > 0 || supply_is_out(s))
		return 0;
	rc = upkeep_idle(s->spool, &s->policy->retry);
	if (rc < 0)
		log_warning("the spool is not kept in order: %s",
		    outcome_spool_error(rc));
	return rc <= 0 ? 0 : supply_next(s, d);
}

int64_t
supply_next_due_ms(const struct supply *s)
{
	if (s->pace.wait_ms > 0)
		return clock_wall_ms() + s->pace.wait_ms;
	return s->batch.next_due_ms;
}

bool
supply_has_backlog(const struct supply *s)
{
	return batch_left(&s->batch) >= BACKLOG_MIN &&
	       caution_is_none(&s->batch.caution) &&
	       !rate_is_limited(&s->policy->rate);
}

bool
supply_must_read(const struct supply *s)
{
	return batch_must_read(&s->batch);
}

bool
supply_is_out(const struct supply *s)
{
	return s->batch.out_count > 0;
}
