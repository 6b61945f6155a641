/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "flushd/answer.h"
#include "flushd/caution.h"
#include "flushd/channel.h"
#include "flushd/child.h"
#include "flushd/event.h"
#include "flushd/health.h"
#include "flushd/keeper.h"
#include "flushd/line.h"
#include "flushd/slots.h"
#include "flushd/standing.h"
#include "flushd/watch.h"

enum {
	/* What is written into a spool may be no mail at all: after so many
	 * workers in a row that found nothing to do, one a second. */
	EMPTY_RUNS_MAX = 3,
	EMPTY_DELAY_MS = 1000,
	RESTART_DELAY_MS = 1000,
	RESTART_DELAY_MAX_MS = 60 * 1000,
	/* Look at least this often while something is deferred: the wall
	 * clock, by which things are due, may have been set. */
	DUE_DELAY_MAX_MS = 10 * 60 * 1000,
	/* Without the relay a worker can but count. */
	COUNT_DELAY_MS = 10 * 1000,
	/* Where a spool cannot be watched. */
	POLL_DELAY_MS = 10 * 1000,
	/* A worker whose supervisor was killed leaves, but not at once. */
	CLAIM_TIMEOUT_MS = 3000,
	CLAIM_RETRY_MS = 20,
	/* A worker says every 10 s that it is alive, see pulse.h. */
	SILENCE_MAX_MS = 50 * 1000,
};

struct keeper {
	const struct keeper_host *host;
	struct site site;
	struct policy policy;
	struct rate rate; /* what was sent lately */

	struct slots_guest place; /* among the workers */
	struct site_spool spool;  /* while a worker runs, or is_only */
	struct child *worker;	  /* NULL: none runs */
	int channel;		  /* to it */
	sd_event_source *channel_io;
	struct line *line;		/* to the relay, for it */
	sd_event_source *silence_timer; /* it must say something until then */
	bool is_leaving;		/* it has been told to */
	bool is_complaint_open;		/* it waits for a verdict */

	sd_event_source *run_timer; /* when to start one next */
	int watch;		    /* an id of watch.h, or 0 */
	bool is_polled;		    /* as there could be none */
	bool is_delayed;	    /* nothing but time may start one */
	bool is_run_wanted;	    /* when that is over, the one has ended,
				       or the relay is up */
	bool is_rerun_wanted;	 /* when the one has ended, whatever it did */
	unsigned int empty_runs; /* that found nothing to do, in a row */
	unsigned int crashes;	 /* of workers, in a row */
	bool is_wiser;		 /* the next one is to get further */
	struct caution caution;	 /* of the next worker */
	int64_t started_ms;	 /* the last one, by clock_boot_ms() */
	bool has_said_why;	 /* the worker, what went wrong */
	int64_t next_due_ms;	 /* wall clock, as a worker last said */
	struct standing standing;

	bool is_stopping;
	bool has_ended;
	enum keeper_end end;
};

static void start_worker(struct keeper *k);

