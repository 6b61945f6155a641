/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "flushd/caution.h"
#include "flushd/channel.h"
#include "flushd/child.h"
#include "flushd/connector.h"
#include "flushd/event.h"
#include "flushd/health.h"
#include "flushd/site.h"
#include "flushd/supervisor.h"

enum {
	/* More than a worker needs: 60 s for an open dot, 30 for the lock. */
	STOP_TIMEOUT_MS = 95 * 1000,
	/* What is written into a spool may be no mail at all: after so many
	 * workers in a row that found nothing to do, one a second. */
	EMPTY_RUNS_MAX = 3,
	EMPTY_DELAY_MS = 1000,
	RESTART_DELAY_MS = 1000,
	RESTART_DELAY_MAX_MS = 60 * 1000,
	/* Look at least this often while something is deferred: the wall
	 * clock, by which things are due, may have been set. */
	DUE_DELAY_MAX_MS = 10 * 60 * 1000,
};

struct supervisor {
	const struct supervisor_options *options;
	sd_event *event;
	struct site *site;

	struct child *worker; /* NULL: none runs */
	int channel;	      /* to it */
	sd_event_source *channel_io;
	struct connector *connector; /* for it */
	sd_event_source *run_timer;  /* when to start one next */
	bool is_run_wanted;	     /* as soon as the one ends, or the relay
					is up */
	bool is_wiser;		     /* the next one is to get further */
	unsigned int crashes;	     /* of workers, in a row */
	int64_t started_ms;	     /* the last one, by clock_boot_ms() */
	unsigned int empty_runs;     /* that found nothing to do, in a row */
	uint64_t waiting;	     /* messages, as a worker last said */
	struct caution caution;	     /* of the next worker */

	struct health *health;	/* of the relay */
	bool is_complaint_open; /* the worker waits for a verdict */
	char complaint[512];

	sd_event_source *stop_timer;
	bool is_stopping;
};

static void start_worker(struct supervisor *s);

/* ---- running a worker ---------------------------------------------- */

static void
end(struct supervisor *s, int status)
{
	event_must(sd_event_exit(s->event, status), "exit");
}

/* Something may be due. */
static void
want_run(struct supervisor *s)
{
	int64_t since_ms = clock_boot_ms() - s->started_ms;

	if (s->worker || !health_is_up(s->health) || s->is_stopping) {
		s->is_run_wanted = true;
	} else if (s->empty_runs < EMPTY_RUNS_MAX ||
		   since_ms >= EMPTY_DELAY_MS) {
		start_worker(s);
	} else {
		/* It is going to look anyway, and need not be told again. */
		site_unwatch(s->site);
		event_timer_set(s->run_timer, EMPTY_DELAY_MS - since_ms);
	}
}

static void
on_touched(void *context)
{
	want_run(context);
}

static int
on_run_timer(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	want_run(context);
	return 0;
}

static void
close_channel(struct supervisor *s)
{
	s->channel_io = sd_event_source_unref(s->channel_io);
	if (s->channel >= 0)
		close(s->channel);
	s->channel = -1;
}

/* It is gone, or deaf, or talks nonsense; its end will be seen to. */
static void
give_up_worker(struct supervisor *s)
{
	close_channel(s);
	if (s->worker)
		child_kill(s->worker, SIGKILL);
}

static void
tell(struct supervisor *s, enum channel_kind kind, const char *text, int fd)
{
	struct channel_message m = {.kind = kind};

	snprintf(m.text, sizeof(m.text), "%s", text);
	if (s->channel >= 0 && channel_send(s->channel, &m, fd) < 0)
		give_up_worker(s);
}

static void
schedule_run(struct supervisor *s, int64_t next_due_ms)
{
	int64_t now_ms = clock_wall_ms();
	int64_t delay_ms = -1;

	if (next_due_ms <= now_ms)
		delay_ms = 0;
	else if (next_due_ms - now_ms < DUE_DELAY_MAX_MS)
		delay_ms = next_due_ms - now_ms;
	else if (next_due_ms != INT64_MAX)
		delay_ms = DUE_DELAY_MAX_MS;
	event_timer_set(s->run_timer, delay_ms);
}

static void
log_crash(const struct supervisor *s, int status, const char *outlook)
{
	/* LMDB checks no page: what kills a worker is most likely the file. */
	if (WIFSIGNALED(status))
		log_error("site=%s worker ended by signal %d (%s), perhaps "
			  "the spool is damaged%s",
		    site_name(s->site), WTERMSIG(status),
		    strsignal(WTERMSIG(status)), outlook);
	else
		log_error(
		    "site=%s worker failed%s", site_name(s->site), outlook);
}

