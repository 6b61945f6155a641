/* SPDX-License-Identifier: ISC */
/*
 * slots.h - a number of places that all sites take turns in
 *
 *   There are fewer workers, and fewer connections to the relay, than sites.
 *   Who comes first gets a place first; while somebody waits, those who have
 *   had theirs for a turn are asked to leave, the longest first, one for each
 *   who waits. Before them, and at once, those who have a place to spare.
 */
#ifndef FLUSHD_SLOTS_H
#define FLUSHD_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "base/compiler.h"

struct slots;

/* Called with the guest's context: from the event loop, or by slots_leave() or
 * slots_set_max(), never from within slots_enter(). */
typedef void slots_fn(void *context);

enum slots_where { SLOTS_OUTSIDE, SLOTS_WAITING, SLOTS_INSIDE, SLOTS_ASKED };

/* One who takes turns. Set the functions and the context, zero the rest. */
struct slots_guest {
	slots_fn *entered; /* there is a place for you now */
	slots_fn *asked;   /* leave soon, please */
	void *context;
	enum slots_where where;
	bool is_spare;
	int64_t entered_ms; /* clock_boot_ms() */
	TAILQ_ENTRY(slots_guest) link;
};

/* max places, of which each guest may keep his for turn_ms if others wait. */
struct slots *slots_new(
    sd_event *event, size_t max, int64_t turn_ms) MUST_CHECK;
void slots_free(struct slots *s); /* NULL is fine */

/* How many places there are from now on; who is inside stays. */
void slots_set_max(struct slots *s, size_t max);

/*
 * True: you have a place. Else you wait for one, and entered() will be called.
 * Whoever waits or is inside already stays where he is.
 */
bool slots_enter(struct slots *s, struct slots_guest *g) MUST_CHECK;

/* The same if there is a place that nobody waits for, until somebody does; else
 * false, and it does not wait. */
bool slots_enter_spare(struct slots *s, struct slots_guest *g) MUST_CHECK;

/* Give the place back, or wait no longer; outside it does nothing. */
void slots_leave(struct slots *s, struct slots_guest *g);

/* How many are inside, may be, and wait. */
size_t slots_used(const struct slots *s);
size_t slots_max(const struct slots *s);
size_t slots_waiting(const struct slots *s);

#endif