/* Something went wrong with this site: for the log, and for who asks. */
static void report(struct keeper *k, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
report(struct keeper *k, const char *fmt, ...)
{
	struct buf words = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_add_vformat(&words, fmt, ap);
	va_end(ap);
	log_error("site=%s %s", k->site.name, words.data);
	standing_note(&k->standing, clock_wall_ms(), "%s", words.data);
	buf_release(&words);
}

/* ---- when to run --------------------------------------------------- */

static void
unwatch(struct keeper *k)
{
	watch_remove(k->host->watch, k->watch);
	k->watch = 0;
}

static void
on_touched(void *context)
{
	keeper_run(context);
}

/* In place of a watch that there cannot be, look again and again. */
static void
watch(struct keeper *k)
{
	int rc;

	if (k->watch > 0)
		return;
	rc = watch_add(k->host->watch, k->spool.dir_fd, on_touched, k);
	if (rc > 0) {
		k->watch = rc;
		k->is_polled = false;
		return;
	}
	if (!k->is_polled)
		log_warning("site=%s cannot watch: %s; looking every %d s",
		    k->site.name, strerror(-rc), POLL_DELAY_MS / 1000);
	k->is_polled = true;
	event_timer_set(k->run_timer, POLL_DELAY_MS);
}

/* How long a worker must wait that may run otherwise. */
static int64_t
delay_ms(const struct keeper *k)
{
	const int64_t since_ms = clock_boot_ms() - k->started_ms;

	if (!health_is_up(k->host->health))
		return COUNT_DELAY_MS - since_ms;
	if (k->empty_runs >= EMPTY_RUNS_MAX)
		return EMPTY_DELAY_MS - since_ms;
	return 0;
}

void
keeper_run(struct keeper *k)
{
	int64_t wait_ms;

	if (k->is_stopping)
		return;
	if (k->worker || k->is_delayed) {
		k->is_run_wanted = true;
		return;
	}
	wait_ms = delay_ms(k);
	if (wait_ms > 0) {
		/* It is going to look anyway, and need not be told again. */
		unwatch(k);
		k->is_run_wanted = true;
		event_timer_set(k->run_timer, wait_ms);
	} else if (slots_enter(k->host->workers, &k->place)) {
		start_worker(k);
	} else {
		unwatch(k);
	}
}

static int
on_run_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct keeper *k = context;

	(void)source;
	(void)usec;
	k->is_delayed = false;
	keeper_run(k);
	return 0;
}

static void
on_place(void *context)
{
	start_worker(context);
}

/* Nothing but time may end the delay. */
static void
delay(struct keeper *k, int64_t ms)
{
	unwatch(k);
	k->is_delayed = true;
	k->is_run_wanted = false;
	event_timer_set(k->run_timer, ms);
}

static int64_t
next_delay_ms(struct keeper *k)
{
	int64_t ms = RESTART_DELAY_MAX_MS;

	if (k->crashes < 6)
		ms = (int64_t)RESTART_DELAY_MS << k->crashes;
	k->crashes++;
	return ms;
}

static void
schedule_run(struct keeper *k, int64_t next_due_ms)
{
	const int64_t now_ms = clock_wall_ms();
	int64_t ms = -1;

	if (next_due_ms <= now_ms)
		ms = 0;
	else if (next_due_ms - now_ms < DUE_DELAY_MAX_MS)
		ms = next_due_ms - now_ms;
	else if (next_due_ms != INT64_MAX)
		ms = DUE_DELAY_MAX_MS;
	event_timer_set(k->run_timer, ms);
}

/* ---- talking to the worker ----------------------------------------- */

static void
close_channel(struct keeper *k)
{
	k->channel_io = sd_event_source_unref(k->channel_io);
	if (k->channel >= 0)
		close(k->channel);
	k->channel = -1;
}

/* It is gone, or deaf, or talks nonsense; its end will be seen to. */
static void
give_up_worker(struct keeper *k)
{
	close_channel(k);
	if (k->worker)
		child_kill(k->worker, SIGKILL);
}

static void
tell(struct keeper *k, enum channel_kind kind, const char *text, int fd)
{
	struct channel_message m = {.kind = kind};

	snprintf(m.text, sizeof(m.text), "%s", text);
	if (k->channel >= 0 && !k->is_leaving &&
	    channel_send(k->channel, &m, fd) < 0)
		give_up_worker(k);
}

/* It sees the end of what we say, and may still say something. */
static void
let_go(struct keeper *k)
{
	k->is_leaving = true;
	if (k->channel >= 0)
		shutdown(k->channel, SHUT_WR);
}

/* Its turn is over; it goes to the end of those who wait. */
static void
on_turn_over(void *context)
{
	struct keeper *k = context;

	k->is_run_wanted = true;
	let_go(k);
}

static int
on_silence(sd_event_source *source, uint64_t usec, void *context)
{
	struct keeper *k = context;

	(void)source;
	(void)usec;
	report(k, "worker is silent for %d s: killed", SILENCE_MAX_MS / 1000);
	give_up_worker(k);
	return 0;
}

