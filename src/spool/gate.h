/* SPDX-License-Identifier: ISC */
/*
 * gate.h - the way to the spool's lock: through the turnstile
 *
 *   Whoever lets go of a flock and takes it again at once has it before anybody
 *   who waits for it has woken up. So there is a turnstile in front, which one
 *   who waits for the lock holds: all others come behind him. That makes it
 *   fair and nothing else, so nobody waits there for long: he may have been
 *   stopped.
 */
#ifndef SPOOL_GATE_H
#define SPOOL_GATE_H

#include <stdint.h>

#include "base/compiler.h"
#include "spool/draft.h"
#include "spool/lock.h"
#include "spool/spool.h"
#include "spool/staged.h"

/*
 * Take the lock by deadline_ms (clock_boot_ms()): 0; -ETIMEDOUT, or -errno of
 * flock(2). A draft may be NULL; where there is one and it would have to wait,
 * it is staged, if that can be done: own is then its file, and 1 says that it
 * was committed by another before the lock was to be had.
 */
int gate_enter(struct spool *s, enum lock_kind kind,
    const struct spool_draft *d, struct staged *own,
    int64_t deadline_ms) MUST_CHECK;

#endif
