/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "flushctl/access.h"
#include "flushctl/interrupt.h"
#include "flushctl/sweep.h"
#include "flushctl/verb.h"
#include "listing/listing.h"
#include "mail/queue_id.h"

/* Of a batch that removes: its pages go to a list that must fit somewhere. */
enum { BATCH_BYTES_MAX = 1 << 20 };

struct work {
	const struct sweep *sweep;
	const struct target *target;
	struct spool *spool;
	struct tally *tally;
	struct tally batch; /* not yet committed */
	int status;
};

/* ---- one message, in a transaction --------------------------------- */

static int
apply(const struct work *w, uint64_t id, struct message_state *state)
{
	const struct change *c = w->sweep->change;
	int rc;

	if (!c->apply)
		return w->sweep->is_rehearsal ? 1 : spool_remove(w->spool, id);
	if (!c->apply(state, clock_wall_ms()))
		return -EALREADY;
	rc = w->sweep->is_rehearsal ? 0 : spool_set_state(w->spool, id, state);
	return rc;
}

/*
 * 0; -EALREADY: there was nothing to do; -ENOENT: there is none like that; or
 * another -errno. One that is damaged can be removed, nothing else.
 */
static int
change(struct work *w, uint64_t id)
{
	struct entry e = {
	    .id = id, .is_sending = spool_is_sending(w->spool, id)};
	struct message_state state;
	struct envelope envelope;
	int rc = spool_get(w->spool, id, &envelope, &state);

	if (rc == 0) {
		e.envelope = &envelope;
		e.state = &state;
	} else if (rc != -EBADMSG || w->sweep->change->apply) {
		return rc;
	}
	rc = -ENOENT;
	if (filter_matches(w->sweep->filter, &e))
		rc = apply(w, id, &state);
	if (rc >= 0) {
		rc = 0;
		w->batch.count++;
		w->batch.bytes += e.envelope ? e.envelope->text_len : 0;
		w->batch.sending += e.is_sending;
	}
	if (e.envelope) {
		envelope_release(&envelope);
		state_release(&state);
	}
	return rc;
}

/* What was begun is ended, and that is all. */
static bool
is_stopped(const struct work *w)
{
	return w->tally->is_stopped || interrupt_has_come();
}

/* ---- a transaction ------------------------------------------------- */

static int
begin(struct work *w)
{
	w->batch = (struct tally){0};
	return w->sweep->is_rehearsal ? access_begin(w->spool)
				      : access_begin_change(w->spool);
}

/* Make durable what was changed, unless rc is an error, and count it. */
static int
end(struct work *w, int rc)
{
	if (rc == 0 && w->batch.count > 0 && !w->sweep->is_rehearsal)
		rc = spool_commit(w->spool);
	else
		spool_abort(w->spool);
	if (rc < 0)
		return rc;
	w->tally->count += w->batch.count;
	w->tally->bytes += w->batch.bytes;
	w->tally->sending += w->batch.sending;
	return 0;
}

/* What a long text has left behind: its pages are freed a few at a time. */
static int
free_leftovers(struct work *w)
{
	int rc = 1;

	if (w->sweep->change->apply || w->sweep->is_rehearsal)
		return 0;
	while (rc > 0) {
		rc = access_begin_change(w->spool);
		if (rc < 0)
			return rc;
		rc = spool_sweep(w->spool, clock_wall_ms());
		if (rc > 0) {
			int committed = spool_commit(w->spool);

			rc = committed < 0 ? committed : rc;
		} else {
			spool_abort(w->spool);
		}
	}
	return rc;
}

/* ---- what was listed ----------------------------------------------- */

