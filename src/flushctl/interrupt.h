/* SPDX-License-Identifier: ISC */
/*
 * interrupt.h - end in good order when told to
 *
 *   Who is in the middle of changing many messages notes the first SIGINT,
 *   SIGTERM or SIGHUP, ends what it has begun, says what was done, and only
 *   then dies of it. A child that is forked meanwhile does the same.
 */
#ifndef FLUSHCTL_INTERRUPT_H
#define FLUSHCTL_INTERRUPT_H

#include <stdbool.h>

enum interrupt_second {
	INTERRUPT_KILLS,       /* a second one of a kind */
	INTERRUPT_NEVER_KILLS, /* what was begun must be ended or undone */
};

/* From here on one is noted, unless it is ignored. */
void interrupt_defer(enum interrupt_second second);

/* Has one come? */
bool interrupt_has_come(void);

/* Die of the one that has come; else signals are as they were. */
void interrupt_obey(void);

#endif
