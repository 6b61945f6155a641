/* SPDX-License-Identifier: ISC */
/*
 * pace.h - a worker keeps to what its site may send in an hour
 */
#ifndef FLUSHD_PACE_H
#define FLUSHD_PACE_H

#include <stdint.h>

#include "base/compiler.h"
#include "flushd/delivery.h"
#include "flushd/smtp.h"
#include "site/policy.h"
#include "site/rate.h"

struct pace {
	struct rate rate;	 /* what was sent; the supervisor keeps it */
	int64_t wait_ms;	 /* for how long nothing may go */
	int64_t refuse_until_ms; /* as the spool has it; wall clock */
};

enum pace_verdict {
	PACE_GO,   /* send it */
	PACE_WAIT, /* nothing may go for wait_ms */
	PACE_HELD, /* it is on hold: take another one */
};

/*
 * May this message go now? waiting is how many there are in all. A verdict, or
 * -errno of the spool.
 */
int pace_ask(struct pace *p, const struct policy *policy, struct spool *s,
    const struct delivery *d, uint64_t waiting) MUST_CHECK;

/* The relay has taken the message for some of its recipients. */
void pace_take(struct pace *p, const struct policy *policy,
    const struct smtp_result *result);

#endif
