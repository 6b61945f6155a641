/* SPDX-License-Identifier: ISC */
/*
 * caution.h - what the ends of workers teach the next ones
 *
 *   LMDB checks no page: a message on a damaged one may kill whoever reads it.
 *   Were it tried first by each new worker, nothing behind it would be sent,
 *   so it is skipped. And a message that was sent, but whose outcome could not
 *   be recorded, would be sent again and again: it is skipped too, and the
 *   next workers commit something before they send anything.
 *
 *   The supervisor has it; a worker gets it as an argument.
 */
#ifndef FLUSHD_CAUTION_H
#define FLUSHD_CAUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "mail/queue_id.h"

enum {
	/* Whoever must skip more than that is of no use. */
	CAUTION_SKIP_MAX = 16,
	CAUTION_TEXT_MAX = 1 + CAUTION_SKIP_MAX * QUEUE_ID_TEXT_MAX + 1,
};

/* All zeros: none. */
struct caution {
	bool must_prove; /* that a commit works, before each message */
	uint64_t skipped[CAUTION_SKIP_MAX]; /* ids */
	size_t skipped_count;
};

bool caution_is_none(const struct caution *c);

bool caution_skips(const struct caution *c, uint64_t id);

/* Skip this one from now on. False: it is there already, or has no room. */
bool caution_skip(struct caution *c, uint64_t id);

/* Write it into text, of CAUTION_TEXT_MAX bytes, and return text. */
char *caution_format(const struct caution *c, char *text);

/* Read what caution_format() has written: 0, or -EINVAL. */
int caution_parse(const char *text, struct caution *c) MUST_CHECK;

#endif
