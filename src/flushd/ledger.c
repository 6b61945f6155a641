/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "flushd/crash.h"
#include "flushd/event.h"
#include "flushd/ledger.h"
#include "flushd/turn.h"

enum {
	/* What a lane had under way when the ledger got stuck. */
	ROOM = LEDGER_MAX + 8,
	GATHER_MS = 20,
	/* Between two attempts to record; doubled up to the last. */
	DELAY_MS = 1000,
	DELAY_MAX_MS = 60 * 1000,
};

struct ledger {
	struct spool *spool;
	struct ledger_user user;
	struct outcome *entries[ROOM];
	size_t count;
	bool is_stuck;		/* the timer is for another attempt */
	int64_t delay_ms;	/* until that */
	sd_event_source *timer; /* to record what was gathered, or again */
};

/* It is in the spool. */
static void
drop(struct ledger *l, size_t i)
{
	struct outcome *o = l->entries[i];

	l->entries[i] = l->entries[--l->count];
	l->user.recorded(l->user.context, o);
	outcome_release(o);
	free(o);
}

/* All that are plain, in one commit, whose end is that of all of them; one
 * alone needs none of this. */
static int
record_plain(struct ledger *l)
{
	size_t count = 0;
	uint64_t before;
	int rc;

	for (size_t i = 0; i < l->count; i++)
		count += outcome_is_plain(l->entries[i]);
	if (count < 2)
		return 0;
	rc = turn_begin(l->spool, SPOOL_CHANGE);
	if (rc < 0)
		return rc;
	before = crash_at(0);
	for (size_t i = 0; rc == 0 && i < l->count; i++)
		if (outcome_is_plain(l->entries[i]))
			rc = outcome_apply(l->entries[i], l->spool);
	rc = turn_end(l->spool, rc);
	crash_at(before);
	l->user.counts->commits += rc == 0;
	for (size_t i = l->count; rc == 0 && i-- > 0;)
		if (outcome_is_plain(l->entries[i]))
			drop(l, i);
	return rc;
}

/*
 * Each by itself: one at a damaged page must not keep the others from being
 * recorded. The first error that time may cure ends it.
 */
static int
record_each(struct ledger *l)
{
	int lasting = 0;
	int rc;

	for (size_t i = l->count; i-- > 0;) {
		const uint64_t before = crash_at(l->entries[i]->delivery.id);

		rc = outcome_store(l->entries[i], l->spool);
		crash_at(before);
		l->user.counts->commits += rc == 0;
		if (rc == 0)
			drop(l, i);
		else if (outcome_is_lasting(rc))
			lasting = rc;
		else
			return rc;
	}
	return lasting;
}

static int
put_off(struct ledger *l, int error)
{
	log_error("id=%s outcome not yet recorded: %s; again in %d s",
	    l->entries[0]->delivery.name, outcome_spool_error(error),
	    (int)(l->delay_ms / 1000));
	event_timer_set(l->timer, l->delay_ms);
	l->is_stuck = true;
	l->delay_ms *= 2;
	if (l->delay_ms > DELAY_MAX_MS)
		l->delay_ms = DELAY_MAX_MS;
	return 1;
}

int
ledger_record(struct ledger *l)
{
	const int64_t begun_us = clock_boot_us();
	const bool is_empty = l->count == 0;
	int rc;

	event_timer_set(l->timer, -1);
	rc = record_plain(l);
	if (rc != -ETIMEDOUT && l->count > 0)
		rc = record_each(l);
	if (!is_empty)
		l->user.counts->commit_us +=
		    (uint64_t)(clock_boot_us() - begun_us);
	if (rc < 0 && !outcome_is_lasting(rc))
		return put_off(l, rc);
	l->is_stuck = false;
	l->delay_ms = DELAY_MS;
	return rc;
}

int
ledger_take(struct ledger *l, struct outcome *o, bool is_alone)
{
	struct outcome *entry = alloc_zeroed(sizeof(*entry));

	assert(l->count < ROOM);
	*entry = *o;
	*o = (struct outcome){0};
	l->entries[l->count++] = entry;
	if (l->is_stuck)
		return 1;
	if (is_alone || !outcome_is_plain(entry) || l->count >= LEDGER_MAX)
		return ledger_record(l);
	if (l->count == 1)
		event_timer_set(l->timer, GATHER_MS);
	return 0;
}

size_t
ledger_count(const struct ledger *l)
{
	return l->count;
}

bool
ledger_is_stuck(const struct ledger *l)
{
	return l->is_stuck;
}

static int
on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct ledger *l = context;
	const bool was_stuck = l->is_stuck;
	int rc = ledger_record(l);

	(void)source;
	(void)usec;
	if (rc < 0 || (rc == 0 && was_stuck))
		l->user.settled(l->user.context, rc);
	return 0;
}

struct ledger *
ledger_new(sd_event *event, struct spool *spool, const struct ledger_user *user)
{
	struct ledger *l = alloc_zeroed(sizeof(*l));

	l->spool = spool;
	l->user = *user;
	l->delay_ms = DELAY_MS;
	l->timer = event_timer_new(event, on_timer, l);
	return l;
}

void
ledger_free(struct ledger *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++) {
		outcome_release(l->entries[i]);
		free(l->entries[i]);
	}
	sd_event_source_unref(l->timer);
	free(l);
}
