/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

#include "flushd/answer.h"
#include "flushd/conf.h"
#include "flushd/desk.h"
#include "flushd/event.h"
#include "flushd/health.h"
#include "flushd/keeper.h"
#include "flushd/notice.h"
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
	struct conf conf; /* without files, what they would say */
	sd_event *event;
	struct keeper_host host;
	TAILQ_HEAD(members, member) members; /* by name */
	size_t connections_max;		     /* for now */
	struct desk *desk;		     /* NULL: nobody can ask */
	struct notice *notice;
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
	const size_t limit = s->conf.global.connections_max;

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
	const char *name = s->conf.global.relay.name;
	const char *reason = health_reason(s->host.health);
	struct buf words = BUF_INIT;

	if (is_up) {
		log_notice("relay=%s state=up down_sec=%jd", name,
		    (intmax_t)(down_ms / 1000));
		return;
	}
	log_escape(&words, reason, strlen(reason), REASON_SHOWN_MAX);
	log_warning("relay=%s state=down waiting=%ju reason=\"%s\"", name,
	    waiting(s), words.data);
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

static void
reap_soon(struct supervisor *s)
{
	event_must(
	    sd_event_source_set_enabled(s->reaper, SD_EVENT_ONESHOT), "reaper");
}

/* It may still be at work for the one who calls us. */
static void
on_keeper_ended(void *context, struct keeper *k)
{
	struct supervisor *s = context;

	if (keeper_end(k) == KEEPER_FAILED)
		s->status = EXIT_FAILURE;
	reap_soon(s);
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
	if (TAILQ_EMPTY(&s->members) &&
	    (s->is_stopping || !s->options->conf_dir))
		event_must(sd_event_exit(s->event, s->status), "exit");
	return 0;
}

/* In front of next, or last. */
static struct keeper *
add(struct supervisor *s, struct member *next, struct site *site,
    const struct policy *policy)
{
	struct member *m = alloc_zeroed(sizeof(*m));

	m->keeper = keeper_new(&s->host, site, policy);
	if (next)
		TAILQ_INSERT_BEFORE(next, m, link);
	else
		TAILQ_INSERT_TAIL(&s->members, m, link);
	return m->keeper;
}

/* ---- who asks ------------------------------------------------------ */

static size_t
site_count(const struct supervisor *s)
{
	size_t count = 0;
	struct member *m;

	TAILQ_FOREACH(m, &s->members, link)
		count++;
	return count;
}

static bool
has_site(void *context, uid_t uid)
{
	const struct supervisor *s = context;
	struct member *m;

	TAILQ_FOREACH(m, &s->members, link)
		if (keeper_uid(m->keeper) == uid)
			return true;
	return false;
}

static struct answer_places
places(const struct slots *s)
{
	return (struct answer_places){
	    slots_used(s), slots_max(s), slots_waiting(s)};
}

static void
answer_relay(
    const struct supervisor *s, struct buf *out, const struct answer_time *now)
{
	const struct health *h = s->host.health;
	const struct answer_relay a = {
	    .name = s->conf.global.relay.name,
	    .is_up = health_is_up(h),
	    .since_ms = health_since_ms(h),
	    .reason = health_reason(h),
	    .next_probe_ms = health_next_probe_ms(h),
	    .connections = places(s->host.connections),
	    .workers = places(s->host.workers),
	    .site_count = site_count(s),
	    .waiting = waiting(s),
	};

	answer_add_relay(out, &a, now);
}

/* Root may know all, and a site's user what is his. */
static bool
answer(void *context, uid_t uid, char *at, struct buf *out)
{
	const struct supervisor *s = context;
	const struct answer_time now = {clock_boot_ms(), clock_wall_ms()};
	struct member *m;

	TAILQ_FOREACH(m, &s->members, link) {
		const char *name = keeper_name(m->keeper);

		if (strcmp(name, at) <= 0 ||
		    (uid != 0 && keeper_uid(m->keeper) != uid))
			continue;
		if (out->len >= DESK_PIECE_LEN)
			return true;
		keeper_answer(m->keeper, out, &now);
		snprintf(at, DESK_NAME_SIZE, "%s", name);
	}
	/* By which it is seen that the answer is whole. */
	if (uid == 0)
		answer_relay(s, out, &now);
	return false;
}

static void
open_desk(struct supervisor *s)
{
	const char *path = s->conf.global.status_socket;
	const struct desk_host host = {has_site, answer, s};

	if (s->desk && strcmp(desk_path(s->desk), path) == 0)
		return;
	desk_free(s->desk);
	s->desk = desk_new(s->event, path, &host);
}

static void
write_notice(void *context, struct buf *line)
{
	const struct supervisor *s = context;
	const bool is_up = health_is_up(s->host.health);
	const char *reason = health_reason(s->host.health);

	buf_add_format(line, "%zu site%s, %ju waiting, relay %s is %s",
	    site_count(s), site_count(s) == 1 ? "" : "s", (uintmax_t)waiting(s),
	    s->conf.global.relay.name, is_up ? "up" : "down");
	if (is_up)
		return;
	buf_add_str(line, ": ");
	log_clean(line, reason, strlen(reason), REASON_SHOWN_MAX);
}

/* ---- the configuration --------------------------------------------- */

static int
compare(const struct member *m, const struct conf_site *c)
{
	return strcmp(keeper_name(m->keeper), c->name);
}