static void
on_line(void *context, int fd)
{
	struct keeper *k = context;

	if (fd < 0)
		tell(k, CHANNEL_RELAY_DOWN, "", -1);
	else
		tell(k, CHANNEL_RELAY, k->host->relay->name, fd);
}

/* A worker that its site has got hold of could send anything anyway. */
static void
on_counts(struct keeper *k, const struct channel_message *m)
{
	const int64_t now_ms = clock_boot_ms();

	k->rate = m->rate;
	rate_clamp(&k->rate, now_ms);
	standing_take(&k->standing, m->has_depth ? &m->depth : NULL,
	    &m->settled, now_ms, clock_wall_ms());
	k->has_said_why |= m->settled.words[0] != '\0';
}

static void
on_need_relay(struct keeper *k, const struct channel_message *m)
{
	/* It works: what it commits is no news, and what others do it finds
	 * when it looks for more. */
	if (m->line != 0)
		return;
	unwatch(k);
	k->is_run_wanted = k->is_leaving;
	k->empty_runs = 0;
	if (k->is_leaving)
		return;
	if (health_is_up(k->host->health))
		line_open(k->line);
	else
		tell(k, CHANNEL_RELAY_DOWN, "", -1);
}

static void
on_complaint(struct keeper *k, const struct channel_message *m)
{
	struct buf words = BUF_INIT;

	log_escape(&words, m->text, strlen(m->text), sizeof(m->text));
	log_notice("site=%s relay=%s complaint=\"%s\"", k->site.name,
	    k->host->relay->name, words.data);
	standing_note(
	    &k->standing, clock_wall_ms(), "relay complaint: %s", words.data);
	k->is_complaint_open = true;
	health_probe(k->host->health, words.data);
	buf_release(&words);
}

static void
on_idle(struct keeper *k, const struct channel_message *m)
{
	k->next_due_ms = m->next_due_ms;
	line_close(k->line);
	schedule_run(k, m->next_due_ms);
	/* From here on nothing is missed: what came before the watch is found
	 * by the last look, what comes after it is seen by the watch. */
	watch(k);
	tell(k, CHANNEL_LOOK_AGAIN, "", -1);
}

/* The site can make its worker say anything, and harms its own mail only. */
static void
on_ends_at(struct keeper *k, const struct channel_message *m)
{
	char id[QUEUE_ID_TEXT_MAX];

	if (m->is_sent)
		k->caution.must_prove = true;
	if (!caution_skip(&k->caution, m->id))
		return;
	k->is_wiser = true;
	report(k, "id=%s status=skipped reason=\"%s\"; again after SIGHUP",
	    queue_id_format(m->id, id),
	    m->is_sent ? "sent, but that cannot be recorded"
		       : "a worker ended at it");
}

static void
take_message(struct keeper *k, const struct channel_message *m)
{
	switch (m->kind) {
	case CHANNEL_COUNTS:
		on_counts(k, m);
		return;
	case CHANNEL_NEED_RELAY:
		on_need_relay(k, m);
		return;
	case CHANNEL_COMPLAINT:
		on_complaint(k, m);
		return;
	case CHANNEL_IDLE:
		on_idle(k, m);
		return;
	case CHANNEL_ENDS_AT:
		on_ends_at(k, m);
		return;
	case CHANNEL_ALIVE:
	case CHANNEL_POLICY:
	case CHANNEL_RELAY:
	case CHANNEL_RELAY_UP:
	case CHANNEL_RELAY_DOWN:
	case CHANNEL_LOOK_AGAIN:
	case CHANNEL_KIND_COUNT:
	default:
		return;
	}
}

