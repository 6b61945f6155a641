/* SPDX-License-Identifier: ISC */
/*
 * depth.h - how much there is in a spool, as a worker tells its supervisor
 */
#ifndef FLUSHD_DEPTH_H
#define FLUSHD_DEPTH_H

#include <stdint.h>

#include "base/compiler.h"
#include "spool/spool.h"

struct depth {
	uint64_t count[PHASE_COUNT]; /* messages by phase */
	uint64_t bytes;		     /* of all texts and envelope records */
	int64_t oldest_ms;	     /* wall clock: when the oldest message was
					submitted; 0: there is none */
};

/* Read it within a transaction: 0 or -errno. */
int depth_read(struct spool *s, struct depth *d) MUST_CHECK;

/* Messages that are new or deferred. */
uint64_t depth_waiting(const struct depth *d);

/* A depth whose numbers can be added and shown, whoever made them up. */
void depth_clamp(struct depth *d);

#endif
