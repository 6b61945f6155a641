/* SPDX-License-Identifier: ISC */
/*
 * snapshot.h - what flushd has said of its sites, taken apart; pure
 *
 *   Trust  the answer is flushd's, what stands in it partly a hostile site's:
 *          strings may hold anything but a NUL and are escaped where they are
 *          shown, numbers are 0 or more. What is missing, or of another kind,
 *          is 0 or "", so that flushd and flushctl may differ in version.
 */
#ifndef FLUSHCTL_SNAPSHOT_H
#define FLUSHCTL_SNAPSHOT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "spool/state.h"

/* What flushd counts since its start, and by the minute. */
enum snapshot_kind {
	COUNTED_ARRIVED, /* messages */
	COUNTED_LEFT,
	COUNTED_SENT, /* recipients */
	COUNTED_DEFERRED,
	COUNTED_FAILED,
	COUNTED_REFUSED, /* submissions, as the site has noted it */
	COUNTED_KIND_COUNT
};

enum { SNAPSHOT_NEVER = -1 };

struct snapshot_site {
	const char *name;
	const char *state; /* "idle", "delayed"... */
	const char *error; /* the last; "": there was none */
	bool is_counted;   /* else depth and age are not known */
	uint64_t count[PHASE_COUNT];
	uint64_t bytes;
	int64_t oldest_age_sec; /* of all messages; SNAPSHOT_NEVER: none */
	int64_t counted_sec;	/* since 1970; 0: not yet */
	int64_t error_sec;	/* since 1970 */
	uint64_t crashes;
	uint64_t total[COUNTED_KIND_COUNT];
	uint64_t per_minute[COUNTED_KIND_COUNT];
	uint64_t commits;
	uint64_t commit_us;
	bool is_relay_up;
	const char *line; /* of the answer, with its end */
	size_t line_len;
};

struct snapshot_places {
	uint64_t used, max, waiting;
};

struct snapshot_relay {
	const char *name;
	bool is_up;
	int64_t since_sec; /* since 1970 */
	const char *reason;
	int64_t next_probe_sec; /* since 1970 */
	struct snapshot_places connections, workers;
	const char *version; /* flushd's; "": it does not say */
	int64_t started_sec; /* since 1970; 0: it does not say */
	const char *line;    /* of the answer, with its end */
	size_t line_len;
};

struct snapshot {
	struct snapshot_site *sites; /* by name */
	size_t count;
	bool has_relay; /* root is told of it */
	struct snapshot_relay relay;
	json_t *objects; /* what the strings are in */
};

/*
 * Take an answer apart, which is one JSON object a line and must stay, as lines
 * are left in it. is_root: the relay comes last, and without it the answer is
 * not whole. 0; -EBADMSG: it is not what flushd says, or not whole; -EPERM: a
 * refusal, whose words are appended to refusal. Release it on success.
 */
int snapshot_parse(const char *answer, size_t len, bool is_root,
    struct snapshot *s, struct buf *refusal) MUST_CHECK;
void snapshot_release(struct snapshot *s);

/* Leave only the site of that name. False: there is none, and all stay. */
bool snapshot_choose(struct snapshot *s, const char *name) MUST_CHECK;

/* Is the relay up, as far as it is known? */
bool snapshot_is_relay_up(const struct snapshot *s);

/* ---- a site -------------------------------------------------------- */

/* Messages that are new or deferred. */
uint64_t snapshot_waiting(const struct snapshot_site *site);

/* Its mail is not sent: nothing was found out, or a worker has failed. */
bool snapshot_is_in_error(const struct snapshot_site *site);

enum snapshot_trouble {
	TROUBLE_NONE,
	TROUBLE_KEPT,  /* something is held or has failed */
	TROUBLE_ERROR, /* its mail is not sent */
};

enum snapshot_trouble snapshot_trouble(const struct snapshot_site *site);

/* Put those in trouble first, then those with most waiting. */
void snapshot_sort(struct snapshot *s);

/* ---- all of them --------------------------------------------------- */

struct snapshot_sum {
	uint64_t waiting;
	uint64_t count[PHASE_COUNT];
	uint64_t per_minute[COUNTED_KIND_COUNT];
	int64_t oldest_age_sec; /* SNAPSHOT_NEVER: there is nothing */
	size_t in_error;	/* sites */
};

struct snapshot_sum snapshot_add_up(const struct snapshot *s);

#endif
