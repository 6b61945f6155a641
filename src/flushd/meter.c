/* SPDX-License-Identifier: ISC */
#include "flushd/meter.h"

/* Forget the steps that are a minute old. */
static void
move_on(struct meter *m, int64_t now_ms)
{
	const int64_t at = now_ms / METER_STEP_MS;

	for (int64_t n = 0; n < METER_STEPS && m->at + n < at; n++)
		m->steps[(at - n) % METER_STEPS] = 0;
	if (at > m->at)
		m->at = at;
}

void
meter_add(struct meter *m, uint64_t times, int64_t now_ms)
{
	move_on(m, now_ms);
	m->total += times;
	m->steps[m->at % METER_STEPS] += times;
}

uint64_t
meter_per_minute(const struct meter *m, int64_t now_ms)
{
	struct meter now = *m;
	uint64_t sum = 0;

	move_on(&now, now_ms);
	for (int i = 0; i < METER_STEPS; i++)
		sum += now.steps[i];
	return sum;
}
