/* SPDX-License-Identifier: ISC */
/*
 * policy.h - what the operator wants of a site; the supervisor has it from its
 * configuration, a worker from the supervisor
 */
#ifndef SITE_POLICY_H
#define SITE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "site/rate.h"
#include "site/retry.h"
#include "spool/record.h"

enum { POLICY_SITE_MAX = 64 };

/* What becomes of messages that are more than may go in an hour. */
enum policy_over {
	POLICY_PACE,   /* they wait */
	POLICY_HOLD,   /* they are held for an operator */
	POLICY_REFUSE, /* they wait, and no more are taken meanwhile */
	POLICY_OVER_COUNT
};

struct policy {
	char site[POLICY_SITE_MAX + 1]; /* its name; "": it has none */
	/* Without a configuration the limits are those of the spool. */
	bool has_limits;
	uint64_t message_bytes_max;
	uint64_t recipients_max;
	uint64_t quota_bytes;
	char domain[RECORD_DOMAIN_MAX + 1]; /* "": none */
	struct retry_policy retry;
	bool is_soft_bounce; /* no refusal is for good */
	struct rate_limit rate;
	enum policy_over over_rate;
};

enum {
	POLICY_WORKERS_MAX = 32,     /* of all sites, at the same time */
	POLICY_CONNECTIONS_MAX = 20, /* postfix has 100 in all */
};

/* What there is without any file. */
void policy_init(struct policy *p);

#endif
