/* SPDX-License-Identifier: ISC */
/*
 * supply.h - which message a worker sends next
 *
 *   What is due, in the order of due times; unless the site has sent what it
 *   may in an hour, or the last worker could not record what it had sent.
 */
#ifndef FLUSHD_SUPPLY_H
#define FLUSHD_SUPPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "flushd/batch.h"
#include "flushd/delivery.h"
#include "flushd/pace.h"
#include "site/policy.h"
#include "spool/spool.h"

struct supply {
	struct spool *spool;
	const struct policy *policy;
	struct delivery_from from;
	struct pace pace;
	struct batch batch;
	bool has_begun; /* what comes before anything is sent is done */
};

/* All three stay; host is for the trace lines. The rest of caution and pace is
 * for the caller to set. */
void supply_init(struct supply *s, struct spool *spool,
    const struct policy *policy, const char *host);
void supply_release(struct supply *s);

/*
 * Give out the next message that may go: 1 and d, which is not given out again
 * before supply_done(); 0 if there is none for now; or -errno, and the spool is
 * of no use.
 */
int supply_next(struct supply *s, struct delivery *d) MUST_CHECK;
void supply_done(struct supply *s, uint64_t id);

/* The same when there was none, and there is time for what the spool needs
 * besides. */
int supply_tidy(struct supply *s, struct delivery *d) MUST_CHECK;

/* The next one is still to be read, and a damaged spool may kill who does. */
bool supply_must_read(const struct supply *s);

/* When nothing may go: when something will, by the wall clock; INT64_MAX. */
int64_t supply_next_due_ms(const struct supply *s);

/*
 * So many more are due that a second connection is worth its greeting, and one
 * commit for several outcomes its risk. Not where a worker has died: the next
 * may die as well. Nor where what is sent is counted: what is sent at the same
 * time does not know of each other.
 */
bool supply_has_backlog(const struct supply *s);

/* Given out, and not yet done with. */
bool supply_is_out(const struct supply *s);

#endif
