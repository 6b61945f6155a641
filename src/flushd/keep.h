/* SPDX-License-Identifier: ISC */
/*
 * keep.h - failed messages are kept for a time, then removed
 */
#ifndef FLUSHD_KEEP_H
#define FLUSHD_KEEP_H

#include "base/clock.h"
#include "base/compiler.h"
#include "site/retry.h"
#include "spool/spool.h"

/*
 * Remove the failed messages that were kept long enough by the policy, each
 * with a line in the log. Looks at messages only that are older than that, a
 * few at a time. 0 or -errno.
 */
int keep_expire(struct spool *s, const struct retry_policy *policy,
    const struct clock_moment *now) MUST_CHECK;

#endif
