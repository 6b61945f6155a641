/* SPDX-License-Identifier: ISC */
#include "site/retry.h"
#include "base/compiler.h"

#define MINUTE_MS (INT64_C(60) * 1000)

const struct retry_policy retry_policy_default = {
    .first_delay_ms = MINUTE_MS,
    .delay_max_ms = 30 * MINUTE_MS,
    .lifetime_ms = MINUTE_MS * 60 * 24 * 5,
    .delay_report_ms = MINUTE_MS * 60 * 4,
    .failed_keep_ms = MINUTE_MS * 60 * 24 * 30,
    .step_max_ms = 60 * MINUTE_MS,
    .attempts_min = 10,
};

/* first, doubled attempts - 1 times, but at most max. */
static int64_t
doubled(int64_t first, int64_t max, uint32_t attempts)
{
	int64_t delay = first;

	for (uint32_t i = 1; i < attempts && delay < max; i++)
		delay = delay > max / 2 ? max : delay * 2;
	return delay < max ? delay : max;
}

int64_t
retry_delay_ms(const struct retry_policy *p, uint32_t attempts, uint32_t random)
{
	int64_t delay = doubled(p->first_delay_ms, p->delay_max_ms, attempts);

	/* 16 of the bits are jitter enough, and cannot overflow. */
	return delay - delay / 4 * (int64_t)(random >> 16) / 0xffff;
}

int64_t
retry_age_ms(const struct retry_policy *p, int64_t age_ms,
    const struct clock_moment *then, const struct clock_moment *now)
{
	int64_t step = clock_elapsed_ms(then, now);

	if (step > p->step_max_ms)
		step = p->step_max_ms;
	return age_ms > INT64_MAX - step ? INT64_MAX : age_ms + step;
}

bool
retry_is_expired(
    const struct retry_policy *p, int64_t age_ms, uint32_t attempts)
{
	return age_ms > p->lifetime_ms && attempts >= p->attempts_min;
}

bool
retry_is_kept_enough(const struct retry_policy *p,
    const struct clock_moment *then, const struct clock_moment *now)
{
	if (!clock_is_same_boot(then, now) && now->boot_ms < 60 * MINUTE_MS)
		return false;
	return clock_elapsed_ms(then, now) > p->failed_keep_ms;
}

int64_t
retry_ambiguous_delay_ms(uint32_t count)
{
	static const int64_t delays[] = {
	    5 * MINUTE_MS, 15 * MINUTE_MS, 60 * MINUTE_MS};

	if (count == 0)
		count = 1;
	return count <= ARRAY_LEN(delays) ? delays[count - 1] : -1;
}
