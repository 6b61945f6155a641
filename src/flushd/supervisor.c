/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <systemd/sd-daemon.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flushd/event.h"
#include "flushd/health.h"
#include "flushd/keeper.h"
#include "flushd/slots.h"
#include "flushd/supervisor.h"
#include "flushd/watch.h"
#include "spool/spool.h"

enum {
	/* More than a worker needs: 60 s for an open dot, 30 for the lock. */
	STOP_TIMEOUT_MS = 95 * 1000,
	/* What a site may have while others wait. */
	TURN_MS = 2000,
	/* A relay that was down gets 1 connection, and a second later 2, 4,
	 * 8... */
	SLOW_START_MS = 1000,
	REASON_SHOWN_MAX = 512,
};

struct member {
	struct keeper *keeper;
	TAILQ_ENTRY(member) link;
};

struct supervisor {
	const struct supervisor_options *options;
	sd_event *event;
	struct keeper_host host;
	TAILQ_HEAD(members, member) members;
	size_t connections_max; /* for now */
	sd_event_source *slow_start_timer;
	sd_event_source *stop_timer;
	sd_event_source *reaper;
	bool is_stopping;
	int status; /* of our exit */
};

/* ---- the relay ----------------------------------------------------- */

static void
on_verdict(void *context, bool is_up)
{
	struct supervisor *s = context;
	struct member *m;

	TAILQ_FOREACH(m, &s->members, link)
	keeper_take_verdict(m->keeper, is_up);
}

static void
start_slowly(struct supervisor *s, size_t max)
{
	const size_t limit = s->options->connections_max;

	s->connections_max = max < limit ? max : limit;
	slots_set_max(s->host.connections, s->connections_max);
	event_timer_set(s->slow_start_timer, max < limit ? SLOW_START_MS : -1);
}

static int
on_slow_start_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct supervisor *s = context;

	(void)source;
	(void)usec;
	start_slowly(s, s->connections_max * 2);
	return 0;
}

static uintmax_t
waiting(const struct supervisor *s)
{
	uintmax_t sum = 0;
	struct member *m;

	TAILQ_FOREACH(m, &s->members, link)
	sum += keeper_waiting(m->keeper);
	return sum;
}

static void
report_relay(const struct supervisor *s, bool is_up, int64_t down_ms)
{
	const char *name = s->options->relay.name;
	const char *reason = health_reason(s->host.health);
	struct buf words = BUF_INIT;

	if (is_up) {
		log_notice("relay=%s state=up down_sec=%jd", name,
		    (intmax_t)(down_ms / 1000));
		sd_notifyf(0, "STATUS=relay %s is up", name);
		return;
	}
	log_escape(&words, reason, strlen(reason), REASON_SHOWN_MAX);
	log_warning("relay=%s state=down waiting=%ju reason=\"%s\"", name,
	    waiting(s), words.data);
	sd_notifyf(0, "STATUS=relay %s is down: %s", name, words.data);
	buf_release(&words);
}

static void
on_relay_changed(void *context, bool is_up, int64_t down_ms)
{
	struct supervisor *s = context;
	struct member *m;

	report_relay(s, is_up, down_ms);
	if (is_up) {
		start_slowly(s, 1);
		return;
	}
	TAILQ_FOREACH(m, &s->members, link)
	keeper_relay_down(m->keeper);
}

/* ---- the sites ----------------------------------------------------- */

static void
run_all(void *context)
{
	struct supervisor *s = context;
	struct member *m;

	TAILQ_FOREACH(m, &s->members, link)
	keeper_run(m->keeper);
}

/* Later: it may still be at work for the one who calls us. */
static void
on_keeper_ended(void *context, struct keeper *k)
{
	struct supervisor *s = context;

	if (keeper_end(k) == KEEPER_FAILED)
		s->status = EXIT_FAILURE;
	event_must(
	    sd_event_source_set_enabled(s->reaper, SD_EVENT_ONESHOT), "reaper");
}

static int
on_reaper(sd_event_source *source, void *context)
{
	struct supervisor *s = context;
	struct member *next;

	(void)source;
	for (struct member *m = TAILQ_FIRST(&s->members); m; m = next) {
		next = TAILQ_NEXT(m, link);
		if (!keeper_has_ended(m->keeper))
			continue;
		TAILQ_REMOVE(&s->members, m, link);
		keeper_free(m->keeper);
		free(m);
	}
	if (TAILQ_EMPTY(&s->members))
		event_must(sd_event_exit(s->event, s->status), "exit");
	return 0;
}

