/* SPDX-License-Identifier: ISC */
/*
 * upkeep.h - what a worker does for its spool besides sending what is in it
 *
 *   What it does is logged.
 */
#ifndef FLUSHD_UPKEEP_H
#define FLUSHD_UPKEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "site/policy.h"
#include "spool/spool.h"

/*
 * Before anything is sent: put on hold what came with a copy of a spool, which
 * is one of another site too; "" is any site. 0 or -errno: nothing may be sent.
 */
int upkeep_begin(struct spool *s, const char *site) MUST_CHECK;

/* Free what is left of long messages that were removed. 0 or -errno. */
int upkeep_sweep(struct spool *s) MUST_CHECK;

/*
 * When nothing is due: remove what failed long ago, repair what disagrees with
 * the messages, free what was removed, and give the space of an emptied file
 * back, with what a worker that died at that has left. 1 if something may be
 * due now, else 0 or -errno.
 */
int upkeep_idle(struct spool *s, const struct retry_policy *policy) MUST_CHECK;

/*
 * Let senders know the limits that the operator has set, if there are any: 0 or
 * -errno.
 */
int upkeep_note_policy(struct spool *s, const struct policy *p) MUST_CHECK;

/* Let senders be refused until then, by the wall clock; 0: no longer. 0 or
 * -errno. */
int upkeep_note_refusal(struct spool *s, int64_t until_ms) MUST_CHECK;

/* True if a relay has said how large a message it takes; false too if that
 * cannot be read. */
bool upkeep_knows_relay(struct spool *s);

/*
 * Let senders know how large a message the relay takes: bytes as RFC 1870
 * counts them, 0 if it names no limit. 0 or -errno.
 */
int upkeep_note_relay(struct spool *s, uint64_t bytes_max) MUST_CHECK;

#endif
