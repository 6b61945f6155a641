/* SPDX-License-Identifier: ISC */
#include "flushd/turn.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "flushd/pulse.h"

enum {
	LOCK_TIMEOUT_MS = 30 * 1000,
	/* To repair the counters of a million messages takes 2. */
	CPU_MAX_SEC = 20,
};

int
turn_begin(struct spool *s, enum spool_access access)
{
	pulse_beat();
	cpu_limit(CPU_MAX_SEC);
	return spool_begin(s, access, 0, clock_boot_ms() + LOCK_TIMEOUT_MS);
}

int
turn_begin_adding(struct spool *s, uint64_t need)
{
	cpu_limit(CPU_MAX_SEC);
	return spool_begin(
	    s, SPOOL_WRITE, need, clock_boot_ms() + LOCK_TIMEOUT_MS);
}

int
turn_end(struct spool *s, int rc)
{
	return spool_end(s, rc);
}
