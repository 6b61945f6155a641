/* SPDX-License-Identifier: ISC */
/*
 * pulse.h - a worker's signs of life
 *
 *   The supervisor kills a worker from which it hears nothing for 50 s: a site
 *   may have stopped its own. So one that waits, or has much to do, says
 *   something meanwhile.
 */
#ifndef FLUSHD_PULSE_H
#define FLUSHD_PULSE_H

enum { PULSE_MS = 10 * 1000 };

/* Tell the supervisor, but not more than once in PULSE_MS. */
void pulse_beat(void);

#endif
