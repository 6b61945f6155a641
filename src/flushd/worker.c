/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "flushd/batch.h"
#include "flushd/channel.h"
#include "flushd/child.h"
#include "flushd/crash.h"
#include "flushd/delivery.h"
#include "flushd/event.h"
#include "flushd/host.h"
#include "flushd/link.h"
#include "flushd/outcome.h"
#include "flushd/pace.h"
#include "flushd/pulse.h"
#include "flushd/sandbox.h"
#include "flushd/upkeep.h"
#include "flushd/worker.h"
#include "mail/queue_id.h"

enum {
	/* An open dot is waited for when told to stop, but not for ever. */
	STOP_TIMEOUT_MS = 60 * 1000,
	/* Transactions of one message in a row that settled nobody. */
	FRUITLESS_MAX = 3,
	/* Postfix reckons with clients that keep a connection this long. */
	LINK_AGE_MAX_MS = 300 * 1000,
};

struct worker {
	sd_event *event;
	struct spool *spool;
	struct link *link;   /* NULL: no connection */
	bool is_relay_noted; /* on this connection: what it takes */
	int64_t linked_ms;   /* since when, by clock_boot_ms() */
	char relay[80];	     /* its name, for the log */
	sd_event_source *stop_timer;
	sd_event_source *pulse_timer;
	struct policy policy;
	struct pace pace;
	char host[HOST_NAME_SIZE];

	bool has_begun;	    /* what comes before anything is sent is done */
	bool has_met_relay; /* or tried to: what it takes is known */

	struct batch batch; /* of what is due */
	struct delivery delivery;
	bool has_delivery;
	struct outcome *outcome;
	struct settled settled; /* since the supervisor was told */
	bool is_in_transaction; /* its result was not yet taken */
	unsigned int fruitless;

	bool is_last_look; /* the watch is armed: leave if nothing is due */
	bool is_stopping;
};

static void
drop_link(struct worker *w)
{
	link_free(w->link);
	w->link = NULL;
}

/* If there is nobody to hear it, that is noticed elsewhere. */
static void
tell_counts(struct worker *w)
{
	const struct channel_message m = {.kind = CHANNEL_COUNTS,
	    .depth = w->batch.depth,
	    .has_depth = w->batch.has_looked,
	    .settled = w->settled,
	    .rate = w->pace.rate};

	if (channel_send(CHILD_CHANNEL, &m, -1) == 0)
		w->settled = (struct settled){0};
}

static void
leave(struct worker *w, enum child_exit status)
{
	drop_link(w);
	tell_counts(w);
	event_must(sd_event_exit(w->event, (int)status), "exit");
}

/* The spool is of no use: the supervisor tries again later. */
static void
give_up(struct worker *w, const char *doing, int error)
{
	log_error("%s: %s", doing, outcome_spool_error(error));
	snprintf(w->settled.words, sizeof(w->settled.words), "%s: %s", doing,
	    outcome_spool_error(error));
	if (outcome_is_lasting(error))
		crash_tell();
	leave(w, CHILD_EXIT_FAILED);
}

static void
tell(struct worker *w, const struct channel_message *m)
{
	/* Without a supervisor there is nobody to work for. */
	if (channel_send(CHILD_CHANNEL, m, -1) < 0)
		leave(w, CHILD_EXIT_DONE);
}

/* ---- what is due --------------------------------------------------- */

static void
ask_for_relay(struct worker *w)
{
	struct channel_message m = {.kind = CHANNEL_NEED_RELAY};

	w->has_met_relay = true;
	tell_counts(w);
	tell(w, &m);
}

/* Load the next one that may go: 1, 0 if there is none for now, or -errno. */
static int
load_due(struct worker *w)
{
	int verdict = PACE_HELD;
	int rc = 1;

	w->pace.wait_ms = 0;
	while (rc > 0 && verdict == PACE_HELD) {
		rc =
		    batch_load_next(&w->batch, w->spool, w->host, &w->delivery);
		if (rc <= 0)
			return rc;
		verdict = pace_ask(&w->pace, &w->policy, w->spool, &w->delivery,
		    depth_waiting(&w->batch.depth));
		if (verdict == PACE_GO)
			return 1;
		delivery_release(&w->delivery);
		rc = verdict < 0 ? verdict : 1;
	}
	return rc < 0 ? rc : 0;
}

/*
 * Load the next message that is to go: 1, 0 if there is none, or -errno. What
 * the spool needs besides is done when there is time for it.
 */
