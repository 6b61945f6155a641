/* SPDX-License-Identifier: ISC */
/*
 * submit.h - put one message into a spool, durably
 */
#ifndef SPOOL_SUBMIT_H
#define SPOOL_SUBMIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "spool/spool.h"

/*
 * Store the message and return 0 when it would survive a power cut; *id is
 * then its queue id. On any other return it is not in the spool, but for
 * -EINPROGRESS: it may be. Waits for other senders until deadline_ms
 * (clock_boot_ms()): -ETIMEDOUT. Refuses what the spool's settings forbid:
 * -EMSGSIZE the text is too long, -E2BIG there are too many recipients,
 * -EDQUOT the quota is used up, -ECANCELED the site is blocked. Otherwise as
 * spool.h says. now_ms is the wall clock.
 */
int spool_submit(struct spool *s, const struct envelope *e,
    const struct spool_piece *pieces, size_t piece_count, int64_t now_ms,
    int64_t deadline_ms, uint64_t *id) MUST_CHECK;

#endif
