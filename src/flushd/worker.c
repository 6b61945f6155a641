/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "flushd/caution.h"
#include "flushd/channel.h"
#include "flushd/child.h"
#include "flushd/crash.h"
#include "flushd/dispatch.h"
#include "flushd/event.h"
#include "flushd/host.h"
#include "flushd/outcome.h"
#include "flushd/pulse.h"
#include "flushd/worker.h"
#include "site/sandbox.h"

struct worker {
	sd_event *event;
	struct spool *spool;
	struct policy policy;
	struct dispatch_past past;
	char host[HOST_NAME_SIZE];
	struct dispatch *dispatch;
	sd_event_source *pulse_timer;
};

/* ---- the supervisor ------------------------------------------------ */

static void
take_message(struct worker *w, const struct channel_message *m, int fd)
{
	switch (m->kind) {
	case CHANNEL_RELAY:
		if (fd < 0)
			break;
		dispatch_take_relay(w->dispatch, m->line, fd, m->text);
		return;
	case CHANNEL_RELAY_UP:
		dispatch_relay_is_up(w->dispatch, m->text);
		return;
	case CHANNEL_RELAY_DOWN:
		dispatch_stop(w->dispatch, CHILD_EXIT_RELAY_DOWN);
		return;
	case CHANNEL_LOOK_AGAIN:
		dispatch_look_again(w->dispatch);
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
	dispatch_leave(w->dispatch, CHILD_EXIT_FAILED);
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
	dispatch_stop(w->dispatch, CHILD_EXIT_DONE);
	return 0;
}

static int
on_signal(
    sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct worker *w = context;

	(void)source;
	(void)info;
	dispatch_stop(w->dispatch, CHILD_EXIT_DONE);
	return 0;
}

static int
on_pulse_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct worker *w = context;

	(void)source;
	(void)usec;
	pulse_beat();
	dispatch_tell_counts(w->dispatch);
	event_timer_set(w->pulse_timer, PULSE_MS);
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
	w->past.rate = m.rate;
	w->past.refused_mark = m.refused_mark;
	return 0;
}

static void
set_up(struct worker *w)
{
	event_must(sd_event_new(&w->event), "event loop");
	event_must(sd_event_add_signal(w->event, NULL, SIGTERM, on_signal, w),
	    "signal");
	event_must(sd_event_add_io(
		       w->event, NULL, CHILD_CHANNEL, EPOLLIN, on_channel, w),
	    "channel");
	w->pulse_timer = event_timer_new(w->event, on_pulse_timer, w);
	event_timer_set(w->pulse_timer, PULSE_MS);
	w->dispatch =
	    dispatch_new(w->event, w->spool, &w->policy, w->host, &w->past);
}

static void
tear_down(struct worker *w)
{
	dispatch_free(w->dispatch);
	spool_close(w->spool);
	sd_event_source_unref(w->pulse_timer);
	sd_event_unref(w->event);
}

int
worker_main(const char *caution)
{
	struct worker w = {0};
	int rc;

	log_use_levels();
	if (receive_policy(&w) < 0 ||
	    caution_parse(caution, &w.past.caution) < 0)
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
	crash_catch();
	block_signal(SIGTERM);
	set_up(&w);
	dispatch_start(w.dispatch);
	rc = sd_event_loop(w.event);
	tear_down(&w);
	return rc < 0 ? CHILD_EXIT_FAILED : rc;
}
