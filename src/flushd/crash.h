/* SPDX-License-Identifier: ISC */
/*
 * crash.h - the last word of a worker that its spool kills
 *
 *   There is one worker in a process.
 */
#ifndef FLUSHD_CRASH_H
#define FLUSHD_CRASH_H

#include <stdint.h>

/*
 * From here on, a signal that LMDB may raise on a damaged page first tells the
 * supervisor which message the worker was at, then ends the process.
 */
void crash_catch(void);

/* The message that the worker is at, which its end is put down to; 0: none.
 * Returns the one before. */
uint64_t crash_at(uint64_t id);

/*
 * The relay may have this message and the spool does not say so yet, until it
 * does. While the worker is at no message its end is put down to all such; and
 * of one that it is at, the supervisor is told which of both it is. Lists show
 * them: spool/sending.h.
 */
void crash_sent(uint64_t id);
void crash_recorded(uint64_t id);

/* Tell the supervisor that the worker ends at what it is at. */
void crash_tell(void);

#endif