/* Let there be a keeper for each site, and no other. */
static void
take_sites(struct supervisor *s)
{
	struct member *m = TAILQ_FIRST(&s->members);
	struct site site;

	for (size_t i = 0; i < s->conf.site_count; i++) {
		const struct conf_site *c = &s->conf.sites[i];
		const struct policy *policy = &c->values.policy;

		for (; m && compare(m, c) < 0; m = TAILQ_NEXT(m, link))
			keeper_stop(m->keeper);
		/* One of that name may be on its way out. */
		while (m && compare(m, c) == 0 && keeper_is_stopping(m->keeper))
			m = TAILQ_NEXT(m, link);
		conf_get_site(c, &site);
		if (m && compare(m, c) == 0) {
			keeper_update(m->keeper, &site, policy);
			m = TAILQ_NEXT(m, link);
		} else {
			add(s, m, &site, policy);
		}
	}
	for (; m; m = TAILQ_NEXT(m, link))
		keeper_stop(m->keeper);
}

static void
take_conf(struct supervisor *s)
{
	const struct conf_values *global = &s->conf.global;

	slots_set_max(s->host.workers, global->workers_max);
	if (health_is_up(s->host.health))
		start_slowly(s, global->connections_max);
	take_sites(s);
	open_desk(s);
	log_notice("relay=%s sites=%zu configured", global->relay.name,
	    s->conf.site_count);
}

/* As it was, if anything is wrong with it. */
static void
reload(struct supervisor *s)
{
	struct conf conf;

	if (conf_load(s->options->conf_dir, &conf) < 0) {
		log_error("the configuration stays as it was");
		return;
	}
	conf_release(&s->conf);
	s->conf = conf;
	take_conf(s);
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
	/* There may be none. */
	reap_soon(s);
	return 0;
}

/* Of the service manager, which wants the time by a clock of its own. */
static void
notify_reloading(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%jd",
	    (intmax_t)t.tv_sec * 1000000 + t.tv_nsec / 1000);
}

static int
on_reload_signal(
    sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct supervisor *s = context;
	struct member *m;

	(void)source;
	(void)info;
	if (s->is_stopping)
		return 0;
	if (s->options->conf_dir) {
		notify_reloading();
		reload(s);
		sd_notify(0, "READY=1");
	}
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
	const struct conf_values *global = &s->conf.global;
	struct watch *watch = watch_new(s->event, SPOOL_FILE, run_all, s);

	if (!watch) {
		log_error("cannot watch spools: %s", strerror(errno));
		return false;
	}
	s->connections_max = global->connections_max;
	s->host = (struct keeper_host){
	    .event = s->event,
	    .watch = watch,
	    .health = health_new(
		s->event, &global->relay, on_verdict, on_relay_changed, s),
	    .relay = &global->relay,
	    .workers = slots_new(s->event, global->workers_max, TURN_MS),
	    .connections =
		slots_new(s->event, global->connections_max, TURN_MS),
	    .is_once = s->options->is_once,
	    .is_only = !s->options->conf_dir,
	    .ended = on_keeper_ended,
	    .context = s,
	};
	s->slow_start_timer = event_timer_new(s->event, on_slow_start_timer, s);
	s->notice = notice_new(s->event, write_notice, s);
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
	desk_free(s->desk);
	notice_free(s->notice);
	slots_free(s->host.workers);
	slots_free(s->host.connections);
	health_free(s->host.health);
	watch_free(s->host.watch);
	sd_event_source_unref(s->slow_start_timer);
	sd_event_source_unref(s->stop_timer);
	sd_event_source_unref(s->reaper);
}

/* The one of the command line. */
static bool
open_only_site(struct supervisor *s)
{
	const char *spool = s->options->spool;
	struct site site = {
	    .name = alloc_copy(spool, strlen(spool)),
	    .path = alloc_copy(spool, strlen(spool)),
	};
	struct policy policy;

	policy_init(&policy);
	if (!keeper_claim(add(s, NULL, &site, &policy)))
		return false;
	log_notice("version=%s site=%s relay=%s started", VERSION, spool,
	    s->options->relay.name);
	return true;
}

static bool
open_sites(struct supervisor *s)
{
	if (!s->options->conf_dir)
		return open_only_site(s);
	log_notice("version=%s started", VERSION);
	take_conf(s);
	return true;
}

static bool
load_conf(struct supervisor *s)
{
	if (s->options->conf_dir)
		return conf_load(s->options->conf_dir, &s->conf) == 0;
	conf_values_init(&s->conf.global);
	s->conf.global.relay = s->options->relay;
	return true;
}

static int
run(struct supervisor *s)
{
	int rc;

	if (!open_host(s))
		return EXIT_FAILURE;
	if (!open_sites(s)) {
		close_host(s);
		return EXIT_FAILURE;
	}
	/* Where the service manager wants a sign of life (WatchdogSec=). */
	event_must(sd_event_set_watchdog(s->event, true), "watchdog");
	sd_notify(0, "READY=1");
	run_all(s);
	rc = sd_event_loop(s->event);
	close_host(s);
	return rc < 0 ? EXIT_FAILURE : rc;
}

int
supervisor_run(const struct supervisor_options *options)
{
	struct supervisor s = {.options = options};
	int status;

	TAILQ_INIT(&s.members);
	if (!load_conf(&s))
		return EXIT_FAILURE;
	event_must(sd_event_new(&s.event), "event loop");
	watch_signals(&s);
	status = run(&s);
	sd_event_unref(s.event);
	conf_release(&s.conf);
	return status;
}
