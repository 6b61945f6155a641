/* SPDX-License-Identifier: ISC */
/*
 * verdict.h - whether all is well, in the words of Nagios' plugins; pure
 *
 *   https://nagios-plugins.org/doc/guidelines.html: one line, what a person
 *   reads, then a "|" and values that a program reads.
 */
#ifndef FLUSHCTL_VERDICT_H
#define FLUSHCTL_VERDICT_H

#include <stdint.h>

#include "base/buf.h"
#include "flushctl/snapshot.h"

/* Exit statuses too. */
enum verdict {
	VERDICT_OK = 0,
	VERDICT_WARNING = 1,
	VERDICT_CRITICAL = 2,
	VERDICT_UNKNOWN = 3,
};

/* "OK", "WARNING", "CRITICAL", "UNKNOWN". */
extern const char *const verdict_names[];

/* What more than that is; as Nagios means it. */
struct threshold {
	uint64_t warn;
	uint64_t crit;
};

struct thresholds {
	struct threshold waiting; /* messages of all sites together */
	struct threshold age_sec; /* of the oldest */
	uint64_t held;		  /* warn only */
	uint64_t failed;
};

/* 1000 and 10000 messages, 15 minutes and 2 hours, none held or failed. */
extern const struct thresholds verdict_thresholds;

/*
 * Judge what flushd says at now_sec, since 1970, and append the line without
 * its end. A relay is critical that was down for a minute, and so are sites
 * that are all in error.
 */
enum verdict verdict_add(struct buf *out, const struct snapshot *s,
    const struct thresholds *t, int64_t now_sec);

#endif
