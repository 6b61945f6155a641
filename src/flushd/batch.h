/* SPDX-License-Identifier: ISC */
/*
 * batch.h - what is due in a spool, a few messages at a time
 *
 *   However long the queue is, this holds the ids of BATCH_MAX messages. The
 *   lock is taken for each step and let go.
 */
#ifndef FLUSHD_BATCH_H
#define FLUSHD_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "flushd/caution.h"
#include "flushd/delivery.h"
#include "flushd/depth.h"
#include "spool/spool.h"

enum { BATCH_MAX = 50 };

struct batch {
	struct caution caution;
	struct {
		int64_t due_ms;
		uint64_t id;
	} due[BATCH_MAX]; /* when last looked */
	size_t count;
	int64_t off_due_ms; /* the last that was taken off the schedule */
	uint64_t off_id;
	unsigned int misplaced_count; /* were there all the same */
	size_t at;		      /* the next to be loaded */
	int64_t next_due_ms; /* wall clock, of what was not due; INT64_MAX */
	struct depth depth;  /* of the spool, when last looked */
	bool has_looked;
};

/* Nothing looked at yet. */
void batch_init(struct batch *b);

/*
 * Load the next message that is due into d. Damaged ones are held on the way,
 * which is logged, and entries without a message are removed. Returns 1, or 0
 * when nothing is due: next_due_ms and depth are then up to date. Otherwise
 * -errno: the spool is of no use.
 */
int batch_load_next(struct batch *b, struct spool *s, const char *host,
    struct delivery *d) MUST_CHECK;

#endif
