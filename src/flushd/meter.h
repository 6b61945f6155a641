/* SPDX-License-Identifier: ISC */
/*
 * meter.h - how often something happens; pure
 *
 *   Counts by tens of seconds, and so knows of the last minute.
 */
#ifndef FLUSHD_METER_H
#define FLUSHD_METER_H

#include <stdint.h>

enum { METER_STEP_MS = 10 * 1000, METER_STEPS = 6 };

/* All zero: it never happened. */
struct meter {
	uint64_t total;
	uint64_t steps[METER_STEPS];
	int64_t at; /* the last step: clock_boot_ms() / METER_STEP_MS */
};

/* It happened so many times, at now_ms on clock_boot_ms(). */
void meter_add(struct meter *m, uint64_t times, int64_t now_ms);

/* How often in the last 50 to 60 s. */
uint64_t meter_per_minute(const struct meter *m, int64_t now_ms);

#endif
