/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flushd/desk.h"
#include "flushd/event.h"
#include "flushd/health.h"
#include "flushd/keeper.h"
#include "flushd/notice.h"
#include "flushd/overview.h"
#include "flushd/roster.h"
#include "flushd/slots.h"
#include "flushd/supervisor.h"
#include "flushd/watch.h"
#include "site/conf.h"
#include "spool/spool.h"

enum {
	/* More than a worker needs: 60 s for an open dot, 30 for the lock. */
	STOP_TIMEOUT_MS = 95 * 1000,
	/* What a site may have while others wait. */
	TURN_MS = 2000,
	/* A relay that was down gets 1 connection, and a second later 2, 4,
	 * 8... */
	SLOW_START_MS = 1000,
	/* To start it again would be of no use: the unit knows of this. */
	EXIT_IN_VAIN = 2,
};

struct supervisor {
	const struct supervisor_options *options;
	struct conf conf; /* without files, what they would say */
	sd_event *event;
	struct keeper_host host;
	struct roster *roster;
	struct overview overview;
	size_t connections_max; /* for now */
	struct desk *desk;	/* NULL: nobody can ask */
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

	roster_take_verdict(s->roster, is_up);
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

static void
on_relay_changed(void *context, bool is_up, int64_t down_ms)
{
	struct supervisor *s = context;

	overview_log_relay(&s->overview, is_up, down_ms);
	if (is_up)
		start_slowly(s, 1);
	else
		roster_relay_down(s->roster);
}

/* ---- the sites ----------------------------------------------------- */

static void
run_all(void *context)
{
	struct supervisor *s = context;

	roster_run(s->roster);
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

	(void)source;
	if (roster_reap(s->roster) && (s->is_stopping || !s->options->conf_dir))
		event_must(sd_event_exit(s->event, s->status), "exit");
	return 0;
}

/* ---- who asks ------------------------------------------------------ */

static bool
has_site(void *context, uid_t uid)
{
	const struct supervisor *s = context;

	return roster_has_uid(s->roster, uid);
}

static bool
answer(void *context, uid_t uid, char *at, struct buf *out)
{
	const struct supervisor *s = context;

	return overview_answer(&s->overview, uid, at, out);
}

static void
write_notice(void *context, struct buf *line)
{
	const struct supervisor *s = context;

	overview_add_notice(&s->overview, line);
}

/* Without one the sites are served all the same: 0, or -EADDRINUSE. */
static int
open_desk(struct supervisor *s)
{
	const char *path = s->conf.global.status_socket;
	const struct desk_host host = {has_site, answer, s};

	if (s->desk && strcmp(desk_path(s->desk), path) == 0)
		return 0;
	desk_free(s->desk);
	s->desk = NULL;
	return desk_new(s->event, path, &host, &s->desk) == -EADDRINUSE
		   ? -EADDRINUSE
		   : 0;
}

/* ---- the configuration --------------------------------------------- */

/* 0, or -EADDRINUSE: another flushd has been asked for the status so far. */
static int
take_conf(struct supervisor *s)
{
	const struct conf_values *global = &s->conf.global;
	const int rc = open_desk(s);

	slots_set_max(s->host.workers, global->workers_max);
	if (health_is_up(s->host.health))
		start_slowly(s, global->connections_max);
	roster_take(s->roster, &s->conf);
	log_notice("relay=%s sites=%zu configured", global->relay.name,
	    s->conf.site_count);
	return rc;
}

/* What is wrong with one site is no reason not to serve the others. */
static int
load_conf(const char *dir, struct conf *conf)
{
	int rc = conf_check_dir(dir);

	return rc < 0 ? rc : conf_load(dir, conf);
}

/* As it was, if anything is wrong with it. */
static void
reload(struct supervisor *s)
{
	struct conf conf;

	if (load_conf(s->options->conf_dir, &conf) < 0) {
		log_error("the configuration stays as it was");
		return;
	}
	conf_release(&s->conf);
	s->conf = conf;
	(void)take_conf(s);
}

/* ---- signals ------------------------------------------------------- */

static int
on_stop_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct supervisor *s = context;

	(void)source;
	(void)usec;
	roster_kill(s->roster);
	return 0;
}

static int
on_stop_signal(
    sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct supervisor *s = context;

	(void)source;
	(void)info;
	if (s->is_stopping)
		return 0;
	s->is_stopping = true;
	sd_notify(0, "STOPPING=1");
	event_timer_set(s->stop_timer, STOP_TIMEOUT_MS);
	roster_stop(s->roster);
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

	(void)source;
	(void)info;
	if (s->is_stopping)
		return 0;
	if (s->options->conf_dir) {
		notify_reloading();
		reload(s);
		sd_notify(0, "READY=1");
	}
	roster_forgive(s->roster);
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
	s->roster = roster_new(&s->host);
	s->overview = (struct overview){&s->host, s->roster, clock_boot_ms()};
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
	roster_free(s->roster);
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
static int
open_only_site(struct supervisor *s)
{
	const char *spool = s->options->spool;
	struct site site = {
	    .name = alloc_copy(spool, strlen(spool)),
	    .path = alloc_copy(spool, strlen(spool)),
	};
	struct policy policy;

	policy_init(&policy);
	if (!roster_claim(s->roster, &site, &policy))
		return EXIT_FAILURE;
	log_notice("version=%s site=%s relay=%s started", VERSION, spool,
	    s->options->relay.name);
	return EXIT_SUCCESS;
}

static int
open_sites(struct supervisor *s)
{
	if (!s->options->conf_dir)
		return open_only_site(s);
	log_notice("version=%s started", VERSION);
	if (take_conf(s) == 0)
		return EXIT_SUCCESS;
	log_error("leaves: another flushd serves these sites");
	return EXIT_IN_VAIN;
}

static bool
find_conf(struct supervisor *s)
{
	if (s->options->conf_dir)
		return load_conf(s->options->conf_dir, &s->conf) == 0;
	conf_values_init(&s->conf.global);
	s->conf.global.relay = s->options->relay;
	return true;
}

static int
run(struct supervisor *s)
{
	int status;
	int rc;

	if (!open_host(s))
		return EXIT_FAILURE;
	status = open_sites(s);
	if (status != EXIT_SUCCESS) {
		close_host(s);
		return status;
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

	if (!find_conf(&s))
		return EXIT_IN_VAIN;
	event_must(sd_event_new(&s.event), "event loop");
	watch_signals(&s);
	status = run(&s);
	sd_event_unref(s.event);
	conf_release(&s.conf);
	return status;
}
