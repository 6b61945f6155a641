/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "flushd/breaker.h"
#include "flushd/child.h"
#include "flushd/connector.h"
#include "flushd/event.h"
#include "flushd/health.h"

enum {
	REASON_SIZE = 512,
	/* A relay that needs longer than this to say what it thinks of an
	 * empty message is down; and somebody may have stopped the prober. */
	PROBE_TIMEOUT_MS = 120 * 1000,
	/* However many complain, and whatever they say. */
	PROBE_PAUSE_MS = 1000,
};

struct health {
	sd_event *event;
	const struct relay *relay;
	health_verdict_fn *verdict;
	health_changed_fn *changed;
	void *context;
	struct breaker breaker;
	int64_t since_ms;	     /* when that opened or closed */
	char reason[REASON_SIZE];    /* the last that was said against it */
	sd_event_source *timer;	     /* for the next probe, while open */
	struct connector *connector; /* of the probe */
	struct child *prober;
	sd_event_source *prober_timer;
	int64_t probed_ms; /* when the last probe began, clock_boot_ms() */
};

/* ---- the breaker --------------------------------------------------- */

static void
set_reason(struct health *h, const char *reason)
{
	snprintf(h->reason, sizeof(h->reason), "%s", reason);
}

static void
take_event(struct health *h, enum breaker_event event)
{
	const int64_t now_ms = clock_boot_ms();
	const int64_t down_ms = now_ms - h->breaker.opened_ms;
	const bool has_changed =
	    breaker_event(&h->breaker, event, now_ms, event_random());

	event_timer_set(h->timer,
	    h->breaker.is_open ? h->breaker.next_probe_ms - now_ms : -1);
	if (!has_changed)
		return;
	h->since_ms = now_ms;
	h->changed(h->context, health_is_up(h), down_ms);
}

void
health_take_failure(struct health *h, int error)
{
	set_reason(h, strerror(-error));
	/* A refusal costs nothing; a silence is the relay's doing. */
	take_event(
	    h, error == -ETIMEDOUT ? BREAKER_MISBEHAVED : BREAKER_REFUSED);
}

/* ---- probes -------------------------------------------------------- */

static void
on_prober_ended(void *context, int status)
{
	struct health *h = context;
	const bool is_up =
	    WIFEXITED(status) && WEXITSTATUS(status) == CHILD_EXIT_DONE;

	h->prober = NULL;
	event_timer_set(h->prober_timer, -1);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_error("prober was killed: it made a forbidden system call");
	if (!is_up)
		set_reason(h, "it takes connections, but no mail");
	take_event(h, is_up ? BREAKER_RECOVERED : BREAKER_MISBEHAVED);
	h->verdict(h->context, is_up);
}

static void
on_connected(void *context, int fd)
{
	struct health *h = context;

	h->connector = NULL;
	if (fd < 0) {
		health_take_failure(h, fd);
		h->verdict(h->context, false);
		return;
	}
	h->prober = child_new(h->event, CHILD_PROBER, NULL, fd, -1, -1,
	    "prober:", on_prober_ended, h);
	close(fd);
	event_timer_set(h->prober_timer, PROBE_TIMEOUT_MS);
	if (!h->prober) {
		set_reason(h, "cannot start a prober");
		take_event(h, BREAKER_MISBEHAVED);
		h->verdict(h->context, false);
	}
}

static void
probe(struct health *h)
{
	if (h->connector || h->prober)
		return;
	h->probed_ms = clock_boot_ms();
	h->connector = connector_new(h->event, h->relay, on_connected, h);
}

void
health_probe(struct health *h, const char *complaint)
{
	const int64_t wait_ms = h->probed_ms + PROBE_PAUSE_MS - clock_boot_ms();

	set_reason(h, complaint);
	if (wait_ms > 0 && health_is_up(h))
		event_timer_set(h->timer, wait_ms);
	else
		probe(h);
}

static int
on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	probe(context);
	return 0;
}

static int
on_prober_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct health *h = context;

	(void)source;
	(void)usec;
	if (h->prober)
		child_kill(h->prober, SIGKILL);
	return 0;
}

/* ---- life ---------------------------------------------------------- */

struct health *
health_new(sd_event *event, const struct relay *relay,
    health_verdict_fn *verdict, health_changed_fn *changed, void *context)
{
	struct health *h = alloc_zeroed(sizeof(*h));

	h->event = event;
	h->relay = relay;
	h->verdict = verdict;
	h->changed = changed;
	h->context = context;
	h->since_ms = clock_boot_ms();
	h->timer = event_timer_new(event, on_timer, h);
	h->prober_timer = event_timer_new(event, on_prober_timer, h);
	return h;
}

void
health_free(struct health *h)
{
	if (!h)
		return;
	child_free(h->prober);
	connector_free(h->connector);
	sd_event_source_unref(h->timer);
	sd_event_source_unref(h->prober_timer);
	free(h);
}

bool
health_is_up(const struct health *h)
{
	return !h->breaker.is_open;
}

int64_t
health_since_ms(const struct health *h)
{
	return h->since_ms;
}

int64_t
health_next_probe_ms(const struct health *h)
{
	return h->breaker.next_probe_ms;
}

const char *
health_reason(const struct health *h)
{
	return h->reason;
}
