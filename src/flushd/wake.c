/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "flushd/event.h"
#include "flushd/wake.h"

enum {
	/* What is written into a spool may be no mail at all: after so many
	 * workers in a row that found nothing to do, one a second. */
	EMPTY_RUNS_MAX = 3,
	EMPTY_DELAY_MS = 1000,
	RESTART_DELAY_MS = 1000,
	/* Look at least this often while something is deferred: the wall
	 * clock, by which things are due, may have been set. */
	DUE_DELAY_MAX_MS = 10 * 60 * 1000,
	/* Without the relay a worker can but count. */
	COUNT_DELAY_MS = 10 * 1000,
	/* Where a spool cannot be watched. */
	POLL_DELAY_MS = 10 * 1000,
	/* What was noted beside the queue, as what is refused, can wait. */
	NOTED_DELAY_MS = 10 * 1000,
};

/* ---- the watch ----------------------------------------------------- */

void
wake_unwatch(struct wake *w)
{
	watch_remove(w->watches, w->watch);
	w->watch = 0;
}

static void
on_touched(void *context)
{
	struct wake *w = context;

	w->up(w->context);
}

/* A worker looks soon, unless it looks sooner. */
static void
on_noted(void *context)
{
	struct wake *w = context;

	event_timer_hasten(w->timer, NOTED_DELAY_MS);
}

/* In place of a watch that there cannot be, look again and again. */
void
wake_watch(struct wake *w, const char *site, int dir_fd)
{
	int rc;

	if (w->watch > 0)
		return;
	rc = watch_add(w->watches, dir_fd, on_touched, on_noted, w);
	if (rc > 0) {
		w->watch = rc;
		w->is_polled = false;
		return;
	}
	if (!w->is_polled)
		log_warning("site=%s cannot watch: %s; looking every %d s",
		    site, strerror(-rc), POLL_DELAY_MS / 1000);
	w->is_polled = true;
	event_timer_set(w->timer, POLL_DELAY_MS);
}

/* ---- the time ------------------------------------------------------ */

static int
on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct wake *w = context;

	(void)source;
	(void)usec;
	w->is_delayed = false;
	w->up(w->context);
	return 0;
}

void
wake_at(struct wake *w, int64_t due_ms)
{
	const int64_t now_ms = clock_wall_ms();
	int64_t ms = -1;

	if (due_ms <= now_ms)
		ms = 0;
	else if (due_ms - now_ms < DUE_DELAY_MAX_MS)
		ms = due_ms - now_ms;
	else if (due_ms != INT64_MAX)
		ms = DUE_DELAY_MAX_MS;
	if (w->is_polled && (ms < 0 || ms > POLL_DELAY_MS))
		ms = POLL_DELAY_MS;
	event_timer_set(w->timer, ms);
}

void
wake_delay(struct wake *w, int64_t ms)
{
	wake_unwatch(w);
	w->is_delayed = true;
	w->is_wanted = false;
	event_timer_set(w->timer, ms);
}

int64_t
wake_back_off(struct wake *w)
{
	int64_t ms = WAKE_DELAY_MAX_MS;

	if (w->crashes < 6)
		ms = (int64_t)RESTART_DELAY_MS << w->crashes;
	w->crashes++;
	wake_delay(w, ms);
	return ms;
}

void
wake_forgive(struct wake *w)
{
	w->is_delayed = false;
	w->crashes = 0;
}

/* ---- a worker ------------------------------------------------------ */

/* How long one must wait that may run otherwise. */
static int64_t
pause_ms(const struct wake *w, bool is_relay_up)
{
	const int64_t since_ms = clock_boot_ms() - w->started_ms;

	if (!is_relay_up)
		return COUNT_DELAY_MS - since_ms;
	if (w->empty_runs >= EMPTY_RUNS_MAX)
		return EMPTY_DELAY_MS - since_ms;
	return 0;
}

bool
wake_ask(struct wake *w, bool is_relay_up)
{
	int64_t wait_ms;

	if (w->is_delayed) {
		w->is_wanted = true;
		return false;
	}
	wake_unwatch(w);
	wait_ms = pause_ms(w, is_relay_up);
	if (wait_ms <= 0)
		return true;
	w->is_wanted = true;
	event_timer_set(w->timer, wait_ms);
	return false;
}

void
wake_begin(struct wake *w)
{
	wake_stop(w);
	w->is_wanted = false;
	w->is_wanted_again = false;
	w->empty_runs++;
	w->started_ms = clock_boot_ms();
}

void
wake_stop(struct wake *w)
{
	wake_unwatch(w);
	event_timer_set(w->timer, -1);
}

/* ---- life ---------------------------------------------------------- */

void
wake_init(struct wake *w, sd_event *event, struct watch *watches,
    watch_touched_fn *up, void *context)
{
	*w = (struct wake){.watches = watches, .up = up, .context = context};
	w->timer = event_timer_new(event, on_timer, w);
}

void
wake_release(struct wake *w)
{
	wake_unwatch(w);
	sd_event_source_unref(w->timer);
	*w = (struct wake){0};
}
