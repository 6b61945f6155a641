/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "flushd/crash.h"
#include "flushd/dispatch.h"
#include "flushd/event.h"
#include "flushd/lane.h"
#include "flushd/ledger.h"
#include "flushd/settled.h"
#include "flushd/supply.h"
#include "flushd/upkeep.h"

enum {
	/* An open dot is waited for when told to stop, but not for ever. */
	STOP_TIMEOUT_MS = 60 * 1000,
	/* There may be no second connection to spare, or the relay may not
	 * want it: do not ask for it all the time. */
	ASK_AGAIN_MS = 1000,
	REFUSED_MS = 30 * 1000,
	/* One lane waits for the other before more is read; unless that one's
	 * relay takes its time. */
	ROUND_MS = 100,
};

struct dispatch {
	sd_event *event;
	struct spool *spool;
	const struct policy *policy;
	struct supply supply;
	struct lane *lanes[CHANNEL_LINES];
	struct ledger *ledger;
	struct settled settled; /* since the supervisor was told */
	struct refused_mark refused_mark;
	uint64_t refused; /* since the supervisor was told */
	sd_event_source *stop_timer;
	sd_event_source *round_timer; /* to let go on who waits */
	int64_t round_until_ms;	      /* clock_boot_ms(); 0: nobody waits */

	bool has_noted_relay;
	uint64_t noted_size;
	bool has_met_relay; /* or tried to: what it takes is known */
	bool is_awaited;    /* a connection for the first lane */
	int64_t ask_at_ms;  /* for the second, or later; clock_boot_ms() */
	bool is_dry;	    /* nothing was due when last looked */
	bool is_idle;	    /* the supervisor was told so */
	bool is_last_look;  /* the watch is armed: leave if nothing is due */
	bool is_complaint_open; /* the supervisor asks the relay about what the
				   first lane says */
	bool is_stopping;
	bool is_leaving; /* the loop is told to end */
	enum child_exit exit;
};

static void step(struct dispatch *x);

/* ---- the end ------------------------------------------------------- */

/* If there is nobody to hear it, that is noticed elsewhere. */
void
dispatch_tell_counts(struct dispatch *x)
{
	struct channel_message m = {.kind = CHANNEL_COUNTS,
	    .depth = x->supply.batch.depth,
	    .has_depth = x->supply.batch.has_looked,
	    .settled = x->settled,
	    .rate = x->supply.pace.rate};

	x->refused += refused_log_count(CHILD_SPOOL, &x->refused_mark);
	m.refused = x->refused;
	m.refused_mark = x->refused_mark;
	if (channel_send(CHILD_CHANNEL, &m, -1) < 0)
		return;
	x->settled = (struct settled){0};
	x->refused = 0;
}

/* What has no final dot yet is nobody's fault, see crash_sent(). */
static void
close_lanes(struct dispatch *x)
{
	for (size_t i = 0; i < CHANNEL_LINES; i++) {
		const bool was_sent = lane_is_dot_open(x->lanes[i]);

		lane_close(x->lanes[i]);
		if (!was_sent)
			lane_put_back(x->lanes[i]);
	}
}

/* Whatever is under way. What cannot be recorded will be sent again. */
void
dispatch_leave(struct dispatch *x, enum child_exit status)
{
	if (x->is_leaving)
		return;
	x->is_leaving = true;
	close_lanes(x);
	if (ledger_record(x->ledger) != 0)
		log_error("stopped with %zu outcomes unrecorded: the messages "
			  "will be sent again",
		    ledger_count(x->ledger));
	dispatch_tell_counts(x);
	event_must(sd_event_exit(x->event, (int)status), "exit");
}

/* The spool is of no use: the supervisor tries again later. */
static void
give_up(struct dispatch *x, const char *doing, int error)
{
	log_error("%s: %s", doing, outcome_spool_error(error));
	snprintf(x->settled.words, sizeof(x->settled.words), "%s: %s", doing,
	    outcome_spool_error(error));
	dispatch_leave(x, CHILD_EXIT_FAILED);
	if (outcome_is_lasting(error))
		crash_tell();
}

