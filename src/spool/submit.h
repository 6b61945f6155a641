/* SPDX-License-Identifier: ISC */
/*
 * submit.h - put one message into a spool, durably and within its limits
 */
#ifndef SPOOL_SUBMIT_H
#define SPOOL_SUBMIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "spool/limit.h"
#include "spool/spool.h"

/* What became of a message, and what the spool said for it. */
struct submit_result {
	uint64_t id;	      /* if it is stored */
	uint64_t relay_bytes; /* what it has for the relay, at most */
	enum submit_limit limit;
	/* As its transaction found them; zeros if there was none. */
	struct spool_settings settings;
	struct spool_counters counters;
};

/*
 * Store the message and return 0 when it would survive a power cut. On any
 * other return it is not in the spool, but for -EINPROGRESS: it may be. Waits
 * for other senders until deadline_ms (clock_boot_ms()): -ETIMEDOUT. What the
 * spool's settings forbid is refused with the error beside the limit; other
 * errors are those of spool.h. now_ms is the wall clock. *r is set in any case.
 */
int spool_submit(struct spool *s, const struct envelope *e,
    const struct spool_piece *pieces, size_t piece_count, int64_t now_ms,
    int64_t deadline_ms, struct submit_result *r) MUST_CHECK;

/*
 * Read settings and counters only, for a sender that wants to know its limits
 * before it has all of the message. Waits and fails as spool_submit() does, if
 * the site is blocked too.
 */
int spool_look(
    struct spool *s, int64_t deadline_ms, struct submit_result *r) MUST_CHECK;

#endif
