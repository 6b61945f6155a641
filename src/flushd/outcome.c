/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "flushd/attempt.h"
#include "flushd/bounce.h"
#include "flushd/event.h"
#include "flushd/outcome.h"
#include "flushd/upkeep.h"
#include "mail/queue_id.h"

enum {
	/* Between two attempts to record; doubled up to the last. */
	DELAY_MS = 1000,
	DELAY_MAX_MS = 60 * 1000,
	ADDRESS_SHOWN_MAX = 320,
	SCRIPT_SHOWN_MAX = 256,
};

struct outcome {
	struct spool *spool;
	const struct retry_policy *policy;
	struct delivery *delivery;
	enum attempt_verdict verdict;
	struct bounce bounce; /* the report, if there is one */
	bool is_open;	      /* known to us only */
	int64_t delay_ms;
	sd_event_source *timer;
	outcome_settled_fn *settled;
	void *context;
};

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

/* ---- the log ------------------------------------------------------- */

/* What traces a hacked site; it says it itself, so it is no more than a hint.
 */
static void
add_submitter(struct buf *line, const struct submitter *s)
{
	buf_add_format(line, " uid=%ju", (uintmax_t)s->uid);
	if (!s->script)
		return;
	buf_add_str(line, " script=\"");
	log_escape(line, s->script, strlen(s->script), SCRIPT_SHOWN_MAX);
	buf_add_char(line, '"');
}

static void
log_recipient(const struct delivery *d, size_t i,
    const struct smtp_result *result, const char *relay)
{
	const char *sender = d->envelope.sender;
	const char *to = d->envelope.recipients[d->tried[i]].address;
	const char *reply = result->replies[i] ? result->replies[i] : "";
	struct buf line = BUF_INIT;

	buf_add_format(&line, "id=%s from=<", d->name);
	log_escape(&line, sender, strlen(sender), ADDRESS_SHOWN_MAX);
	buf_add_str(&line, "> to=<");
	log_escape(&line, to, strlen(to), ADDRESS_SHOWN_MAX);
	buf_add_char(&line, '>');
	add_submitter(&line, &d->envelope.submitter);
	buf_add_format(&line, " relay=%s delay=%.1f status=%s reply=\"", relay,
	    (double)(clock_wall_ms() - d->envelope.submitted_ms) / 1000,
	    smtp_outcome_names[result->outcomes[i]]);
	log_escape(&line, reply, strlen(reply), STATE_REPLY_MAX);
	log_info("%s\"", line.data);
	buf_release(&line);
}

static void
log_result(const struct delivery *d, const struct smtp_result *result,
    const char *relay)
{
	for (size_t i = 0; i < result->recipient_count; i++)
		if (result->outcomes[i] != SMTP_UNTRIED)
			log_recipient(d, i, result, relay);
}

/* An operator finds it in the list. */
static void
log_kept(const struct delivery *d)
{
	const char *why =
	    bounce_bar_words[bounce_bar(d->envelope.sender, d->domain)];

	if (d->state.phase == PHASE_FAILED)
		log_notice("id=%s status=kept reason=\"%s\"", d->name,
		    *why ? why : "no report is wanted, or none can be stored");
}

static void
log_report(const struct outcome *o, uint64_t report_id)
{
	const char *to = o->bounce.envelope.recipients[0].address;
	char id[QUEUE_ID_TEXT_MAX];
	struct buf line = BUF_INIT;

	log_escape(&line, to, strlen(to), ADDRESS_SHOWN_MAX);
	log_info("id=%s report=%s to=<%s> recipients=%zu", o->delivery->name,
	    queue_id_format(report_id, id), line.data, o->bounce.told_count);
	buf_release(&line);
}

/* ---- the report ---------------------------------------------------- */

/* What has failed is kept, unless its sender was told. */
static void
settle_phase(struct outcome *o)
{
	const struct message_state *s = &o->delivery->state;

	if (s->phase == PHASE_FAILED)
		o->verdict = state_count(s, RECIPIENT_FAILED) > 0
				 ? ATTEMPT_KEEP
				 : ATTEMPT_REMOVE;
}

static void
set_told(struct outcome *o, bool is_told)
{
	bounce_mark(&o->bounce, &o->delivery->state, is_told);
	settle_phase(o);
}

