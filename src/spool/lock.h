/* SPDX-License-Identifier: ISC */
/*
 * lock.h - flock(2) with a deadline
 *
 *   A flock dies with its owner and works across chroots and containers. It
 *   belongs to the open file: closing the descriptor lets go.
 */
#ifndef SPOOL_LOCK_H
#define SPOOL_LOCK_H

#include <stdint.h>

#include "base/compiler.h"

enum lock_kind { LOCK_SHARED, LOCK_EXCLUSIVE };

/*
 * Wait for the lock on fd until deadline_ms (clock_boot_ms()); one in the past
 * means: do not wait. 0, -ETIMEDOUT, or -errno of flock(2). Uses SIGALRM and
 * ITIMER_REAL while it waits, and puts back what it found.
 */
int lock_take(int fd, enum lock_kind kind, int64_t deadline_ms) MUST_CHECK;

void lock_release(int fd);

#endif