/* Say why one was not changed; true if there is no use in going on. */
static bool
report(struct work *w, uint64_t id, int rc)
{
	const char *spool = w->target->name;
	char name[QUEUE_ID_TEXT_MAX];
	int status = STATUS_NOT_FOUND;

	queue_id_format(id, name);
	if (rc == -EALREADY) {
		log_error("%s: %s: %s", spool, name, w->sweep->change->unfit);
	} else if (rc == -ENOENT) {
		log_error("%s: %s: no such message", spool, name);
	} else {
		status = STATUS_FAILED;
		if (rc == -EBADMSG)
			log_error("%s: %s: damaged", spool, name);
		else
			access_failed(spool, rc);
	}
	if (status > w->status)
		w->status = status;
	return status == STATUS_FAILED && rc != -EBADMSG;
}

/* Each has a transaction: what is wrong with one is said of that. */
static int
change_listed(struct work *w)
{
	for (size_t i = 0; i < w->target->id_count && !is_stopped(w); i++) {
		const uint64_t id = w->target->ids[i];
		int rc = begin(w);

		if (rc == 0)
			rc = end(w, change(w, id));
		if (rc < 0 && report(w, id, rc))
			break;
	}
	return w->status;
}

/* ---- what a filter finds ------------------------------------------- */

/*
 * Change those of a page that are still to be: *at moves along, up to count. A
 * message that is gone or has changed meanwhile is none of them any more.
 */
static int
change_batch(struct work *w, const uint64_t *ids, size_t count, size_t *at)
{
	int64_t end_ms;
	int rc = begin(w);

	if (rc < 0)
		return rc;
	end_ms = clock_boot_ms() + SWEEP_BATCH_MS;
	while (rc == 0 && *at < count && clock_boot_ms() < end_ms &&
	       w->batch.bytes < BATCH_BYTES_MAX) {
		rc = change(w, ids[(*at)++]);
		if (rc == -ENOENT || rc == -EALREADY || rc == -EBADMSG)
			rc = 0;
	}
	return end(w, rc);
}

/* One that is damaged can be removed, nothing else. */
static bool
may_fit(const struct change *c, const struct entry *e)
{
	return e->envelope ? c->is_for[e->state->phase] : !c->apply;
}

/*
 * What a filter finds of the next page, of what there may be something to do
 * with: 1 while there is more behind it. Only who finds some has others wait
 * for a change.
 */
static int
find_page(struct work *w, struct listing *l, uint64_t *ids, size_t *count)
{
	const struct entry *e;
	int rc = access_begin(w->spool);

	if (rc == 0)
		rc = listing_read_page(l, w->spool);
	spool_abort(w->spool);
	*count = 0;
	while ((e = listing_next(l)))
		if (may_fit(w->sweep->change, e))
			ids[(*count)++] = e->id;
	return rc;
}

static int
change_found(struct work *w)
{
	struct listing l = {.filter = w->sweep->filter};
	uint64_t ids[LISTING_PAGE_MESSAGES];
	size_t count;
	int more = 1;
	int rc = 0;

	while (rc == 0 && more > 0 && !is_stopped(w)) {
		more = find_page(w, &l, ids, &count);
		for (size_t at = 0; rc == 0 && at < count && !is_stopped(w);)
			rc = change_batch(w, ids, count, &at);
		/* Each batch, lest the disk that is full stays so. */
		if (rc == 0 && count > 0)
			rc = free_leftovers(w);
	}
	listing_release(&l);
	if (rc == 0 && more < 0)
		rc = more;
	return rc < 0 ? access_failed(w->target->name, rc) : STATUS_DONE;
}

int
sweep_run(const struct sweep *sweep, const struct target *target,
    struct spool *s, struct tally *tally)
{
	struct work w = {.sweep = sweep,
	    .target = target,
	    .spool = s,
	    .tally = tally,
	    .status = STATUS_DONE};
	int rc;

	if (target->id_count == 0)
		return change_found(&w);
	if (change_listed(&w) == STATUS_FAILED)
		return STATUS_FAILED;
	rc = free_leftovers(&w);
	return rc < 0 ? access_failed(target->name, rc) : w.status;
}
