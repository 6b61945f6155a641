/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "flushd/event.h"
#include "flushd/slots.h"

TAILQ_HEAD(guests, slots_guest);

struct slots {
	size_t max;
	int64_t turn_ms;
	struct guests inside; /* spare ones first, then the longest */
	struct guests waiting;
	size_t inside_count;
	size_t waiting_count;
	size_t asked_count; /* of those inside */
	sd_event_source *timer;
};

/* ---- turns --------------------------------------------------------- */

/* When the next one is to be asked, in ms from now; -1: nobody is. */
static int64_t
next_turn_ms(const struct slots *s, struct slots_guest **next)
{
	struct slots_guest *g;
	int64_t left_ms;

	if (s->waiting_count <= s->asked_count)
		return -1;
	TAILQ_FOREACH(g, &s->inside, link) {
		if (g->where == SLOTS_ASKED)
			continue;
		*next = g;
		left_ms = g->entered_ms + s->turn_ms - clock_boot_ms();
		return left_ms > 0 && !g->is_spare ? left_ms : 0;
	}
	return -1;
}

static void
set_timer(struct slots *s)
{
	struct slots_guest *next = NULL;

	event_timer_set(s->timer, next_turn_ms(s, &next));
}

static int
on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct slots *s = context;
	struct slots_guest *next = NULL;

	(void)source;
	(void)usec;
	while (next_turn_ms(s, &next) == 0) {
		next->where = SLOTS_ASKED;
		s->asked_count++;
		next->asked(next->context);
	}
	set_timer(s);
	return 0;
}

/* ---- in and out ---------------------------------------------------- */

static void
take_place(struct slots *s, struct slots_guest *g, bool is_spare)
{
	g->where = SLOTS_INSIDE;
	g->is_spare = is_spare;
	g->entered_ms = clock_boot_ms();
	if (is_spare)
		TAILQ_INSERT_HEAD(&s->inside, g, link);
	else
		TAILQ_INSERT_TAIL(&s->inside, g, link);
	s->inside_count++;
}

/* Whoever is let in may leave at once, and so let others in. */
static void
let_in(struct slots *s)
{
	struct slots_guest *g;

	while (s->inside_count < s->max &&
	       (g = TAILQ_FIRST(&s->waiting)) != NULL) {
		TAILQ_REMOVE(&s->waiting, g, link);
		s->waiting_count--;
		take_place(s, g, false);
		g->entered(g->context);
	}
	set_timer(s);
}

static bool
has_place(const struct slots *s)
{
	return s->inside_count < s->max && s->waiting_count == 0;
}

bool
slots_enter_spare(struct slots *s, struct slots_guest *g)
{
	if (g->where == SLOTS_OUTSIDE && has_place(s))
		take_place(s, g, true);
	return g->where == SLOTS_INSIDE || g->where == SLOTS_ASKED;
}

bool
slots_enter(struct slots *s, struct slots_guest *g)
{
	if (g->where != SLOTS_OUTSIDE)
		return g->where != SLOTS_WAITING;
	if (has_place(s)) {
		take_place(s, g, false);
		return true;
	}
	g->where = SLOTS_WAITING;
	TAILQ_INSERT_TAIL(&s->waiting, g, link);
	s->waiting_count++;
	set_timer(s);
	return false;
}

void
slots_leave(struct slots *s, struct slots_guest *g)
{
	const enum slots_where where = g->where;

	g->where = SLOTS_OUTSIDE;
	if (where == SLOTS_OUTSIDE)
		return;
	if (where == SLOTS_WAITING) {
		TAILQ_REMOVE(&s->waiting, g, link);
		s->waiting_count--;
		set_timer(s);
		return;
	}
	TAILQ_REMOVE(&s->inside, g, link);
	s->inside_count--;
	if (where == SLOTS_ASKED)
		s->asked_count--;
	let_in(s);
}

void
slots_set_max(struct slots *s, size_t max)
{
	s->max = max;
	let_in(s);
}

/* ---- life ---------------------------------------------------------- */

struct slots *
slots_new(sd_event *event, size_t max, int64_t turn_ms)
{
	struct slots *s = alloc_zeroed(sizeof(*s));

	s->max = max;
	s->turn_ms = turn_ms;
	TAILQ_INIT(&s->inside);
	TAILQ_INIT(&s->waiting);
	s->timer = event_timer_new(event, on_timer, s);
	return s;
}

void
slots_free(struct slots *s)
{
	if (!s)
		return;
	sd_event_source_unref(s->timer);
	free(s);
}

size_t
slots_used(const struct slots *s)
{
	return s->inside_count;
}

size_t
slots_max(const struct slots *s)
{
	return s->max;
}

size_t
slots_waiting(const struct slots *s)
{
	return s->waiting_count;
}
