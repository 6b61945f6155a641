/* SPDX-License-Identifier: ISC */
/*
 * crash.h - the last word of a worker that its spool kills
 *
 *   There is one worker in a process.
 */
#ifndef FLUSHD_CRASH_H
#define FLUSHD_CRASH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * From here on, a signal that LMDB may raise on a damaged page first tells the
 * supervisor which message the worker was at, then ends the process.
 */
void crash_catch(void);

/* The message that the worker is at, which its end is put down to; 0: none.
 * is_sent: the relay may have it, and the spool does not say so yet. */
void crash_at(uint64_t id, bool is_sent);

/* Tell the supervisor that the worker ends at this message. */
void crash_tell(void);

#endif