static void
on_crash(struct supervisor *s, int status)
{
	int64_t delay_ms = RESTART_DELAY_MAX_MS;
	char outlook[32];

	/* The next worker gets further. */
	if (s->is_wiser)
		s->crashes = 0;
	if (s->crashes < 6)
		delay_ms = (int64_t)RESTART_DELAY_MS << s->crashes;
	s->crashes++;
	/* Nothing but time may end the delay. */
	site_unwatch(s->site);
	s->is_run_wanted = false;
	snprintf(outlook, sizeof(outlook), "; again in %d s",
	    (int)(delay_ms / 1000));
	log_crash(s, status, outlook);
	event_timer_set(s->run_timer, delay_ms);
}

/* It was the last one. */
static void
on_last_worker_ended(struct supervisor *s, int status, bool is_well)
{
	if (!is_well)
		log_crash(s, status, "");
	if (s->is_wiser && !s->is_stopping)
		start_worker(s); /* one pass takes more than one */
	else if (s->options->is_once && (!is_well || s->waiting > 0))
		end(s, EXIT_FAILURE);
	else
		end(s, EXIT_SUCCESS);
}

static void take_last_words(struct supervisor *s);

static void
on_worker_ended(void *context, int status)
{
	struct supervisor *s = context;
	const bool is_done =
	    WIFEXITED(status) && WEXITSTATUS(status) == CHILD_EXIT_DONE;
	const bool is_relay_down =
	    WIFEXITED(status) && WEXITSTATUS(status) == CHILD_EXIT_RELAY_DOWN;

	s->worker = NULL;
	s->is_complaint_open = false;
	take_last_words(s);
	close_channel(s);
	connector_free(s->connector);
	s->connector = NULL;
	if (s->options->is_once || s->is_stopping) {
		on_last_worker_ended(s, status, is_done || is_relay_down);
		return;
	}
	if (is_done || is_relay_down)
		s->crashes = 0;
	else
		on_crash(s, status);
	if (is_relay_down || (is_done && s->is_run_wanted))
		want_run(s);
}

/* ---- the relay ----------------------------------------------------- */

static void
on_verdict(void *context, bool is_up)
{
	struct supervisor *s = context;

	if (s->is_complaint_open) {
		s->is_complaint_open = false;
		tell(s, is_up ? CHANNEL_RELAY_UP : CHANNEL_RELAY_DOWN,
		    s->complaint, -1);
	}
	if (is_up && !s->worker && s->is_run_wanted)
		want_run(s);
}

static void
on_connected(void *context, int fd)
{
	struct supervisor *s = context;

	s->connector = NULL;
	if (fd < 0) {
		health_take_failure(s->health, fd);
		tell(s, CHANNEL_RELAY_DOWN, "", -1);
		return;
	}
	tell(s, CHANNEL_RELAY, s->options->relay.name, fd);
	close(fd);
}

/* ---- what a worker says -------------------------------------------- */

static void
set_waiting(struct supervisor *s, uint64_t waiting)
{
	s->waiting = waiting;
	health_set_waiting(s->health, waiting);
}

static void
on_need_relay(struct supervisor *s, const struct channel_message *m)
{
	set_waiting(s, m->waiting);
	/* It works: what it commits is no news, and what others do it finds
	 * when it looks for more. */
	site_unwatch(s->site);
	s->is_run_wanted = false;
	s->empty_runs = 0;
	if (!health_is_up(s->health))
		tell(s, CHANNEL_RELAY_DOWN, "", -1);
	else if (!s->connector)
		s->connector = connector_new(
		    s->event, &s->options->relay, on_connected, s);
}

static void
on_complaint(struct supervisor *s, const struct channel_message *m)
{
	struct buf words = BUF_INIT;

	log_escape(&words, m->text, strlen(m->text), sizeof(m->text));
	log_notice("site=%s relay=%s complaint=\"%s\"", site_name(s->site),
	    s->options->relay.name, words.data);
	snprintf(s->complaint, sizeof(s->complaint), "%s", m->text);
	s->is_complaint_open = true;
	health_probe(s->health, m->text);
	buf_release(&words);
}

static void
on_idle(struct supervisor *s, const struct channel_message *m)
{
	set_waiting(s, m->waiting);
	schedule_run(s, m->next_due_ms);
	/* From here on nothing is missed: what came before the watch is found
	 * by the last look, what comes after it is seen by the watch. */
	if (!site_watch(s->site, s->event, on_touched, s))
		event_timer_set(s->run_timer, RESTART_DELAY_MAX_MS);
	tell(s, CHANNEL_LOOK_AGAIN, "", -1);
}

/* The site can make its worker say anything, and harms its own mail only. */
static void
on_ends_at(struct supervisor *s, const struct channel_message *m)
{
	char id[QUEUE_ID_TEXT_MAX];

	if (m->is_sent)
		s->caution.must_prove = true;
	if (!caution_skip(&s->caution, m->id))
		return;
	s->is_wiser = true;
	log_error(
	    "site=%s id=%s status=skipped reason=\"%s\"; again after SIGHUP",
	    site_name(s->site), queue_id_format(m->id, id),
	    m->is_sent ? "sent, but that cannot be recorded"
		       : "a worker ended at it");
}

