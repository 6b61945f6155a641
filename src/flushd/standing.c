/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "flushd/standing.h"

/* More than a worker settles between two of its reports. */
enum { SETTLED_MAX = 1000 * 1000 };

void
standing_take(struct standing *s, const struct depth *depth,
    const struct settled *settled, int64_t boot_ms, int64_t wall_ms)
{
	if (depth) {
		s->depth = *depth;
		depth_clamp(&s->depth);
		s->counted_ms = wall_ms;
	}
	for (int i = 0; i < SETTLED_KIND_COUNT; i++) {
		uint64_t times = settled->count[i];

		if (times > SETTLED_MAX)
			times = SETTLED_MAX;
		if (times > 0)
			meter_add(&s->meters[i], times, boot_ms);
	}
	if (*settled->words)
		standing_note(s, wall_ms, "%.*s",
		    (int)sizeof(settled->words) - 1, settled->words);
}

void
standing_note(struct standing *s, int64_t wall_ms, const char *fmt, ...)
{
	struct buf words = BUF_INIT;
	struct buf shown = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_add_vformat(&words, fmt, ap);
	va_end(ap);
	/* What is escaped is up to four times as long: it is cut again. */
	log_clean(&shown, words.data, words.len, sizeof(s->error));
	snprintf(s->error, sizeof(s->error), "%.*s", (int)sizeof(s->error) - 1,
	    shown.data);
	s->error_ms = wall_ms;
	buf_release(&words);
	buf_release(&shown);
}
