/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "flushd/event.h"
#include "flushd/outcome.h"
#include "flushd/outcome_log.h"
#include "flushd/upkeep.h"

const char *
outcome_spool_error(int error)
{
	return error == -EBADMSG     ? "the spool is damaged"
	       : error == -ETIMEDOUT ? "somebody holds the lock"
				     : strerror(-error);
}

bool
outcome_is_lasting(int error)
{
	/* A page number that leads out of the file makes a write fail as one
	 * beyond the limit of its size does, or with a place below 0. */
	return error == -EBADMSG || error == -ENOENT || error == -EFBIG ||
	       error == -EINVAL;
}

/* ---- the report ---------------------------------------------------- */

/* What has failed is kept, unless its sender was told. */
static void
settle_phase(struct outcome *o)
{
	const struct message_state *s = &o->delivery.state;

	if (s->phase == PHASE_FAILED)
		o->verdict = state_count(s, RECIPIENT_FAILED) > 0
				 ? ATTEMPT_KEEP
				 : ATTEMPT_REMOVE;
}

static void
set_told(struct outcome *o, bool is_told)
{
	bounce_mark(&o->bounce, &o->delivery.state, is_told);
	settle_phase(o);
}

static void
make_report(struct outcome *o, const struct outcome_case *c,
    const struct clock_moment *now)
{
	struct delivery *d = &o->delivery;
	const struct buf *head = delivery_head(d);
	const struct bounce_case bounce = {.envelope = &d->envelope,
	    .tried = d->tried,
	    .result = c->result,
	    .has_relay_dsn = c->has_relay_dsn,
	    .is_last = o->verdict != ATTEMPT_AGAIN,
	    .domain = d->domain,
	    .policy = c->policy,
	    .host = d->host,
	    .relay = c->relay,
	    .id = d->name,
	    .text = head->data,
	    .text_len = head->len,
	    .is_whole = d->is_whole,
	    .now = *now,
	    .submitter = {.uid = geteuid(), .pid = (uint32_t)getpid()}};

	bounce_make(&o->bounce, &bounce, &d->state);
	settle_phase(o);
}

void
outcome_make(
    struct outcome *o, struct delivery *d, const struct outcome_case *c)
{
	const struct clock_moment now = clock_now();

	*o = (struct outcome){0};
	delivery_move(&o->delivery, d);
	d = &o->delivery;
	o->phase_before = d->state.phase;
	o->verdict = attempt_apply(&d->state, d->tried, c->result, c->policy,
	    d->envelope.submitted_ms, &now, event_random());
	outcome_log_result(d, c->result, c->relay);
	make_report(o, c, &now);
}

void
outcome_release(struct outcome *o)
{
	delivery_release(&o->delivery);
	bounce_release(&o->bounce);
}

/* ---- the record ---------------------------------------------------- */

/* An operator removed it meanwhile: there is nothing to change. */
static int
unless_gone(int rc)
{
	return rc == -ENOENT ? 0 : rc;
}

/* Of a long text, part is freed in turns of its own. */
bool
outcome_is_plain(const struct outcome *o)
{
	return o->bounce.told_count == 0 && o->verdict != ATTEMPT_KEEP &&
	       o->delivery.is_whole;
}

int
outcome_apply(struct outcome *o, struct spool *s)
{
	struct delivery *d = &o->delivery;

	return unless_gone(o->verdict == ATTEMPT_REMOVE
			       ? spool_remove(s, d->id)
			       : delivery_set_state(d, s));
}

static int
store_state(struct outcome *o, struct spool *s)
{
	if (o->verdict == ATTEMPT_REMOVE)
		return delivery_remove(&o->delivery, s);
	return delivery_store(&o->delivery, s);
}

static int
store_with_report(struct outcome *o, struct spool *s)
{
	uint64_t id;
	int rc = delivery_report(&o->delivery, s, o->verdict == ATTEMPT_REMOVE,
	    &o->bounce.envelope, &o->bounce.text, clock_wall_ms(), &id);

	if (rc == 0 && id != 0)
		outcome_log_report(&o->delivery, &o->bounce, id);
	return rc;
}

/*
 * A spool that is full must not keep its worker from the rest: then there is no
 * report, and what failed is kept. One that is busy is only to be waited for.
 */
static int
store_all(struct outcome *o, struct spool *s)
{
	int report_rc;
	int rc;

	if (o->bounce.told_count == 0)
		return store_state(o, s);
	report_rc = store_with_report(o, s);
	if (report_rc == 0 || report_rc == -ETIMEDOUT)
		return report_rc;
	set_told(o, false);
	rc = store_state(o, s);
	if (rc == 0)
		log_warning("id=%s no report can be stored: %s",
		    o->delivery.name, outcome_spool_error(report_rc));
	else
		set_told(o, true);
	return rc;
}

int
outcome_store(struct outcome *o, struct spool *s)
{
	const struct delivery *d = &o->delivery;
	int rc = store_all(o, s);

	if (rc < 0)
		return rc;
	if (o->verdict == ATTEMPT_KEEP && d->state.phase == PHASE_FAILED)
		outcome_log_kept(d);
	/* What cannot be freed now can be when the spool is idle. */
	if (o->verdict == ATTEMPT_REMOVE && !d->is_whole && upkeep_sweep(s) < 0)
		log_warning("the space of a message is freed later");
	return 0;
}

enum message_phase
outcome_phase(const struct outcome *o)
{
	return o->verdict == ATTEMPT_REMOVE ? PHASE_COUNT
					    : o->delivery.state.phase;
}
