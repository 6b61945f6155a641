/* SPDX-License-Identifier: ISC */
/*
 * rate.h - how much a site may send in an hour; pure
 *
 *   The generic cell rate algorithm (ITU-T I.371): a site that has sent
 *   nothing for an hour may send an hour's worth at once, and then as much as
 *   the rate gives. Nothing is lost by it, things wait.
 */
#ifndef SITE_RATE_H
#define SITE_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* All zeros: nothing was sent yet. Times are clock_boot_ms(). */
struct rate {
	int64_t messages_until_us;   /* when what was sent is made up for */
	int64_t recipients_until_us; /* the same for recipients */
	int64_t said_ms;	     /* when somebody was told, or 0 */
};

/* 0: as many as they like. */
struct rate_limit {
	uint64_t messages;   /* in an hour */
	uint64_t recipients; /* in an hour, of all messages */
};

/*
 * How long a message with so many recipients must wait, in ms; 0: it may go
 * now. One with more than an hour's worth of recipients may go when nothing is
 * to be made up for.
 */
int64_t rate_wait_ms(const struct rate *r, const struct rate_limit *limit,
    uint64_t recipients, int64_t now_ms);

/* There is a limit of either kind. */
bool rate_is_limited(const struct rate_limit *limit);

/* A message has gone to so many recipients. */
void rate_take(struct rate *r, const struct rate_limit *limit,
    uint64_t recipients, int64_t now_ms);

/* What somebody else says of a rate may be anything: within an hour or so of
 * now it can be true. */
void rate_clamp(struct rate *r, int64_t now_ms);

#endif
