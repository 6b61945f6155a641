/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "spool/part.h"
#include "spool/spool_internal.h"

/* After so many messages, let go of the pages that they were on. */
enum { RELEASE_EACH = 1024 };

static int
add_lens(struct spool *s, uint64_t id, struct spool_counters *c)
{
	static const enum part counted[] = {PART_ENVELOPE, PART_TEXT};
	uint64_t len;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(counted); i++) {
		rc = part_len(&s->environment, id, counted[i], &len);
		if (rc == 0)
			c->bytes += len;
	}
	return rc;
}

/*
 * Count a message. One whose state cannot be read is of no phase: the worker
 * gives it one when it holds it as damaged.
 */
static int
count_message(struct spool *s, uint64_t id, struct spool_counters *c)
{
	struct message_state state;
	int rc = add_lens(s, id, c);

	if (rc < 0)
		return rc;
	c->last_id = id;
	rc = spool_read_state(s, id, &state);
	if (rc == -ENOENT || rc == -EBADMSG)
		return schedule_add(&s->environment, 0, id);
	if (rc < 0)
		return rc;
	c->count[state.phase]++;
	if (state_is_scheduled(&state))
		rc = schedule_add(&s->environment, state.due_ms, id);
	state_release(&state);
	return rc;
}

static int
count_messages(struct spool *s, struct spool_counters *c)
{
	uint64_t id = 0;
	int rc = 0;

	for (unsigned int n = 1; rc == 0; n++) {
		rc = part_next_id(&s->environment, &id);
		if (rc == 0)
			rc = count_message(s, id, c);
		if (n % RELEASE_EACH == 0)
			environment_release_pages(&s->environment);
	}
	return rc == -ENOENT ? 0 : rc;
}

static int
count_leftovers(struct spool *s, struct spool_counters *c)
{
	uint64_t id = 0;
	int rc = 0;

	while (rc == 0) {
		rc = leftover_next(&s->environment, &id);
		if (rc == 0)
			rc = add_lens(s, id, c);
		if (rc == 0 && id > c->last_id)
			c->last_id = id;
	}
	return rc == -ENOENT ? 0 : rc;
}

static bool
is_equal(const struct spool_counters *a, const struct spool_counters *b)
{
	return a->last_id == b->last_id && a->bytes == b->bytes &&
	       a->is_doubtful == b->is_doubtful &&
	       memcmp(a->count, b->count, sizeof(a->count)) == 0;
}

int
spool_repair(struct spool *s)
{
	struct spool_counters *old = &s->counters;
	struct spool_counters found = {0};
	int rc;

	rc = count_messages(s, &found);
	if (rc == 0)
		rc = count_leftovers(s, &found);
	if (rc < 0)
		return rc;
	if (found.last_id < old->last_id)
		found.last_id = old->last_id;
	rc = !is_equal(old, &found);
	*old = found;
	return rc;
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
	return is_empty && c->bytes > 0 && !spool_has_leftovers(s);
}
