/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/alloc.h"
#include "flushd/event.h"
#include "flushd/notice.h"

enum { NOTICE_MS = 10 * 1000 };

struct notice {
	notice_fn *line;
	void *context;
	struct buf last;
	sd_event_source *timer;
};

static void
tell(struct notice *n)
{
	struct buf line = BUF_INIT;

	n->line(n->context, &line);
	if (strcmp(line.data, n->last.data) == 0) {
		buf_release(&line);
		return;
	}
	sd_notifyf(0, "STATUS=%s", line.data);
	buf_release(&n->last);
	n->last = line;
}

static int
on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct notice *n = context;

	(void)source;
	(void)usec;
	tell(n);
	event_timer_set(n->timer, NOTICE_MS);
	return 0;
}

struct notice *
notice_new(sd_event *event, notice_fn *line, void *context)
{
	struct notice *n;

	if (!getenv("NOTIFY_SOCKET"))
		return NULL;
	n = alloc_zeroed(sizeof(*n));
	n->line = line;
	n->context = context;
	buf_init(&n->last);
	n->timer = event_timer_new(event, on_timer, n);
	event_timer_set(n->timer, 0);
	return n;
}

void
notice_free(struct notice *n)
{
	if (!n)
		return;
	buf_release(&n->last);
	sd_event_source_unref(n->timer);
	free(n);
}
