/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "flushd/keep.h"
#include "flushd/turn.h"
#include "mail/queue_id.h"

enum {
	/* Read in one turn. */
	LOOKED_AT_MAX = 200,
	/* Removed in one transaction, and the bytes that this may free: the
	 * list of pages that are freed must not become long. */
	REMOVED_MAX = 50,
	FREED_MAX = 1 << 20,
	ADDRESS_SHOWN_MAX = 320,
	DAY_MS = 24 * 60 * 60 * 1000,
};

struct keep {
	struct spool *spool;
	const struct retry_policy *policy;
	const struct clock_moment *now;
	uint64_t last_id;	   /* that was looked at */
	uint64_t ids[REMOVED_MAX]; /* to be removed */
	size_t count;
	struct buf lines; /* for the log, once it is true */
};

/* Ids are the microseconds of the submission; nothing fails before that. */
static bool
is_old(const struct keep *k, uint64_t id)
{
	const int64_t latest_ms = k->now->wall_ms - k->policy->failed_keep_ms;

	return latest_ms > 0 && id / 1000 < (uint64_t)latest_ms;
}

static bool
is_over(const struct keep *k, const struct message_state *s)
{
	const struct clock_moment then = {.wall_ms = s->last_attempt_ms,
	    .boot_ms = s->last_attempt_boot_ms,
	    .boot_id = s->last_attempt_boot_id};

	return s->phase == PHASE_FAILED &&
	       retry_is_kept_enough(k->policy, &then, k->now);
}

/* Note it if it is to be removed: 0 or -errno. */
static int
look_at(struct keep *k, uint64_t id)
{
	struct message_state state;
	struct envelope e;
	int rc = spool_get(k->spool, id, &e, &state);

	/* What is damaged is held one day, and is not for us. */
	if (rc < 0)
		return rc == -EBADMSG ? 0 : rc;
	if (is_over(k, &state))
		k->ids[k->count++] = id;
	envelope_release(&e);
	state_release(&state);
	return 0;
}

/* 1 while there is more to look at, else 0 or -errno. */
static int
look(struct keep *k)
{
	int rc = turn_begin(k->spool, SPOOL_READ);

	k->count = 0;
	for (int n = 0; rc == 0 && n < LOOKED_AT_MAX && k->count < REMOVED_MAX;
	     n++) {
		rc = spool_next(k->spool, &k->last_id);
		if (rc == 0 && !is_old(k, k->last_id))
			rc = -ENOENT;
		if (rc == 0)
			rc = look_at(k, k->last_id);
	}
	spool_abort(k->spool);
	return rc == -ENOENT ? 0 : rc < 0 ? rc : 1;
}

static void
add_address(struct buf *line, const char *name, const char *address)
{
	buf_add_format(line, " %s=<", name);
	log_escape(line, address, strlen(address), ADDRESS_SHOWN_MAX);
	buf_add_char(line, '>');
}

static void
add_line(struct keep *k, uint64_t id, const struct envelope *e)
{
	char text[QUEUE_ID_TEXT_MAX];

	buf_add_format(&k->lines,
	    "id=%s status=removed reason=\"failed %jd days ago\"",
	    queue_id_format(id, text),
	    (intmax_t)(k->policy->failed_keep_ms / DAY_MS));
	add_address(&k->lines, "from", e->sender);
	add_address(&k->lines, "to", e->recipients[0].address);
	buf_add_format(&k->lines, " recipients=%zu\n", e->recipient_count);
}

/* Unless somebody did something about it meanwhile. Adds the bytes freed. */
static int
remove_one(struct keep *k, uint64_t id, uint64_t *freed)
{
	struct message_state state;
	struct envelope e;
	int rc = spool_get(k->spool, id, &e, &state);

	if (rc < 0)
		return rc == -ENOENT || rc == -EBADMSG ? 0 : rc;
	if (is_over(k, &state)) {
		rc = spool_remove(k->spool, id);
		*freed += e.text_len;
		if (rc == 0)
			add_line(k, id, &e);
	}
	envelope_release(&e);
	state_release(&state);
	return rc;
}

static void
log_lines(struct keep *k)
{
	for (char *line = k->lines.data, *end; (end = strchr(line, '\n'));
	     line = end + 1)
		log_notice("%.*s", (int)(end - line), line);
}

/* One transaction, from number *at on. */
static int
remove_some(struct keep *k, size_t *at)
{
	uint64_t freed = 0;
	int rc = turn_begin(k->spool, SPOOL_CHANGE);

	if (rc < 0)
		return rc;
	buf_clear(&k->lines);
	while (rc == 0 && *at < k->count && freed < FREED_MAX)
		rc = remove_one(k, k->ids[(*at)++], &freed);
	rc = turn_end(k->spool, rc);
	if (rc == 0)
		log_lines(k);
	return rc;
}

int
keep_expire(struct spool *s, const struct retry_policy *policy,
    const struct clock_moment *now)
{
	struct keep k = {.spool = s, .policy = policy, .now = now};
	int more;
	int rc = 0;

	buf_init(&k.lines);
	do {
		size_t at = 0;

		more = look(&k);
		while (rc == 0 && more >= 0 && at < k.count)
			rc = remove_some(&k, &at);
	} while (rc == 0 && more > 0);
	buf_release(&k.lines);
	return more < 0 ? more : rc;
}
