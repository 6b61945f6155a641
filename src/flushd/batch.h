/* SPDX-License-Identifier: ISC */
/*
 * batch.h - what is due in a spool, a few messages at a time
 *
 *   However long the queue is, this holds the ids of BATCH_MAX messages, and a
 *   few of them whole: a turn at the spool costs as much as several messages.
 *   The lock is taken for each step and let go.
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

enum {
	BATCH_MAX = 50,
	BATCH_AHEAD_MAX = 12,	       /* messages that are read at once, */
	BATCH_AHEAD_BYTES = 256 << 10, /* and no more after so much text */
	BATCH_OUT_MAX = 40,
	BATCH_GONE_MAX = 64, /* of the last that left the spool */
};

struct batch_entry {
	int64_t due_ms;
	uint64_t id;
};

struct batch {
	struct caution caution;
	struct batch_entry due[BATCH_MAX]; /* when last looked */
	size_t count;
	size_t at;				/* the next to be read */
	struct delivery ahead[BATCH_AHEAD_MAX]; /* read, in that order */
	size_t ahead_count;
	size_t ahead_at;
	uint64_t out[BATCH_OUT_MAX]; /* given out, and not yet done with */
	size_t out_count;
	uint64_t gone[BATCH_GONE_MAX]; /* a ring; 0: none */
	size_t gone_at;
	struct batch_entry off; /* the last that was taken off the schedule */
	unsigned int misplaced_count; /* were there all the same */
	int64_t next_due_ms; /* wall clock, of what was not due; INT64_MAX */
	struct depth depth;  /* of the spool, when last looked */
	bool has_looked;
};

/* Nothing looked at yet. */
void batch_init(struct batch *b);
void batch_release(struct batch *b);

/*
 * Give out the next message that is due, in d, to be released: it is not given
 * out again before batch_done(). Damaged ones are held on the way, which is
 * logged, as are those that have left and are there again; and entries without
 * a message are removed. Returns 1, or 0 when nothing is due but what is out:
 * next_due_ms and depth are then up to date. Otherwise -errno: the spool is of
 * no use.
 */
int batch_next(struct batch *b, struct spool *s,
    const struct delivery_from *from, struct delivery *d) MUST_CHECK;

/* The next one is still to be read: whoever does that may die of it. */
bool batch_must_read(const struct batch *b);

/* What has become of it is in the spool, or nothing has. */
void batch_done(struct batch *b, uint64_t id);

/* It has left the spool. */
void batch_gone(struct batch *b, uint64_t id);

/* About how many more are due; of a long queue, some of them. */
size_t batch_left(const struct batch *b);

#endif