static int
on_channel(sd_event_source *source, int channel, uint32_t events, void *context)
{
	struct keeper *k = context;
	struct channel_message m;
	int rc = channel_receive(channel, &m, NULL);

	(void)source;
	(void)events;
	if (rc == -EAGAIN || rc == -EINTR)
		return 0;
	if (rc < 0) {
		give_up_worker(k);
		return 0;
	}
	event_timer_set(k->silence_timer, SILENCE_MAX_MS);
	take_message(k, &m);
	return 0;
}

static void
take_last_words(struct keeper *k)
{
	struct channel_message m;

	while (k->channel >= 0 && channel_receive(k->channel, &m, NULL) == 0) {
		if (m.kind == CHANNEL_ENDS_AT)
			on_ends_at(k, &m);
		else if (m.kind == CHANNEL_COUNTS)
			on_counts(k, &m);
	}
}

/* ---- its end ------------------------------------------------------- */

static void
log_crash(struct keeper *k, int status, const char *outlook)
{
	k->standing.crashes++;
	/* LMDB checks no page: what kills a worker is most likely the file. */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		report(k,
		    "worker was killed: it made a forbidden system call%s",
		    outlook);
	else if (WIFSIGNALED(status))
		report(k,
		    "worker ended by signal %d (%s), perhaps the spool is "
		    "damaged%s",
		    WTERMSIG(status), strsignal(WTERMSIG(status)), outlook);
	else if (k->has_said_why)
		log_error("site=%s worker failed%s", k->site.name, outlook);
	else
		report(k, "worker failed%s", outlook);
}

static void
on_crash(struct keeper *k, int status)
{
	char outlook[32];
	int64_t ms;

	/* The next worker gets further. */
	if (k->is_wiser)
		k->crashes = 0;
	ms = next_delay_ms(k);
	snprintf(outlook, sizeof(outlook), "; again in %d s", (int)(ms / 1000));
	log_crash(k, status, outlook);
	delay(k, ms);
}

static void
end(struct keeper *k, enum keeper_end how)
{
	k->is_stopping = true;
	k->has_ended = true;
	k->end = how;
	unwatch(k);
	event_timer_set(k->run_timer, -1);
	slots_leave(k->host->workers, &k->place);
	k->host->ended(k->host->context, k);
}

/* It was the last one. */
static void
on_last_worker_ended(struct keeper *k, int status, bool is_well)
{
	if (!is_well)
		log_crash(k, status, "");
	if (k->is_stopping) {
		end(k, k->end);
	} else if (k->is_wiser || (is_well && k->is_leaving)) {
		/* One pass takes more than one, without a pause. */
		k->empty_runs = 0;
		keeper_run(k);
	} else {
		end(k, is_well && keeper_waiting(k) == 0 ? KEEPER_DONE
							 : KEEPER_FAILED);
	}
}

static void
close_worker(struct keeper *k)
{
	event_timer_set(k->silence_timer, -1);
	k->worker = NULL;
	k->is_complaint_open = false;
	take_last_words(k);
	close_channel(k);
	line_close(k->line);
	if (!k->host->is_only)
		site_close(&k->spool);
}

static void
on_worker_ended(void *context, int status)
{
	struct keeper *k = context;
	const bool is_done =
	    WIFEXITED(status) && WEXITSTATUS(status) == CHILD_EXIT_DONE;
	const bool is_relay_down =
	    WIFEXITED(status) && WEXITSTATUS(status) == CHILD_EXIT_RELAY_DOWN;

	/* What comes while the relay is down is to be counted. */
	if (is_relay_down && !k->is_stopping)
		watch(k);
	close_worker(k);
	slots_leave(k->host->workers, &k->place);
	if (k->host->is_once || k->is_stopping) {
		on_last_worker_ended(k, status, is_done || is_relay_down);
		return;
	}
	if (is_done || is_relay_down)
		k->crashes = 0;
	else
		on_crash(k, status);
	if (is_relay_down && !health_is_up(k->host->health))
		k->is_run_wanted = true;
	else if (is_relay_down ||
		 (is_done && (k->is_run_wanted || k->is_rerun_wanted)))
		keeper_run(k);
}

/* ---- its birth ----------------------------------------------------- */

