/* SPDX-License-Identifier: ISC */
#include "site/rate.h"

#define HOUR_US INT64_C(3600000000)

/* A message may go to more recipients than there may be in an hour. */
enum { DEBT_MAX_HOURS = 24 };

static int64_t
cost_us(uint64_t limit, uint64_t count)
{
	int64_t cost;

	if (limit == 0)
		return 0;
	if (__builtin_mul_overflow(HOUR_US / (int64_t)limit, count, &cost) ||
	    cost > DEBT_MAX_HOURS * HOUR_US)
		cost = DEBT_MAX_HOURS * HOUR_US;
	return cost;
}

static int64_t
wait_us(int64_t until_us, uint64_t limit, uint64_t count, int64_t now_us)
{
	const int64_t debt_us = until_us > now_us ? until_us - now_us : 0;
	const int64_t cost = cost_us(limit, count);
	const int64_t most_us = cost < HOUR_US ? HOUR_US - cost : 0;

	if (limit == 0 || debt_us <= most_us)
		return 0;
	return debt_us - most_us;
}

static int64_t
take(int64_t until_us, uint64_t limit, uint64_t count, int64_t now_us)
{
	const int64_t cost = cost_us(limit, count);

	return (until_us > now_us ? until_us : now_us) + cost;
}

int64_t
rate_wait_ms(const struct rate *r, const struct rate_limit *limit,
    uint64_t recipients, int64_t now_ms)
{
	const int64_t now_us = now_ms * 1000;
	const int64_t m =
	    wait_us(r->messages_until_us, limit->messages, 1, now_us);
	const int64_t n = wait_us(
	    r->recipients_until_us, limit->recipients, recipients, now_us);

	return ((m > n ? m : n) + 999) / 1000;
}

void
rate_take(struct rate *r, const struct rate_limit *limit, uint64_t recipients,
    int64_t now_ms)
{
	const int64_t now_us = now_ms * 1000;

	r->messages_until_us =
	    take(r->messages_until_us, limit->messages, 1, now_us);
	r->recipients_until_us =
	    take(r->recipients_until_us, limit->recipients, recipients, now_us);
}

static int64_t
clamp(int64_t until_us, int64_t now_us)
{
	const int64_t most_us = now_us + (DEBT_MAX_HOURS + 1) * HOUR_US;

	return until_us < 0 ? 0 : until_us > most_us ? most_us : until_us;
}

void
rate_clamp(struct rate *r, int64_t now_ms)
{
	r->messages_until_us = clamp(r->messages_until_us, now_ms * 1000);
	r->recipients_until_us = clamp(r->recipients_until_us, now_ms * 1000);
	if (r->said_ms > now_ms)
		r->said_ms = 0;
}

bool
rate_is_limited(const struct rate_limit *limit)
{
	return limit->messages > 0 || limit->recipients > 0;
}
