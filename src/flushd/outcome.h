/* SPDX-License-Identifier: ISC */
/*
 * outcome.h - what a transaction made of a message, and how it is recorded
 */
#ifndef FLUSHD_OUTCOME_H
#define FLUSHD_OUTCOME_H

#include <stdbool.h>

#include "base/compiler.h"
#include "flushd/attempt.h"
#include "flushd/bounce.h"
#include "flushd/delivery.h"
#include "flushd/smtp.h"
#include "site/retry.h"

struct outcome {
	struct delivery delivery;
	enum attempt_verdict verdict;
	enum message_phase phase_before; /* of the message */
	struct bounce bounce;		 /* the report, if there is one */
};

/* What is known of a transaction beside the message. */
struct outcome_case {
	const struct smtp_result *result;
	const char *relay;
	bool has_relay_dsn; /* the relay offers DSN */
	const struct retry_policy *policy;
};

/*
 * Log the result of a transaction, and make of it the new state of the message
 * in d, which moves into o, and a report to its sender if one is due. Release.
 */
void outcome_make(
    struct outcome *o, struct delivery *d, const struct outcome_case *c);
void outcome_release(struct outcome *o);

/* True if outcome_apply() can record it. */
bool outcome_is_plain(const struct outcome *o);

/* Record a plain one in a turn of SPOOL_CHANGE: 0, or -errno: end the turn. */
int outcome_apply(struct outcome *o, struct spool *s) MUST_CHECK;

/*
 * Record any, in turns of its own, with the report if there is room for it:
 * durable at 0, else -errno.
 */
int outcome_store(struct outcome *o, struct spool *s) MUST_CHECK;

/* The phase of the message by it; PHASE_COUNT: it leaves the spool. */
enum message_phase outcome_phase(const struct outcome *o);

/* True if a -errno of a spool is one that no time will cure. */
bool outcome_is_lasting(int error);

/* What a -errno of a spool means, in a few words. */
const char *outcome_spool_error(int error);

#endif