static int
load_next(struct worker *w)
{
	int rc = load_due(w);

	if (rc != 0 || w->is_last_look || w->pace.wait_ms > 0)
		return rc;
	rc = upkeep_idle(w->spool, &w->policy.retry);
	if (rc < 0)
		log_warning("the spool is not kept in order: %s",
		    outcome_spool_error(rc));
	return rc <= 0 ? 0 : load_due(w);
}

static int64_t
next_due_ms(const struct worker *w)
{
	if (w->pace.wait_ms > 0)
		return clock_wall_ms() + w->pace.wait_ms;
	return w->batch.next_due_ms;
}

/* There is nothing to send. */
static void
become_idle(struct worker *w)
{
	struct channel_message idle = {.kind = CHANNEL_IDLE};

	/* Not idle with a connection: another site may need it. */
	drop_link(w);
	if (w->is_last_look) {
		leave(w, CHILD_EXIT_DONE);
	} else if (!w->has_met_relay && !upkeep_knows_relay(w->spool)) {
		/* Senders must know what it takes, before they need to. */
		ask_for_relay(w);
	} else {
		idle.next_due_ms = next_due_ms(w);
		tell_counts(w);
		tell(w, &idle);
	}
}

/* No reason not to deliver. */
static void
note_policy(struct worker *w)
{
	int rc = upkeep_note_policy(w->spool, &w->policy);

	if (rc < 0)
		log_warning("the limits of the spool are not as configured: %s",
		    outcome_spool_error(rc));
}

/*
 * See to it that there is a message to send. False: there is none, and what
 * follows from that was done.
 */
static bool
has_work(struct worker *w)
{
	int rc = 0;

	if (w->is_stopping) {
		leave(w, CHILD_EXIT_DONE);
		return false;
	}
	if (w->has_delivery)
		return true;
	if (!w->has_begun)
		rc = upkeep_begin(w->spool, w->policy.site);
	if (!w->has_begun && rc == 0)
		note_policy(w);
	w->has_begun = true;
	if (rc == 0)
		rc = load_next(w);
	if (rc > 0) {
		w->has_delivery = true;
		w->fruitless = 0;
		w->is_last_look = false;
		return true;
	}
	if (rc < 0)
		give_up(w, "reading the queue", rc);
	else
		become_idle(w);
	return false;
}

/* ---- outcomes ------------------------------------------------------ */

static bool
is_fruitless(const struct smtp_result *result)
{
	for (size_t i = 0; i < result->recipient_count; i++)
		if (result->outcomes[i] != SMTP_UNTRIED)
			return false;
	return true;
}

static void
finish_delivery(struct worker *w)
{
	delivery_release(&w->delivery);
	w->has_delivery = false;
	crash_at(0, false);
}

/* What was taken from the relay is in the spool. */
static void
on_recorded(struct worker *w)
{
	if (outcome_is_final(w->outcome))
		finish_delivery(w);
}

/*
 * Record what became of the message, before anything else is begun. False: it
 * could not be done now, and what follows from that was seen to.
 */
static bool
record(struct worker *w, const struct smtp_result *result)
{
	const bool has_dsn = w->link && smtp_has_dsn(link_smtp(w->link));
	int rc;

	pace_take(&w->pace, &w->policy, result);
	rc = outcome_take(w->outcome, &w->delivery, result, w->relay, has_dsn);

	settled_add(&w->settled, result);
	if (rc == 0)
		on_recorded(w);
	else if (rc < 0)
		give_up(w, "recording an outcome", rc);
	else
		drop_link(w);
	return rc == 0;
}

static void
on_settled(void *context, int rc)
{
	struct worker *w = context;

	if (rc < 0) {
		give_up(w, "recording an outcome", rc);
		return;
	}
	on_recorded(w);
	if (has_work(w))
		ask_for_relay(w);
}

/* The relay is up, whatever it did to us: that is held against the message. */
static bool
blame(struct worker *w, const char *reason)
{
	struct smtp_result result = {0};
	struct buf words = BUF_INIT;
	bool is_recorded;

	/* It may not even have come to a transaction. */
	delivery_begin(&w->delivery);
	result.recipient_count = w->delivery.message.recipient_count;
	buf_add_str(&words, reason);
	for (size_t i = 0; i < result.recipient_count; i++) {
		result.outcomes[i] = SMTP_DEFERRED;
		result.replies[i] = words.data;
	}
	is_recorded = record(w, &result);
	buf_release(&words);
	return is_recorded;
}

static void
complain(struct worker *w, const struct smtp_result *result)
{
	struct channel_message m = {.kind = CHANNEL_COMPLAINT};

	if (result->is_alarming)
		log_error("relay refuses us: %s", result->relay_reason);
	snprintf(m.text, sizeof(m.text), "%s",
	    result->relay_reason ? result->relay_reason : "");
	tell(w, &m);
}