static void
tell(struct dispatch *x, const struct channel_message *m)
{
	/* Without a supervisor there is nobody to work for. */
	if (channel_send(CHILD_CHANNEL, m, -1) < 0)
		dispatch_leave(x, CHILD_EXIT_DONE);
}

static bool
is_dot_open(const struct dispatch *x)
{
	for (size_t i = 0; i < CHANNEL_LINES; i++)
		if (lane_is_dot_open(x->lanes[i]))
			return true;
	return false;
}

void
dispatch_stop(struct dispatch *x, enum child_exit status)
{
	if (x->is_stopping)
		return;
	x->is_stopping = true;
	x->exit = status;
	for (size_t i = 0; i < CHANNEL_LINES; i++)
		if (!lane_is_dot_open(x->lanes[i]))
			lane_close(x->lanes[i]);
	/* A message behind its final dot may be taken: wait for the word. */
	if (is_dot_open(x))
		event_timer_set(x->stop_timer, STOP_TIMEOUT_MS);
	else
		dispatch_leave(x, status);
}

/* ---- what is due --------------------------------------------------- */

static struct lane *
first(const struct dispatch *x)
{
	return x->lanes[0];
}

static struct lane *
second(const struct dispatch *x)
{
	return x->lanes[1];
}

static void
ask_for_relay(struct dispatch *x, int line)
{
	const struct channel_message m = {
	    .kind = CHANNEL_NEED_RELAY, .line = line};

	if (line == 0)
		x->is_awaited = true;
	else
		x->ask_at_ms = clock_boot_ms() + ASK_AGAIN_MS;
	x->has_met_relay = true;
	dispatch_tell_counts(x);
	tell(x, &m);
}

static void
consider_second(struct dispatch *x)
{
	if (lane_is_open(first(x)) && !lane_is_open(second(x)) &&
	    supply_has_backlog(&x->supply) && clock_boot_ms() >= x->ask_at_ms)
		ask_for_relay(x, 1);
}

static bool
is_waiting(const struct dispatch *x)
{
	return x->is_stopping || x->is_leaving || x->is_complaint_open ||
	       ledger_is_stuck(x->ledger);
}

static void
let_go_on(struct dispatch *x)
{
	for (size_t i = 0; i < CHANNEL_LINES; i++)
		if (lane_is_waiting(x->lanes[i]))
			event_timer_set(x->round_timer, 0);
}

/*
 * A damaged page may be the end of who reads it, and of what is then under way
 * nobody knows. And what was read is recorded as it was rehearsed if nothing
 * else is recorded with it. So more is read when the last of it is settled.
 */
static bool
on_must_wait(void *context, const struct lane *l)
{
	struct dispatch *x = context;
	const int64_t now_ms = clock_boot_ms();
	bool is_busy = false;

	for (size_t i = 0; i < CHANNEL_LINES; i++)
		is_busy |= x->lanes[i] != l && lane_is_busy(x->lanes[i]);
	if (!is_busy || !supply_must_read(&x->supply) ||
	    (x->round_until_ms != 0 && now_ms >= x->round_until_ms)) {
		x->round_until_ms = 0;
		return false;
	}
	if (x->round_until_ms == 0) {
		x->round_until_ms = now_ms + ROUND_MS;
		event_timer_set(x->round_timer, ROUND_MS);
	}
	return true;
}

static int
on_round_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct dispatch *x = context;

	(void)source;
	(void)usec;
	for (size_t i = 0; i < CHANNEL_LINES; i++)
		lane_go_on(x->lanes[i]);
	return 0;
}

/*
 * The next message: 1, 0 if there is none, or -errno. What was sent is recorded
 * before more is read: a damaged page may be the end of who reads it, and what
 * was sent may be due again, as it has more to go to.
 */
