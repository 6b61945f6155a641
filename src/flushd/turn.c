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

static int
begin(struct spool *s, enum spool_access access, uint64_t need)
{
	return spool_begin(s, access, need, clock_boot_ms() + LOCK_TIMEOUT_MS);
}

/* Whoever has only come to read leaves it to another to settle what is there;
 * but what we read we send. */
static int
begin_settled(struct spool *s)
{
	int rc = begin(s, SPOOL_READ, 0);

	if (rc < 0 || !spool_is_unsettled(s))
		return rc;
	spool_abort(s);
	rc = begin(s, SPOOL_CHANGE, 0);
	if (rc == 0)
		rc = spool_commit(s);
	return rc < 0 ? rc : begin(s, SPOOL_READ, 0);
}

int
turn_begin(struct spool *s, enum spool_access access)
{
	pulse_beat();
	cpu_limit(CPU_MAX_SEC);
	return access == SPOOL_READ ? begin_settled(s) : begin(s, access, 0);
}

int
turn_begin_adding(struct spool *s, uint64_t need)
{
	cpu_limit(CPU_MAX_SEC);
	return begin(s, SPOOL_WRITE, need);
}

int
turn_end(struct spool *s, int rc)
{
	return spool_end(s, rc);
}