/*
 * Take the result of the transaction, or of the greeting. False: nothing more
 * can be begun for now, and what follows from that was seen to.
 */
static bool
settle(struct worker *w)
{
	const struct smtp_result *result = smtp_result(link_smtp(w->link));
	bool is_recorded = true;

	if (w->is_in_transaction) {
		w->is_in_transaction = false;
		if (!is_fruitless(result))
			is_recorded = record(w, result);
		else if (++w->fruitless >= FRUITLESS_MAX &&
			 !result->is_relay_down)
			is_recorded = blame(w, "the relay settles nothing");
	}
	if (is_recorded && result->is_relay_down)
		complain(w, result);
	return is_recorded && !result->is_relay_down;
}

/* ---- the conversation ---------------------------------------------- */

static bool
send_text(struct worker *w)
{
	const char *text;
	size_t len;
	int rc = delivery_read(&w->delivery, w->spool, &text, &len);

	if (rc > 0) {
		smtp_text(link_smtp(w->link), text, len);
		return true;
	}
	if (rc == 0) {
		smtp_text_end(link_smtp(w->link));
		return true;
	}
	/* Without its final dot the relay forgets the message. */
	drop_link(w);
	w->is_in_transaction = false;
	finish_delivery(w);
	if (rc != -EBADMSG)
		give_up(w, "reading a message", rc);
	else if (has_work(w))
		ask_for_relay(w); /* loading it again finds the damage */
	return false;
}

/* Once a connection: it cannot change its mind. */
static void
note_relay(struct worker *w)
{
	int rc;

	if (w->is_relay_noted)
		return;
	w->is_relay_noted = true;
	rc = upkeep_note_relay(w->spool, smtp_size_limit(link_smtp(w->link)));
	if (rc < 0)
		log_warning("senders are not told what the relay takes: %s",
		    outcome_spool_error(rc));
}

/*
 * What was sent last could not be recorded. Commit something, before another
 * message has the same fate; that it is unchanged makes no difference.
 */
static bool
prove_commit(struct worker *w)
{
	int rc;

	crash_at(0, false);
	rc = delivery_store(&w->delivery, w->spool);
	if (rc < 0)
		give_up(
		    w, "nothing is sent, as no outcome can be recorded", rc);
	return rc == 0;
}

static bool
start(struct worker *w)
{
	if (w->batch.caution.must_prove && !prove_commit(w))
		return false;
	crash_at(w->delivery.id, true);
	delivery_begin(&w->delivery);
	w->delivery.message.is_soft_bounce = w->policy.is_soft_bounce;
	w->is_in_transaction = true;
	smtp_start(link_smtp(w->link), &w->delivery.message);
	return true;
}

static bool
on_over(struct worker *w)
{
	bool can_go_on = settle(w);

	drop_link(w);
	if (can_go_on && has_work(w))
		ask_for_relay(w);
	return false;
}

static bool
on_ready(void *context)
{
	struct worker *w = context;
	enum smtp_want want = smtp_want(link_smtp(w->link));

	if (want == SMTP_WANT_TEXT)
		return send_text(w);
	if (want == SMTP_WANT_NOTHING)
		return on_over(w);
	if (w->is_in_transaction && !settle(w)) {
		drop_link(w);
		return false;
	}
	note_relay(w);
	if (!has_work(w))
		return false;
	if (clock_boot_ms() - w->linked_ms < LINK_AGE_MAX_MS)
		return start(w);
	drop_link(w);
	ask_for_relay(w);
	return false;
}

/* ---- the supervisor ------------------------------------------------ */

static void
on_verdict(struct worker *w, const char *reason)
{
	if ((!w->has_delivery || blame(w, reason)) && has_work(w))
		ask_for_relay(w);
}

static void
stop(struct worker *w)
{
	if (w->is_stopping)
		return;
	w->is_stopping = true;
	if (outcome_is_open(w->outcome) && outcome_retry(w->outcome) < 0)
		log_error("stopped with an outcome unrecorded: the message "
			  "will be sent again");
	/* A message behind its final dot may be taken: wait for the word. */
	if (w->link && w->is_in_transaction &&
	    smtp_is_dot_open(link_smtp(w->link)))
		event_timer_set(w->stop_timer, STOP_TIMEOUT_MS);
	else
		leave(w, CHILD_EXIT_DONE);
}

