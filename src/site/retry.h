/* SPDX-License-Identifier: ISC */
/*
 * retry.h - when again, and when never; pure
 */
#ifndef SITE_RETRY_H
#define SITE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct retry_policy {
	int64_t first_delay_ms;
	int64_t delay_max_ms;
	int64_t lifetime_ms;
	int64_t delay_report_ms; /* until a sender who wants it is told */
	int64_t failed_keep_ms;	 /* until what failed is removed */
	int64_t step_max_ms;	 /* what one attempt adds to an age, at most */
	uint32_t attempts_min;	 /* before a message may expire */
};

/* 1 min doubling to 30 min; 5 days and at least 10 attempts; told after 4 h;
 * kept for 30 days; steps of 1 h. */
extern const struct retry_policy retry_policy_default;

/*
 * Time to wait after the attempts-th failed attempt (1 is the first): doubled
 * each time up to the maximum, then scaled by a jitter into [3/4, 1] of that;
 * random is any 32 random bits. Milliseconds.
 */
int64_t retry_delay_ms(
    const struct retry_policy *p, uint32_t attempts, uint32_t random);

/*
 * The age of a message that was tried last at then (or submitted), and is tried
 * again now: what has passed in between counts, but no more than step_max_ms.
 * So it is the time for which the message was tried, again and again; an
 * outage of the relay, a host that is down, and a clock that jumps are one step
 * each, and cannot expire a backlog.
 */
int64_t retry_age_ms(const struct retry_policy *p, int64_t age_ms,
    const struct clock_moment *then, const struct clock_moment *now);

/*
 * True when a message of this age that was just deferred again must be given
 * up: it is older than the lifetime and had the least number of attempts. The
 * attempt that just failed is one since the breaker last closed.
 */
bool retry_is_expired(
    const struct retry_policy *p, int64_t age_ms, uint32_t attempts);

/*
 * True when a message that failed then has been kept for long enough now. In
 * another boot than then only the wall clock can tell, which must be set first:
 * it has an hour from the boot on.
 */
bool retry_is_kept_enough(const struct retry_policy *p,
    const struct clock_moment *then, const struct clock_moment *now);

/*
 * Time to wait after the reply to a final dot was lost for the count-th time:
 * 5, 15, 60 minutes; -1: hold it as maybe delivered.
 */
int64_t retry_ambiguous_delay_ms(uint32_t count);

#endif
