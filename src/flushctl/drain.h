/* SPDX-License-Identifier: ISC */
/*
 * drain.h - when a backlog will be gone; pure
 */
#ifndef FLUSHCTL_DRAIN_H
#define FLUSHCTL_DRAIN_H

#include <stdint.h>

#include "base/buf.h"

enum drain_trend {
	DRAIN_EMPTY,   /* nothing waits */
	DRAIN_FALLING, /* gone after sec seconds */
	DRAIN_GROWING, /* more comes than leaves */
	DRAIN_STEADY,  /* as much as leaves, perhaps nothing */
};

struct drain {
	enum drain_trend trend;
	int64_t sec; /* FALLING; at most 99999 days */
};

/* So many wait, and so many came and left in the last minute. */
struct drain drain_estimate(
    uint64_t waiting, uint64_t in_per_minute, uint64_t out_per_minute);

/* Append it for a column of 7: "-", "12m", "growing", "steady". */
void drain_add_short(struct buf *out, const struct drain *d);

/*
 * Append it as words: "growing", "neither grows nor shrinks", "gone in 12m, at
 * 14:32", or with the day where that is not within 20 hours. Local time;
 * now_sec is since 1970. Of an empty one, nothing.
 */
void drain_add(struct buf *out, const struct drain *d, int64_t now_sec);

/* Append a duration in its greatest unit: 59s, 12m, 47h, 3d. */
void drain_add_duration(struct buf *out, int64_t sec);

#endif
