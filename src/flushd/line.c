/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "flushd/connector.h"
#include "flushd/health.h"
#include "flushd/line.h"

struct line {
	sd_event *event;
	const struct relay *relay;
	struct health *health;
	struct slots *connections;
	struct slots_guest place;
	struct connector *connector; /* while it is being made */
	int fd;			     /* when it was, or -1 */
	line_done_fn *done;
	slots_fn *turn_over;
	void *context;
};

/* Whoever has a copy of the descriptor has the end of a connection. */
static void
cut_off(struct line *l)
{
	if (l->fd < 0)
		return;
	shutdown(l->fd, SHUT_RDWR);
	close(l->fd);
	l->fd = -1;
}

static void
on_connected(void *context, int fd)
{
	struct line *l = context;

	l->connector = NULL;
	if (fd < 0) {
		/* First, so that nobody comes in its place in vain. One more
		 * than the relay takes is none of its faults. */
		if (!l->place.is_spare)
			health_take_failure(l->health, fd);
		slots_leave(l->connections, &l->place);
	} else {
		l->fd = fd;
	}
	l->done(l->context, fd);
}

static void
on_place(void *context)
{
	struct line *l = context;

	l->connector = connector_new(l->event, l->relay, on_connected, l);
}

static void
on_turn_over(void *context)
{
	struct line *l = context;

	l->turn_over(l->context);
}

void
line_open(struct line *l)
{
	if (l->connector)
		return;
	cut_off(l);
	if (slots_enter(l->connections, &l->place))
		on_place(l);
}

void
line_open_spare(struct line *l)
{
	if (l->connector)
		return;
	cut_off(l);
	if (slots_enter_spare(l->connections, &l->place))
		on_place(l);
}

void
line_close(struct line *l)
{
	connector_free(l->connector);
	l->connector = NULL;
	cut_off(l);
	slots_leave(l->connections, &l->place);
}

bool
line_is_awaited(const struct line *l)
{
	return l->place.where == SLOTS_WAITING;
}

struct line *
line_new(sd_event *event, const struct relay *relay, struct health *health,
    struct slots *connections, line_done_fn *done, slots_fn *turn_over,
    void *context)
{
	struct line *l = alloc_zeroed(sizeof(*l));

	*l = (struct line){
	    .event = event,
	    .relay = relay,
	    .health = health,
	    .connections = connections,
	    .place = {.entered = on_place, .asked = on_turn_over, .context = l},
	    .fd = -1,
	    .done = done,
	    .turn_over = turn_over,
	    .context = context,
	};
	return l;
}

void
line_free(struct line *l)
{
	if (!l)
		return;
	line_close(l);
	free(l);
}
