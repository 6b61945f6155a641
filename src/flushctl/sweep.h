/* SPDX-License-Identifier: ISC */
/*
 * sweep.h - change messages of a spool, some at a time
 *
 *   Senders wait for a batch and its commit at most: one takes about
 *   SWEEP_BATCH_MS. What a filter is to find is looked for as a list is read,
 *   and looked at once more before it is changed.
 */
#ifndef FLUSHCTL_SWEEP_H
#define FLUSHCTL_SWEEP_H

#include "base/compiler.h"
#include "flushctl/change.h"
#include "flushctl/errand.h"
#include "listing/filter.h"

enum { SWEEP_BATCH_MS = 5 };

struct sweep {
	const struct change *change;
	const struct filter *filter;
	bool is_rehearsal; /* only count */
};

/*
 * Change the messages that the target's ids name, or without ids those that the
 * filter lets pass; the tally counts what was changed. What is wrong is said.
 * STATUS_DONE; STATUS_NOT_FOUND: an id is of none or there was nothing to do
 * with it; STATUS_FAILED.
 */
int sweep_run(const struct sweep *sweep, const struct target *target,
    struct spool *s, struct tally *tally) MUST_CHECK;

#endif