/* Nothing that a worker could be given. */
static void
on_no_spool(struct keeper *k, const char *why)
{
	int64_t ms;

	slots_leave(k->host->workers, &k->place);
	if (k->host->is_once || k->host->is_only) {
		report(k, "%s", why);
		end(k, KEEPER_FAILED);
		return;
	}
	ms = next_delay_ms(k);
	report(k, "%s; again in %d s", why, (int)(ms / 1000));
	delay(k, ms);
}

/* Not worth the end of a flushd that has but one site. */
static void
on_no_worker(struct keeper *k)
{
	if (!k->host->is_only)
		site_close(&k->spool);
	slots_leave(k->host->workers, &k->place);
	if (k->host->is_once)
		end(k, KEEPER_FAILED);
	else
		delay(k, RESTART_DELAY_MAX_MS);
}

static bool
open_spool(struct keeper *k)
{
	int rc;

	if (k->host->is_only) {
		if (site_is_there(&k->site, &k->spool))
			return true;
		on_no_spool(k, "was removed or replaced");
		return false;
	}
	rc = site_open(&k->site, &k->spool);
	if (rc < 0)
		on_no_spool(k, site_error(rc));
	return rc == 0;
}

static struct child *
new_child(struct keeper *k, int channel)
{
	struct buf label = BUF_INIT;
	char caution[CAUTION_TEXT_MAX];
	struct child *c;

	buf_add_str(&label, "site=");
	log_escape(&label, k->site.name, strlen(k->site.name), 256);
	c = child_new(k->host->event, CHILD_WORKER,
	    caution_format(&k->caution, caution), channel, k->spool.dir_fd,
	    k->spool.lock_fd, label.data, on_worker_ended, k);
	buf_release(&label);
	return c;
}

/* Open the channel, with the policy in it: the worker's end, or -errno. */
static int
open_channel(struct keeper *k)
{
	const struct channel_message m = {
	    .kind = CHANNEL_POLICY, .policy = k->policy, .rate = k->rate};
	int ends[2];
	int rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	rc = channel_send(ends[0], &m, -1);
	if (rc < 0) {
		close(ends[0]);
		close(ends[1]);
		return rc;
	}
	k->channel = ends[0];
	return ends[1];
}

static void
start_worker(struct keeper *k)
{
	int other_end;

	k->is_run_wanted = false;
	k->is_rerun_wanted = false;
	k->is_wiser = false;
	k->has_said_why = false;
	k->is_leaving = false;
	event_timer_set(k->run_timer, -1);
	unwatch(k);
	if (!open_spool(k))
		return;
	k->empty_runs++;
	k->started_ms = clock_boot_ms();
	other_end = open_channel(k);
	if (other_end < 0) {
		log_error("cannot start a worker: %s", strerror(-other_end));
		on_no_worker(k);
		return;
	}
	k->worker = new_child(k, other_end);
	close(other_end);
	if (!k->worker) {
		close_channel(k);
		on_no_worker(k);
		return;
	}
	event_timer_set(k->silence_timer, SILENCE_MAX_MS);
	event_must(sd_event_add_io(k->host->event, &k->channel_io, k->channel,
		       EPOLLIN, on_channel, k),
	    "channel");
}

/* ---- the relay ----------------------------------------------------- */

void
keeper_take_verdict(struct keeper *k, bool is_up)
{
	if (k->is_complaint_open) {
		k->is_complaint_open = false;
		tell(k, is_up ? CHANNEL_RELAY_UP : CHANNEL_RELAY_DOWN,
		    health_reason(k->host->health), -1);
	}
	if (is_up && !k->worker && k->is_run_wanted)
		keeper_run(k);
}

void
keeper_relay_down(struct keeper *k)
{
	if (line_is_awaited(k->line)) {
		line_close(k->line);
		tell(k, CHANNEL_RELAY_DOWN, "", -1);
	}
}

/* ---- life ---------------------------------------------------------- */

