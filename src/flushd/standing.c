/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "flushd/standing.h"

/* More than a worker settles between two of its reports. */
enum { SETTLED_MAX = 1000 * 1000, COMMIT_US_MAX = 1000 * 1000 * 1000 };

static uint64_t
at_most(uint64_t n, uint64_t max)
{
	return n < max ? n : max;
}

static void
add(struct meter *m, uint64_t times, int64_t boot_ms)
{
	if (times > 0)
		meter_add(m, at_most(times, SETTLED_MAX), boot_ms);
}

/* The first time there is nothing to compare with. */
static void
take_depth(struct standing *s, const struct depth *depth, uint64_t left,
    int64_t boot_ms, int64_t wall_ms)
{
	const uint64_t before = depth_total(&s->depth);
	uint64_t after;

	s->depth = *depth;
	depth_clamp(&s->depth);
	after = depth_total(&s->depth) + at_most(left, SETTLED_MAX);
	if (s->counted_ms != 0 && after > before)
		add(&s->arrived, after - before, boot_ms);
	s->counted_ms = wall_ms;
}

void
standing_take(struct standing *s, const struct depth *depth,
    const struct settled *settled, int64_t boot_ms, int64_t wall_ms)
{
	if (depth)
		take_depth(s, depth, settled->left, boot_ms, wall_ms);
	for (int i = 0; i < SETTLED_KIND_COUNT; i++)
		add(&s->meters[i], settled->count[i], boot_ms);
	add(&s->left, settled->left, boot_ms);
	s->commits += at_most(settled->commits, SETTLED_MAX);
	s->commit_us += at_most(settled->commit_us, COMMIT_US_MAX);
	if (*settled->words)
		standing_note(s, wall_ms, "%.*s",
		    (int)sizeof(settled->words) - 1, settled->words);
}

void
standing_refused(struct standing *s, uint64_t count, int64_t boot_ms)
{
	add(&s->refused, count, boot_ms);
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
