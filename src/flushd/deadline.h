/* SPDX-License-Identifier: ISC */
/*
 * deadline.h - until when a conversation may wait for its relay; pure
 *
 *   RFC 5321 section 4.5.3.2. The time for a reply begins when the command is
 *   written, or with the reply before if both were asked for at once, and no
 *   byte extends it: a drip must not live for ever.
 */
#ifndef FLUSHD_DEADLINE_H
#define FLUSHD_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "flushd/smtp.h"

struct deadline {
	int64_t due_ms;	   /* 0: none */
	const char *phase; /* it was set for; NULL: none */
	uint64_t replies;  /* that had come by then */
};

/*
 * Find out what s waits for at now_ms, which is more than 0; is_blocked: for
 * its output to be written. True if the deadline is another one now. A
 * piece of output has 180 seconds, a reply smtp_timeout_ms(). All zero is no
 * deadline.
 */
bool deadline_follow(
    struct deadline *d, const struct smtp *s, bool is_blocked, int64_t now_ms);

#endif
