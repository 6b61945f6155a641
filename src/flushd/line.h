/* SPDX-License-Identifier: ISC */
/*
 * line.h - a connection to the relay that a site may have
 *
 *   It is made here and lent to the site's worker. There are only so many for
 *   all sites, and what is lent is kept too, so that it can be cut off:
 *   the limit holds whatever a worker does.
 */
#ifndef FLUSHD_LINE_H
#define FLUSHD_LINE_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/compiler.h"
#include "flushd/slots.h"

struct health;
struct line;
struct relay;

/* Called from the event loop: fd is connected and stays the line's; or it is
 * -errno, and the breaker has heard of it unless it was one to spare. */
typedef void line_done_fn(void *context, int fd);

/* connections are the places of all lines; turn_over is called when another
 * site should have this one's. */
struct line *line_new(sd_event *event, const struct relay *relay,
    struct health *health, struct slots *connections, line_done_fn *done,
    slots_fn *turn_over, void *context) MUST_CHECK;
void line_free(struct line *l); /* NULL is fine */

/* Connect, as soon as there is a place: done() is called once. What was
 * connected before is cut off; what is under way already goes on. */
void line_open(struct line *l);

/* The same if there is a place to spare; otherwise nothing comes of it. */
void line_open_spare(struct line *l);

/* Cut it off, or give it up without a call. */
void line_close(struct line *l);

/* There was no place for it yet. */
bool line_is_awaited(const struct line *l);

#endif
