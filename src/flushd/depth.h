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

/* Messages that are new or deferred, and all of them. */
uint64_t depth_waiting(const struct depth *d);
uint64_t depth_total(const struct depth *d);

/* A message has gone from one phase to another since it was read;
 * PHASE_COUNT: out of the spool. */
void depth_move(
    struct depth *d, enum message_phase from, enum message_phase to);

/* A depth whose numbers can be added and shown, whoever made them up. */
void depth_clamp(struct depth *d);

#endif