struct keeper *
keeper_new(const struct keeper_host *host, struct site *site,
    const struct policy *policy)
{
	struct keeper *k = alloc_zeroed(sizeof(*k));

	k->host = host;
	k->site = *site;
	*site = (struct site){0};
	k->policy = *policy;
	k->place = (struct slots_guest){
	    .entered = on_place, .asked = on_turn_over, .context = k};
	k->spool = (struct site_spool){.dir_fd = -1, .lock_fd = -1};
	k->channel = -1;
	k->next_due_ms = INT64_MAX;
	k->run_timer = event_timer_new(host->event, on_run_timer, k);
	k->silence_timer = event_timer_new(host->event, on_silence, k);
	k->line = line_new(host->event, host->relay, host->health,
	    host->connections, on_line, on_turn_over, k);
	return k;
}

void
keeper_free(struct keeper *k)
{
	if (!k)
		return;
	child_free(k->worker);
	close_channel(k);
	line_free(k->line);
	unwatch(k);
	slots_leave(k->host->workers, &k->place);
	sd_event_source_unref(k->run_timer);
	sd_event_source_unref(k->silence_timer);
	site_close(&k->spool);
	site_release(&k->site);
	free(k);
}

bool
keeper_claim(struct keeper *k)
{
	const struct timespec pause = {.tv_nsec = CLAIM_RETRY_MS * 1000000L};
	const int64_t deadline_ms = clock_boot_ms() + CLAIM_TIMEOUT_MS;
	int rc;

	while ((rc = site_open(&k->site, &k->spool)) == -EBUSY &&
	       clock_boot_ms() < deadline_ms)
		nanosleep(&pause, NULL);
	if (rc < 0)
		log_error("%s: %s", k->site.name, site_error(rc));
	return rc == 0;
}

void
keeper_update(struct keeper *k, struct site *site, const struct policy *policy)
{
	site_release(&k->site);
	k->site = *site;
	*site = (struct site){0};
	k->policy = *policy;
}

void
keeper_forgive(struct keeper *k)
{
	k->caution.skipped_count = 0;
	k->is_delayed = false;
	k->crashes = 0;
	/* One that is at work does not know of it. */
	k->is_rerun_wanted = k->worker != NULL;
	keeper_run(k);
}

void
keeper_stop(struct keeper *k)
{
	if (k->is_stopping)
		return;
	k->is_stopping = true;
	k->end = k->host->is_once ? KEEPER_FAILED : KEEPER_STOPPED;
	if (k->worker)
		let_go(k);
	else
		end(k, k->end);
}

void
keeper_kill(struct keeper *k)
{
	give_up_worker(k);
}

const char *
keeper_name(const struct keeper *k)
{
	return k->site.name;
}

bool
keeper_is_stopping(const struct keeper *k)
{
	return k->is_stopping;
}

bool
keeper_has_ended(const struct keeper *k)
{
	return k->has_ended;
}

enum keeper_end
keeper_end(const struct keeper *k)
{
	return k->end;
}

uint64_t
keeper_waiting(const struct keeper *k)
{
	return depth_waiting(&k->standing.depth);
}

uid_t
keeper_uid(const struct keeper *k)
{
	return k->site.uid;
}

static enum answer_state
state(const struct keeper *k)
{
	if (k->is_stopping)
		return ANSWER_STOPPING;
	if (k->place.where == SLOTS_WAITING || line_is_awaited(k->line))
		return ANSWER_WAITING;
	if (k->worker)
		return ANSWER_WORKING;
	return k->is_delayed ? ANSWER_DELAYED : ANSWER_IDLE;
}

void
keeper_answer(
    const struct keeper *k, struct buf *out, const struct answer_time *now)
{
	const struct answer_site a = {
	    .site = &k->site,
	    .standing = &k->standing,
	    .state = state(k),
	    .next_due_ms = k->next_due_ms,
	    .is_relay_up = health_is_up(k->host->health),
	};

	answer_add_site(out, &a, now);
}