static struct keeper *
add(struct supervisor *s, struct site *site)
{
	struct member *m = alloc_zeroed(sizeof(*m));

	m->keeper = keeper_new(&s->host, site);
	TAILQ_INSERT_TAIL(&s->members, m, link);
	return m->keeper;
}

/* ---- signals ------------------------------------------------------- */

static int
on_stop_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct supervisor *s = context;
	struct member *m;

	(void)source;
	(void)usec;
	TAILQ_FOREACH(m, &s->members, link)
	keeper_kill(m->keeper);
	return 0;
}

static int
on_stop_signal(
    sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct supervisor *s = context;
	struct member *m;

	(void)source;
	(void)info;
	if (s->is_stopping)
		return 0;
	s->is_stopping = true;
	sd_notify(0, "STOPPING=1");
	event_timer_set(s->stop_timer, STOP_TIMEOUT_MS);
	TAILQ_FOREACH(m, &s->members, link)
	keeper_stop(m->keeper);
	return 0;
}

static int
on_reload_signal(
    sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct supervisor *s = context;
	struct member *m;

	(void)source;
	(void)info;
	TAILQ_FOREACH(m, &s->members, link)
	keeper_forgive(m->keeper);
	return 0;
}

static void
watch_signals(struct supervisor *s)
{
	static const struct {
		int number;
		sd_event_signal_handler_t handler;
	} signals[] = {
	    {SIGTERM, on_stop_signal},
	    {SIGINT, on_stop_signal},
	    {SIGHUP, on_reload_signal},
	};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD); /* for child.h */
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaddset(&set, signals[i].number);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		event_must(sd_event_add_signal(s->event, NULL,
			       signals[i].number, signals[i].handler, s),
		    "signal");
}

/* ---- life ---------------------------------------------------------- */

static bool
open_host(struct supervisor *s)
{
	const struct supervisor_options *o = s->options;
	struct watch *watch = watch_new(s->event, SPOOL_FILE, run_all, s);

	if (!watch) {
		log_error("cannot watch spools: %s", strerror(errno));
		return false;
	}
	s->host = (struct keeper_host){
	    .event = s->event,
	    .watch = watch,
	    .health = health_new(
		s->event, &o->relay, on_verdict, on_relay_changed, s),
	    .relay = &o->relay,
	    .workers = slots_new(s->event, o->workers_max, TURN_MS),
	    .connections = slots_new(s->event, o->connections_max, TURN_MS),
	    .is_once = o->is_once,
	    .is_only = true,
	    .ended = on_keeper_ended,
	    .context = s,
	};
	s->slow_start_timer = event_timer_new(s->event, on_slow_start_timer, s);
	s->stop_timer = event_timer_new(s->event, on_stop_timer, s);
	event_must(
	    sd_event_add_defer(s->event, &s->reaper, on_reaper, s), "reaper");
	event_must(
	    sd_event_source_set_enabled(s->reaper, SD_EVENT_OFF), "reaper");
	return true;
}

static void
close_host(struct supervisor *s)
{
	struct member *m;

	while ((m = TAILQ_FIRST(&s->members)) != NULL) {
		TAILQ_REMOVE(&s->members, m, link);
		keeper_free(m->keeper);
		free(m);
	}
	slots_free(s->host.workers);
	slots_free(s->host.connections);
	health_free(s->host.health);
	watch_free(s->host.watch);
	sd_event_source_unref(s->slow_start_timer);
	sd_event_source_unref(s->stop_timer);
	sd_event_source_unref(s->reaper);
}

int
supervisor_run(const struct supervisor_options *options)
{
	struct supervisor s = {.options = options};
	struct site site = {
	    .name = alloc_copy(options->spool, strlen(options->spool)),
	    .path = alloc_copy(options->spool, strlen(options->spool)),
	};
	struct keeper *k;
	int rc;

	TAILQ_INIT(&s.members);
	s.connections_max = options->connections_max;
	event_must(sd_event_new(&s.event), "event loop");
	watch_signals(&s);
	if (!open_host(&s))
		return EXIT_FAILURE;
	k = add(&s, &site);
	if (!keeper_claim(k)) {
		close_host(&s);
		return EXIT_FAILURE;
	}
	/* Where the service manager wants a sign of life (WatchdogSec=). */
	event_must(sd_event_set_watchdog(s.event, true), "watchdog");
	log_notice("version=%s site=%s relay=%s started", VERSION,
	    options->spool, options->relay.name);
	sd_notifyf(0, "READY=1\nSTATUS=serving %s", options->spool);
	run_all(&s);
	rc = sd_event_loop(s.event);
	close_host(&s);
	sd_event_unref(s.event);
	return rc < 0 ? EXIT_FAILURE : rc;
}
