/* SPDX-License-Identifier: ISC */
/*
 * limit.h - what a spool's settings allow a message to be
 */
#ifndef SPOOL_LIMIT_H
#define SPOOL_LIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "mail/envelope.h"
#include "spool/record.h"
#include "spool/spool.h"

enum {
	/* What the worker's Received line may add to a message, in bytes. */
	SUBMIT_RECEIVED_MAX = 512,
	/* For so long submissions may be refused as too many wait. */
	SUBMIT_REFUSE_MAX_MS = 3600 * 1000,
};

/* Which of the spool's settings a message does not keep to. */
enum submit_limit {
	SUBMIT_WITHIN_LIMITS,
	SUBMIT_BLOCKED,	      /* -ECANCELED: the site may not send at all */
	SUBMIT_RATE,	      /* -EAGAIN: more wait than may go in an hour */
	SUBMIT_MESSAGE_BYTES, /* -EMSGSIZE: more than the site may send */
	SUBMIT_RELAY_BYTES,   /* -EMSGSIZE: more than the relay takes */
	SUBMIT_RECIPIENTS,    /* -E2BIG */
	SUBMIT_QUOTA,	      /* -EDQUOT: more than all messages may have */
};

/* 0 or the -errno beside the limit. */
int limit_error(enum submit_limit limit) MUST_CHECK;

/*
 * The bytes that the relay will be told a text has (RFC 1870 section 5), with
 * the worker's Received line: it refuses by that number.
 */
uint64_t limit_count_for_relay(
    const struct spool_piece *pieces, size_t piece_count);

/*
 * The first of the limits that a message does not keep to. relay_bytes is what
 * it has for the relay, now_ms the wall clock.
 */
enum submit_limit limit_find(const struct envelope *e, uint64_t relay_bytes,
    int64_t now_ms, const struct spool_settings *settings,
    const struct spool_counters *counters);

#endif