static void
make_report(struct outcome *o, const struct smtp_result *result,
    const char *relay, bool has_relay_dsn, const struct clock_moment *now)
{
	struct delivery *d = o->delivery;
	const struct buf *head = delivery_head(d);
	const struct bounce_case c = {.envelope = &d->envelope,
	    .tried = d->tried,
	    .result = result,
	    .has_relay_dsn = has_relay_dsn,
	    .is_last = o->verdict != ATTEMPT_AGAIN,
	    .domain = d->domain,
	    .policy = o->policy,
	    .host = d->host,
	    .relay = relay,
	    .id = d->name,
	    .text = head->data,
	    .text_len = head->len,
	    .is_whole = d->is_whole,
	    .now = *now,
	    .submitter = {.uid = geteuid(), .pid = (uint32_t)getpid()}};

	bounce_release(&o->bounce);
	bounce_make(&o->bounce, &c, &d->state);
	settle_phase(o);
}

static int
store_with_report(struct outcome *o)
{
	uint64_t id;
	int rc =
	    delivery_report(o->delivery, o->spool, o->verdict == ATTEMPT_REMOVE,
		&o->bounce.envelope, &o->bounce.text, clock_wall_ms(), &id);

	if (rc == 0 && id != 0)
		log_report(o, id);
	return rc;
}

/* ---- the record ---------------------------------------------------- */

static int
store_state(struct outcome *o)
{
	if (o->verdict == ATTEMPT_REMOVE)
		return delivery_remove(o->delivery, o->spool);
	return delivery_store(o->delivery, o->spool);
}

/*
 * A spool that is full must not keep its worker from the rest: then there is no
 * report, and what failed is kept. One that is busy is only to be waited for.
 */
static int
store_all(struct outcome *o)
{
	int report_rc;
	int rc;

	if (o->bounce.told_count == 0)
		return store_state(o);
	report_rc = store_with_report(o);
	if (report_rc == 0 || report_rc == -ETIMEDOUT)
		return report_rc;
	set_told(o, false);
	rc = store_state(o);
	if (rc == 0)
		log_warning("id=%s no report can be stored: %s",
		    o->delivery->name, outcome_spool_error(report_rc));
	else
		set_told(o, true);
	return rc;
}

static int
store(struct outcome *o)
{
	struct delivery *d = o->delivery;
	int rc = store_all(o);

	if (rc < 0)
		return rc;
	if (o->verdict == ATTEMPT_KEEP)
		log_kept(d);
	o->is_open = false;
	/* What cannot be freed now can be when the spool is idle. */
	if (o->verdict == ATTEMPT_REMOVE && !d->is_whole &&
	    upkeep_sweep(o->spool) < 0)
		log_warning("the space of a message is freed later");
	return 0;
}

/* Store, or say when it will be tried again: 1. */
static int
store_or_wait(struct outcome *o)
{
	char id[QUEUE_ID_TEXT_MAX];
	int rc = store(o);

	if (rc == 0 || outcome_is_lasting(rc))
		return rc;
	log_error("id=%s outcome not yet recorded: %s; again in %d s",
	    queue_id_format(o->delivery->id, id), outcome_spool_error(rc),
	    (int)(o->delay_ms / 1000));
	event_timer_set(o->timer, o->delay_ms);
	o->delay_ms *= 2;
	if (o->delay_ms > DELAY_MAX_MS)
		o->delay_ms = DELAY_MAX_MS;
	return 1;
}

static int
on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct outcome *o = context;
	int rc = store_or_wait(o);

	(void)source;
	(void)usec;
	if (rc <= 0)
		o->settled(o->context, rc);
	return 0;
}

int
outcome_take(struct outcome *o, struct delivery *d,
    const struct smtp_result *result, const char *relay, bool has_relay_dsn)
{
	const struct clock_moment now = clock_now();

	o->delivery = d;
	o->verdict = attempt_apply(&d->state, d->tried, result, o->policy,
	    d->envelope.submitted_ms, &now, event_random());
	log_result(d, result, relay);
	make_report(o, result, relay, has_relay_dsn, &now);
	o->is_open = true;
	o->delay_ms = DELAY_MS;
	return store_or_wait(o);
}

bool
outcome_is_open(const struct outcome *o)
{
	return o->is_open;
}

int
outcome_retry(struct outcome *o)
{
	return store(o);
}

bool
outcome_is_final(const struct outcome *o)
{
	return o->verdict != ATTEMPT_AGAIN;
}

/* ---- life ---------------------------------------------------------- */

struct outcome *
outcome_new(sd_event *event, struct spool *spool,
    const struct retry_policy *policy, outcome_settled_fn *settled,
    void *context)
{
	struct outcome *o = alloc_zeroed(sizeof(*o));

	o->spool = spool;
	o->policy = policy;
	o->settled = settled;
	buf_init(&o->bounce.text);
	o->context = context;
	o->timer = event_timer_new(event, on_timer, o);
	return o;
}

void
outcome_free(struct outcome *o)
{
	if (!o)
		return;
	sd_event_source_unref(o->timer);
	bounce_release(&o->bounce);
	free(o);
}