static int
load_next(struct dispatch *x, struct delivery *d)
{
	int rc = 0;

	if (supply_must_read(&x->supply) && ledger_count(x->ledger) > 0)
		rc = ledger_record(x->ledger);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = supply_next(&x->supply, d);
	return rc == 0 && !x->is_last_look ? supply_tidy(&x->supply, d) : rc;
}

static bool
on_may_begin(void *context)
{
	struct dispatch *x = context;

	if (!is_waiting(x))
		consider_second(x);
	return !is_waiting(x);
}

static bool
on_next(void *context, struct delivery *d)
{
	struct dispatch *x = context;
	const int rc = load_next(x, d);

	if (rc < 0)
		give_up(x, "reading the queue", rc);
	/* What is still to be recorded may be due again. */
	x->is_dry = rc == 0 && !ledger_is_stuck(x->ledger);
	if (rc > 0)
		x->is_last_look = false;
	let_go_on(x);
	return rc > 0;
}

/* There is nothing to send. */
static void
become_idle(struct dispatch *x)
{
	const struct channel_message idle = {.kind = CHANNEL_IDLE,
	    .next_due_ms = supply_next_due_ms(&x->supply)};

	if (x->is_last_look) {
		dispatch_leave(x, CHILD_EXIT_DONE);
	} else if (!x->has_met_relay && !upkeep_knows_relay(x->spool)) {
		/* Senders must know what it takes, before they need to. */
		ask_for_relay(x, 0);
	} else {
		x->is_idle = true;
		dispatch_tell_counts(x);
		tell(x, &idle);
	}
}

/* Go on, now that something has ended. */
static void
step(struct dispatch *x)
{
	if (x->is_stopping && !is_dot_open(x))
		dispatch_leave(x, x->exit);
	/* What it had on a connection of its own the other one sends. */
	if (!lane_is_open(second(x)))
		lane_put_back(second(x));
	let_go_on(x);
	if (is_waiting(x) || x->is_idle || x->is_awaited ||
	    lane_is_open(first(x)))
		return;
	/* Its relay is silent, and there is nothing to wait for. */
	if (x->is_dry && !lane_has_message(second(x)))
		lane_close(second(x));
	if (!x->is_dry && lane_take(first(x)))
		ask_for_relay(x, 0);
	else if (x->is_dry && !lane_is_open(second(x)))
		become_idle(x);
}

/* ---- what becomes of it -------------------------------------------- */

/* The ledger could not record all of it: false, and what follows was done. */
static bool
has_recorded(struct dispatch *x, int rc)
{
	if (rc < 0)
		give_up(x, "recording an outcome", rc);
	return rc == 0;
}

static bool
on_settled(void *context, struct delivery *d, const struct lane_report *report)
{
	struct dispatch *x = context;
	const struct outcome_case c = {
	    .result = report->result,
	    .relay = report->relay,
	    .has_relay_dsn = report->has_relay_dsn,
	    .policy = &x->policy->retry,
	};
	struct outcome o;

	x->is_dry = false;
	pace_take(&x->supply.pace, x->policy, report->result);
	settled_add(&x->settled, report->result);
	outcome_make(&o, d, &c);
	return has_recorded(
	    x, ledger_take(x->ledger, &o, !supply_has_backlog(&x->supply)));
}

/* So that the depth is what it would be if the spool was looked at now, but for
 * what others do in it. */
static void
on_recorded(void *context, const struct outcome *o)
{
	struct dispatch *x = context;
	const enum message_phase phase = outcome_phase(o);

	if (phase == PHASE_COUNT)
		batch_gone(&x->supply.batch, o->delivery.id);
	depth_move(&x->supply.batch.depth, o->phase_before, phase);
	x->settled.left += phase == PHASE_COUNT;
	supply_done(&x->supply, o->delivery.id);
}

/* What was put off is done, or is not to be done. */
static void
on_ledger_settled(void *context, int rc)
{
	if (has_recorded(context, rc))
		step(context);
}

static void
on_put_back(void *context, uint64_t id)
{
	struct dispatch *x = context;

	x->is_dry = false;
	supply_done(&x->supply, id);
}

