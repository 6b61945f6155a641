/* SPDX-License-Identifier: ISC */
/*
 * answer.h - the state of sites and relay as JSON, one object a line; pure
 *
 *   The keys are those of flushctl(8), "status --json". Whatever the words in
 *   it are, a line is valid.
 */
#ifndef FLUSHD_ANSWER_H
#define FLUSHD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "flushd/standing.h"
#include "site/site.h"

/* The two clocks, as it is now. */
struct answer_time {
	int64_t boot_ms;
	int64_t wall_ms;
};

enum answer_state {
	ANSWER_IDLE,
	ANSWER_WAITING, /* for a place among the workers or connections */
	ANSWER_WORKING,
	ANSWER_DELAYED, /* after something went wrong */
	ANSWER_STOPPING,
	ANSWER_STATE_COUNT
};

/* "idle", "waiting", "working", "delayed", "stopping". */
extern const char *const answer_state_names[ANSWER_STATE_COUNT];

struct answer_site {
	const struct site *site;
	const struct standing *standing;
	enum answer_state state;
	int64_t next_due_ms; /* wall clock; INT64_MAX: nothing is due */
	bool is_relay_up;
};

/* Places that sites take turns in. */
struct answer_places {
	size_t used;
	size_t max;
	size_t waiting;
};

struct answer_relay {
	const char *name;
	bool is_up;
	int64_t since_ms;      /* clock_boot_ms(), as it is up or down */
	const char *reason;    /* why it is down */
	int64_t next_probe_ms; /* clock_boot_ms(), while it is down */
	struct answer_places connections;
	struct answer_places workers;
	size_t site_count;
	uint64_t waiting;   /* messages of all sites */
	int64_t started_ms; /* clock_boot_ms(), this flushd */
};

void answer_add_site(struct buf *out, const struct answer_site *a,
    const struct answer_time *now);
void answer_add_relay(struct buf *out, const struct answer_relay *a,
    const struct answer_time *now);

/* A request that is not answered. */
void answer_add_error(struct buf *out, const char *why);

#endif