static void
take_last_words(struct supervisor *s)
{
	struct channel_message m;

	while (s->channel >= 0 && channel_receive(s->channel, &m, NULL) == 0)
		if (m.kind == CHANNEL_ENDS_AT)
			on_ends_at(s, &m);
}

static int
on_channel(sd_event_source *source, int channel, uint32_t events, void *context)
{
	struct supervisor *s = context;
	struct channel_message m;
	int rc = channel_receive(channel, &m, NULL);

	(void)source;
	(void)events;
	if (rc == -EAGAIN || rc == -EINTR)
		return 0;
	if (rc < 0)
		give_up_worker(s);
	else if (m.kind == CHANNEL_NEED_RELAY)
		on_need_relay(s, &m);
	else if (m.kind == CHANNEL_COMPLAINT)
		on_complaint(s, &m);
	else if (m.kind == CHANNEL_IDLE)
		on_idle(s, &m);
	else if (m.kind == CHANNEL_ENDS_AT)
		on_ends_at(s, &m);
	return 0;
}

static void
on_no_worker(struct supervisor *s)
{
	if (s->options->is_once)
		end(s, EXIT_FAILURE);
	else
		event_timer_set(s->run_timer, RESTART_DELAY_MAX_MS);
}

static void
start_worker(struct supervisor *s)
{
	struct buf label = BUF_INIT;
	char caution[CAUTION_TEXT_MAX];
	int ends[2];

	s->is_run_wanted = false;
	s->is_wiser = false;
	s->empty_runs++;
	s->started_ms = clock_boot_ms();
	event_timer_set(s->run_timer, -1);
	site_unwatch(s->site);
	if (!site_is_there(s->site)) {
		log_error(
		    "site=%s was removed or replaced", site_name(s->site));
		end(s, EXIT_FAILURE);
		return;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		log_error("cannot start a worker: %s", strerror(errno));
		on_no_worker(s);
		return;
	}
	buf_add_str(&label, "site=");
	log_escape(&label, site_name(s->site), strlen(site_name(s->site)), 256);
	s->worker = child_new(s->event, CHILD_WORKER,
	    caution_format(&s->caution, caution), ends[1], site_dir_fd(s->site),
	    site_lock_fd(s->site), label.data, on_worker_ended, s);
	buf_release(&label);
	close(ends[1]);
	s->channel = ends[0];
	if (!s->worker) {
		close_channel(s);
		on_no_worker(s);
		return;
	}
	event_must(sd_event_add_io(s->event, &s->channel_io, s->channel,
		       EPOLLIN, on_channel, s),
	    "channel");
}

/* ---- life ---------------------------------------------------------- */

static int
on_stop_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct supervisor *s = context;

	(void)source;
	(void)usec;
	if (s->worker)
		child_kill(s->worker, SIGKILL);
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
	if (!s->worker) {
		end(s, s->options->is_once ? EXIT_FAILURE : EXIT_SUCCESS);
		return 0;
	}
	close_channel(s); /* which tells it */
	event_timer_set(s->stop_timer, STOP_TIMEOUT_MS);
	return 0;
}

static int
on_reload_signal(
    sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct supervisor *s = context;

	(void)source;
	(void)info;
	s->caution.skipped_count = 0;
	want_run(s);
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

int
supervisor_run(const struct supervisor_options *options)
{
	struct supervisor s = {.options = options, .channel = -1};
	int rc;

	s.site = site_open(options->spool);
	if (!s.site)
		return EXIT_FAILURE;
	event_must(sd_event_new(&s.event), "event loop");
	watch_signals(&s);
	/* Where the service manager wants a sign of life (WatchdogSec=). */
	event_must(sd_event_set_watchdog(s.event, true), "watchdog");
	s.run_timer = event_timer_new(s.event, on_run_timer, &s);
	s.health = health_new(s.event, &options->relay, on_verdict, &s);
	s.stop_timer = event_timer_new(s.event, on_stop_timer, &s);

	log_notice("version=%s site=%s relay=%s started", VERSION,
	    options->spool, options->relay.name);
	sd_notifyf(0, "READY=1\nSTATUS=serving %s", options->spool);
	want_run(&s);
	rc = sd_event_loop(s.event);

	child_free(s.worker);
	connector_free(s.connector);
	health_free(s.health);
	close_channel(&s);
	site_close(s.site);
	sd_event_source_unref(s.run_timer);
	sd_event_source_unref(s.stop_timer);
	sd_event_unref(s.event);
	return rc < 0 ? EXIT_FAILURE : rc;
}
