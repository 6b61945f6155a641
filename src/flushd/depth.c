/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "flushd/depth.h"

/* No spool holds more; and the sum of a million of them is a number too. */
#define DEPTH_MAX (UINT64_C(1) << 42)

int
depth_read(struct spool *s, struct depth *d)
{
	struct spool_counters counters;
	struct depth found = {0};
	uint64_t id = 0;
	int rc = spool_get_counters(s, &counters);

	if (rc < 0)
		return rc;
	memcpy(found.count, counters.count, sizeof(found.count));
	found.bytes = counters.bytes;
	rc = spool_next(s, &id);
	/* An id is the microsecond in which it was given. */
	if (rc == 0)
		found.oldest_ms = (int64_t)(id / 1000);
	else if (rc != -ENOENT && rc != -EBADMSG)
		return rc;
	*d = found;
	return 0;
}

uint64_t
depth_waiting(const struct depth *d)
{
	return d->count[PHASE_NEW] + d->count[PHASE_DEFERRED];
}

uint64_t
depth_total(const struct depth *d)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < PHASE_COUNT; i++)
		sum += d->count[i];
	return sum;
}

void
depth_move(struct depth *d, enum message_phase from, enum message_phase to)
{
	if (d->count[from] > 0)
		d->count[from]--;
	if (to < PHASE_COUNT)
		d->count[to]++;
}

void
depth_clamp(struct depth *d)
{
	for (size_t i = 0; i < PHASE_COUNT; i++)
		if (d->count[i] > DEPTH_MAX)
			d->count[i] = DEPTH_MAX;
	if (d->bytes > DEPTH_MAX)
		d->bytes = DEPTH_MAX;
	if (d->oldest_ms < 0)
		d->oldest_ms = 0;
}
