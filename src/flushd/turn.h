/* SPDX-License-Identifier: ISC */
/*
 * turn.h - a worker's turn at its spool: one transaction
 *
 *   Waits for senders as long as they wait for us, 30 seconds. A file in which
 *   the search goes round in circles ends the process by SIGXCPU, which the
 *   supervisor reports.
 */
#ifndef FLUSHD_TURN_H
#define FLUSHD_TURN_H

#include "base/compiler.h"
#include "spool/spool.h"

/* Begin, to read or to change. 0 or -errno of spool_begin(). */
int turn_begin(struct spool *s, enum spool_access access) MUST_CHECK;

/* The same to add a message of need bytes: -ENOSPC unless there is room left to
 * change and remove others. */
int turn_begin_adding(struct spool *s, uint64_t need) MUST_CHECK;

/* End a turn to change: commit if rc is 0 or more, else undo. Returns rc, or
 * the -errno of the commit. */
int turn_end(struct spool *s, int rc) MUST_CHECK;

#endif