static void
on_failed(void *context, int error)
{
	give_up(context, "reading a message", error);
}

/* The relay may have a limit: without a second connection we do as well. If it
 * is down, the first one says so. */
static void
on_complained(void *context, struct lane *l, const struct smtp_result *result)
{
	struct dispatch *x = context;
	struct channel_message m = {.kind = CHANNEL_COMPLAINT};

	if (l == second(x)) {
		x->ask_at_ms = clock_boot_ms() + REFUSED_MS;
		return;
	}
	if (result->is_alarming)
		log_error("relay refuses us: %s", result->relay_reason);
	x->is_complaint_open = true;
	snprintf(m.text, sizeof(m.text), "%s",
	    result->relay_reason ? result->relay_reason : "");
	tell(x, &m);
}

static void
on_met(void *context, uint64_t size_limit)
{
	struct dispatch *x = context;
	int rc;

	/* Both connections lead to the same. */
	if (x->has_noted_relay && x->noted_size == size_limit)
		return;
	x->has_noted_relay = true;
	x->noted_size = size_limit;
	rc = upkeep_note_relay(x->spool, size_limit);
	if (rc < 0)
		log_warning("senders are not told what the relay takes: %s",
		    outcome_spool_error(rc));
}

static void
on_over(void *context)
{
	step(context);
}

void
dispatch_relay_is_up(struct dispatch *x, const char *reason)
{
	x->is_complaint_open = false;
	if (lane_blame(first(x), reason))
		step(x);
}

void
dispatch_take_relay(struct dispatch *x, int line, int fd, const char *relay)
{
	struct lane *l = line == 0 ? first(x) : second(x);

	if (line == 0)
		x->is_awaited = false;
	else
		x->ask_at_ms = 0;
	/* One that nobody waits for any more. */
	if (is_waiting(x) || x->is_idle || lane_is_open(l)) {
		close(fd);
		step(x);
	} else {
		lane_open(l, fd, relay);
	}
}

void
dispatch_look_again(struct dispatch *x)
{
	x->is_idle = false;
	x->is_dry = false;
	x->is_last_look = true;
	step(x);
}

/* ---- life ---------------------------------------------------------- */

static int
on_stop_timer(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	dispatch_leave(context, CHILD_EXIT_DONE);
	return 0;
}

struct dispatch *
dispatch_new(sd_event *event, struct spool *spool, const struct policy *policy,
    const char *helo_name, const struct dispatch_past *past)
{
	struct dispatch *x = alloc_zeroed(sizeof(*x));
	const struct lane_user lane_user = {
	    .may_begin = on_may_begin,
	    .must_wait = on_must_wait,
	    .next = on_next,
	    .settled = on_settled,
	    .complained = on_complained,
	    .met = on_met,
	    .failed = on_failed,
	    .put_back = on_put_back,
	    .over = on_over,
	    .context = x,
	};
	const struct ledger_user ledger_user = {.recorded = on_recorded,
	    .settled = on_ledger_settled,
	    .context = x,
	    .counts = &x->settled};

	x->event = event;
	x->spool = spool;
	x->policy = policy;
	supply_init(&x->supply, spool, policy, helo_name);
	x->supply.batch.caution = past->caution;
	x->supply.pace.rate = past->rate;
	x->refused_mark = past->refused_mark;
	x->stop_timer = event_timer_new(event, on_stop_timer, x);
	x->round_timer = event_timer_new(event, on_round_timer, x);
	x->ledger = ledger_new(event, spool, &ledger_user);
	for (size_t i = 0; i < CHANNEL_LINES; i++)
		x->lanes[i] = lane_new(event, spool, helo_name, &lane_user);
	return x;
}

void
dispatch_free(struct dispatch *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < CHANNEL_LINES; i++)
		lane_free(x->lanes[i]);
	ledger_free(x->ledger);
	supply_release(&x->supply);
	sd_event_source_unref(x->stop_timer);
	sd_event_source_unref(x->round_timer);
	free(x);
}

void
dispatch_start(struct dispatch *x)
{
	step(x);
}