static void
take_message(struct worker *w, const struct channel_message *m, int fd)
{
	switch (m->kind) {
	case CHANNEL_RELAY:
		if (fd < 0 || w->link)
			break;
		snprintf(w->relay, sizeof(w->relay), "%.79s", m->text);
		w->linked_ms = clock_boot_ms();
		w->is_relay_noted = false;
		w->link = link_new(w->event, fd, w->host, on_ready, w);
		return;
	case CHANNEL_RELAY_UP:
		on_verdict(w, m->text);
		return;
	case CHANNEL_RELAY_DOWN:
		leave(w, CHILD_EXIT_RELAY_DOWN);
		return;
	case CHANNEL_LOOK_AGAIN:
		w->is_last_look = true;
		if (has_work(w))
			ask_for_relay(w);
		return;
	case CHANNEL_COUNTS:
	case CHANNEL_NEED_RELAY:
	case CHANNEL_COMPLAINT:
	case CHANNEL_IDLE:
	case CHANNEL_ENDS_AT:
	case CHANNEL_ALIVE:
	case CHANNEL_POLICY:
	case CHANNEL_KIND_COUNT:
	default:
		break;
	}
	log_error("unexpected word from the supervisor: %d", (int)m->kind);
	leave(w, CHILD_EXIT_FAILED);
}

static int
on_channel(sd_event_source *source, int channel, uint32_t events, void *context)
{
	struct worker *w = context;
	struct channel_message m;
	int fd = -1;
	int rc = channel_receive(channel, &m, &fd);

	(void)events;
	if (rc == -EAGAIN || rc == -EINTR)
		return 0;
	if (rc == 0) {
		take_message(w, &m, fd);
		return 0;
	}
	event_must(
	    sd_event_source_set_enabled(source, SD_EVENT_OFF), "channel");
	stop(w);
	return 0;
}

static int
on_signal(
    sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	(void)source;
	(void)info;
	stop(context);
	return 0;
}

static int
on_pulse_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct worker *w = context;

	(void)source;
	(void)usec;
	pulse_beat();
	tell_counts(w);
	event_timer_set(w->pulse_timer, PULSE_MS);
	return 0;
}

static int
on_stop_timer(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	leave(context, CHILD_EXIT_DONE);
	return 0;
}

/* ---- life ---------------------------------------------------------- */

static void
block_signal(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* The supervisor wrote it before there was a worker. */
static int
receive_policy(struct worker *w)
{
	struct channel_message m;
	int rc = channel_receive(CHILD_CHANNEL, &m, NULL);

	if (rc == 0 && m.kind != CHANNEL_POLICY)
		rc = -EPROTO;
	if (rc < 0) {
		log_error("no word from a supervisor: %s", strerror(-rc));
		return rc;
	}
	w->policy = m.policy;
	w->pace.rate = m.rate;
	return 0;
}

int
worker_main(const char *caution)
{
	struct worker w = {0};
	int rc;

	log_use_levels();
	if (receive_policy(&w) < 0)
		return CHILD_EXIT_FAILED;
	/* There is no /proc behind sandbox_enter_spool(). */
	clock_now();
	if (!sandbox_enter_spool(CHILD_SPOOL))
		return CHILD_EXIT_FAILED;
	rc = spool_open_fd(CHILD_SPOOL, &w.spool);
	if (rc < 0) {
		log_error("opening the spool: %s", outcome_spool_error(rc));
		return CHILD_EXIT_FAILED;
	}
	host_name(w.host);
	batch_init(&w.batch);
	if (caution_parse(caution, &w.batch.caution) < 0)
		return CHILD_EXIT_FAILED;
	crash_catch();
	block_signal(SIGTERM);
	event_must(sd_event_new(&w.event), "event loop");
	event_must(sd_event_add_signal(w.event, NULL, SIGTERM, on_signal, &w),
	    "signal");
	event_must(sd_event_add_io(
		       w.event, NULL, CHILD_CHANNEL, EPOLLIN, on_channel, &w),
	    "channel");
	w.stop_timer = event_timer_new(w.event, on_stop_timer, &w);
	w.pulse_timer = event_timer_new(w.event, on_pulse_timer, &w);
	event_timer_set(w.pulse_timer, PULSE_MS);
	w.outcome =
	    outcome_new(w.event, w.spool, &w.policy.retry, on_settled, &w);
	if (has_work(&w))
		ask_for_relay(&w);
	rc = sd_event_loop(w.event);
	if (w.has_delivery)
		delivery_release(&w.delivery);
	link_free(w.link);
	spool_close(w.spool);
	sd_event_source_unref(w.stop_timer);
	sd_event_source_unref(w.pulse_timer);
	outcome_free(w.outcome);
	sd_event_unref(w.event);
	return rc < 0 ? CHILD_EXIT_FAILED : rc;
}
