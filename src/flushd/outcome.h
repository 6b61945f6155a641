/* SPDX-License-Identifier: ISC */
/*
 * outcome.h - log and record what a transaction made of a message
 *
 *   The relay has spoken, and the disk may not take its word: to begin anew
 *   would send the message twice. So only the word is tried again, until the
 *   spool takes it or is gone.
 */
#ifndef FLUSHD_OUTCOME_H
#define FLUSHD_OUTCOME_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/compiler.h"
#include "flushd/delivery.h"
#include "flushd/retry.h"
#include "flushd/smtp.h"

struct outcome;

/*
 * Called from the event loop when an outcome that could not be recorded at
 * once is: 0; or never will be: -errno, the spool is of no use.
 */
typedef void outcome_settled_fn(void *context, int rc);

/* policy must stay. */
struct outcome *outcome_new(sd_event *event, struct spool *spool,
    const struct retry_policy *policy, outcome_settled_fn *settled,
    void *context) MUST_CHECK;
void outcome_free(struct outcome *o); /* NULL is fine */

/*
 * Apply the result of a transaction with relay to the delivery, and record it,
 * with a report to its sender if one is due. has_relay_dsn: the relay offers
 * DSN. 0: done. 1: to be tried again; the delivery must stay until settled is
 * called, and nothing else may be begun. -errno: the spool is of no use.
 */
int outcome_take(struct outcome *o, struct delivery *d,
    const struct smtp_result *result, const char *relay,
    bool has_relay_dsn) MUST_CHECK;

/* True while it is to be tried again; outcome_retry() does that now. */
bool outcome_is_open(const struct outcome *o);
int outcome_retry(struct outcome *o) MUST_CHECK;

/* True if the last one leaves nothing to be sent of its message for now. */
bool outcome_is_final(const struct outcome *o);

/* True if a -errno of a spool is one that no time will cure. */
bool outcome_is_lasting(int error);

/* What a -errno of a spool means, in a few words. */
const char *outcome_spool_error(int error);

#endif
