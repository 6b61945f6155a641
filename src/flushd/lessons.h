/* SPDX-License-Identifier: ISC */
/*
 * lessons.h - what a site's workers have taught: for the log, for who asks, and
 * for the next worker
 *
 *   A worker has read a hostile spool. It can say anything, and is believed for
 *   its own site only; site is that one's name, for the log.
 */
#ifndef FLUSHD_LESSONS_H
#define FLUSHD_LESSONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "flushd/caution.h"
#include "flushd/channel.h"
#include "flushd/minder.h"
#include "flushd/standing.h"
#include "site/rate.h"
#include "site/refused_log.h"

/* All zero: none. */
struct lessons {
	struct standing standing;
	struct rate rate; /* what was sent lately */
	struct refused_mark refused_mark;
	struct caution caution;
	bool is_wiser;	    /* than the worker that runs, or ran last */
	int64_t setback_ms; /* logged, of those that stay; clock_boot_ms() */
};

/* Something went wrong with the site. */
void lessons_error(struct lessons *l, const char *site, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* The same, and a worker is to be tried in delay_ms; 0: never. What stays as it
 * is, is logged once an hour. */
void lessons_setback(
    struct lessons *l, const char *site, const char *why, int64_t delay_ms);

/* It has said COUNTS, ENDS_AT or COMPLAINT, of which words, printable, is the
 * text. */
void lessons_take_counts(struct lessons *l, const struct channel_message *m);
void lessons_take_end(
    struct lessons *l, const char *site, const struct channel_message *m);
void lessons_take_complaint(struct lessons *l, const char *words);

/* It has not ended well: a setback. */
void lessons_take_crash(struct lessons *l, const char *site,
    const struct minder_end *end, int64_t delay_ms);

#endif
