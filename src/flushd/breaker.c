/* SPDX-License-Identifier: ISC */
#include "flushd/breaker.h"

enum { PROBE_FIRST_MS = 1000, PROBE_MAX_MS = 30 * 1000 };

/* 1, 2, 4, 8, 16, 30, 30 ... seconds, less a jitter of up to a quarter. */
static int64_t
probe_delay_ms(unsigned int misbehaved, uint32_t random)
{
	int64_t delay = PROBE_FIRST_MS;

	for (unsigned int i = 1; i < misbehaved && delay < PROBE_MAX_MS; i++)
		delay *= 2;
	if (delay > PROBE_MAX_MS)
		delay = PROBE_MAX_MS;
	return delay - delay / 4 * (int64_t)(random >> 16) / 0xffff;
}

static bool
open_breaker(struct breaker *b, int64_t now_ms)
{
	if (b->is_open)
		return false;
	b->is_open = true;
	b->opened_ms = now_ms;
	return true;
}

static bool
close_breaker(struct breaker *b)
{
	bool was_open = b->is_open;

	*b = (struct breaker){0};
	return was_open;
}

bool
breaker_event(struct breaker *b, enum breaker_event event, int64_t now_ms,
    uint32_t random)
{
	switch (event) {
	case BREAKER_REFUSED:
		b->misbehaved = 0;
		b->next_probe_ms = now_ms + PROBE_FIRST_MS;
		return open_breaker(b, now_ms);
	case BREAKER_MISBEHAVED:
		if (b->misbehaved < 16) /* far beyond the longest delay */
			b->misbehaved++;
		b->next_probe_ms =
		    now_ms + probe_delay_ms(b->misbehaved, random);
		return open_breaker(b, now_ms);
	case BREAKER_RECOVERED:
		return close_breaker(b);
	}
	return false;
}
