/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "spool/leftover.h"
#include "spool/part.h"
#include "spool/schedule.h"
#include "spool/spool_internal.h"

enum {
	/* After so many chunks, let go of the pages that they were on. */
	READ_AT_ONCE = 2048,
	/* Each entry that is added costs memory, until the commit. */
	ADDED_MAX = 100000,
};

/* Of a repair. */
struct repair {
	struct spool *spool;
	struct environment from;     /* what is read */
	struct spool_counters found; /* so far */
	size_t added_max;
};

/* ---- the count ----------------------------------------------------- */

static int
see_to_entry(struct repair *r, int64_t due_ms, uint64_t id)
{
	int rc = schedule_has(&r->from, due_ms, id);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (r->added_max == 0) {
		r->found.is_doubtful = true;
		return 0;
	}
	r->added_max--;
	return schedule_add(&r->spool->environment, due_ms, id);
}

/*
 * Count a message. One whose state cannot be read is of no phase: the worker
 * gives it one when it holds it as damaged.
 */
static int
count_message(void *context, const struct part_message *m)
{
	struct repair *r = context;
	struct message_state state = {0};
	int rc = m->state_rc;

	r->found.bytes += m->bytes;
	r->found.last_id = m->id;
	if (m->is_leftover)
		return 0;
	if (rc == 0)
		rc = spool_decode_state(m->id, &m->state, &state);
	if (rc == -ENOENT || rc == -EBADMSG)
		return see_to_entry(r, 0, m->id);
	if (rc < 0)
		return rc;
	r->found.count[state.phase]++;
	if (state_is_scheduled(&state))
		rc = see_to_entry(r, state.due_ms, m->id);
	state_release(&state);
	return rc;
}

/*
 * Whoever reads a long file has much of it in memory, until he closes it: so
 * it is opened anew for each piece. Nothing has changed since the last commit.
 */
static int
count_messages(struct repair *r)
{
	const size_t map_len = (size_t)r->spool->file.st_size;
	uint64_t id = 0;
	int rc;

	do {
		rc = environment_open(&r->from, SPOOL_FILE, false, map_len);
		if (rc == 0)
			rc = part_walk(
			    &r->from, &id, READ_AT_ONCE, count_message, r);
		environment_close(&r->from);
	} while (rc == 0);
	return rc == -ENOENT ? 0 : rc;
}

/* No id may be given again while something is marked as a leftover of it. */
static int
heed_leftovers(struct repair *r)
{
	uint64_t id = r->found.last_id;
	int rc;

	do {
		rc = leftover_next(&r->spool->environment, &id);
	} while (rc == 0);
	r->found.last_id = id;
	return rc == -ENOENT ? 0 : rc;
}

static bool
is_equal(const struct spool_counters *a, const struct spool_counters *b)
{
	return a->last_id == b->last_id && a->bytes == b->bytes &&
	       a->is_doubtful == b->is_doubtful &&
	       memcmp(a->count, b->count, sizeof(a->count)) == 0;
}

/* ---- the repair ---------------------------------------------------- */

int
spool_recount(struct spool *s, enum spool_access access)
{
	struct repair r = {
	    .spool = s,
	    .added_max = access == SPOOL_CHANGE ? ADDED_MAX : 0,
	};
	int rc;

	rc = count_messages(&r);
	if (rc == 0)
		rc = heed_leftovers(&r);
	if (rc < 0)
		return rc;
	if (r.found.last_id < s->counters.last_id)
		r.found.last_id = s->counters.last_id;
	rc = !is_equal(&s->counters, &r.found);
	s->counters = r.found;
	s->is_recounted = true;
	return rc;
}

int
spool_repair(struct spool *s)
{
	/* They could not even be read. */
	if (s->is_recounted)
		return 1;
	return spool_recount(s, SPOOL_CHANGE);
}

static bool
has_messages(const struct spool_counters *c)
{
	return c->count[PHASE_NEW] || c->count[PHASE_DEFERRED] ||
	       c->count[PHASE_HELD] || c->count[PHASE_FAILED];
}

bool
spool_is_doubtful(struct spool *s)
{
	const struct spool_counters *c = &s->counters;
	const bool is_empty =
	    part_next_id(&s->environment, &(uint64_t){0}) == -ENOENT;
	const bool has_schedule =
	    schedule_next(&s->environment, &(int64_t){0}, &(uint64_t){0}) == 0;

	if (c->is_doubtful || has_messages(c) == is_empty)
		return true;
	if (!has_schedule && c->count[PHASE_NEW] + c->count[PHASE_DEFERRED] > 0)
		return true;
	return is_empty && c->bytes > 0 &&
	       leftover_next(&s->environment, &(uint64_t){0}) == -ENOENT;
}
