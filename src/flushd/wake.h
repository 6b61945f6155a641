/* SPDX-License-Identifier: ISC */
/*
 * wake.h - when a site's next worker is to run
 *
 *   Without a worker a site is a watch on its spool, or a time at which
 *   something is due. What is noted beside the queue waits for 10 s. When
 *   something went wrong nothing but time wakes it, the later the more often it
 *   did; and it is not woken more than once a second in vain, or in 10 s while
 *   the relay is down and a worker can but count.
 */
#ifndef FLUSHD_WAKE_H
#define FLUSHD_WAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/compiler.h"
#include "flushd/watch.h"

enum { WAKE_DELAY_MAX_MS = 60 * 1000 };

struct wake {
	bool is_wanted;	      /* a worker, when what it must wait for is over */
	bool is_wanted_again; /* whatever the one that runs finds */
	bool is_delayed;      /* nothing but time may start one */
	unsigned int empty_runs; /* that found nothing to do, in a row */
	unsigned int crashes;	 /* of workers, in a row */

	/* Its own. */
	struct watch *watches;
	watch_touched_fn *up;
	void *context;
	sd_event_source *timer;
	int watch;	    /* an id of watch.h, or 0 */
	bool is_polled;	    /* as there could be none */
	int64_t started_ms; /* the last worker, by clock_boot_ms() */
};

/* up() is called from the event loop when a worker should look. */
void wake_init(struct wake *w, sd_event *event, struct watch *watches,
    watch_touched_fn *up, void *context);
void wake_release(struct wake *w);

/*
 * May a worker start, but for a place? Whoever must wait is called later. The
 * watch ends: the worker is going to look anyway.
 */
bool wake_ask(struct wake *w, bool is_relay_up) MUST_CHECK;

/* A worker starts. */
void wake_begin(struct wake *w);

/* Nobody is called until something else is said. */
void wake_stop(struct wake *w);

/* Call when something is due, by the wall clock; INT64_MAX: never. After
 * wake_watch() if both. */
void wake_at(struct wake *w, int64_t due_ms);

/* Call when the spool is touched, until then or until wake_unwatch(); if it
 * cannot be watched, every 10 s. */
void wake_watch(struct wake *w, const char *site, int dir_fd);
void wake_unwatch(struct wake *w);

/* Call then, and for no other reason. */
void wake_delay(struct wake *w, int64_t ms);

/* The same after a crash: 1 s, and twice as long with each one, up to
 * WAKE_DELAY_MAX_MS. Returns it. */
int64_t wake_back_off(struct wake *w);

/* What went wrong is forgotten. */
void wake_forgive(struct wake *w);

#endif
