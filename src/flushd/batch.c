/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "flushd/batch.h"
#include "flushd/crash.h"
#include "flushd/turn.h"
#include "mail/queue_id.h"

enum {
	/* Of one worker: more than a page has. */
	MISPLACED_MAX = 1000,
};

void
batch_init(struct batch *b)
{
	*b = (struct batch){.next_due_ms = INT64_MAX};
}

/* ---- what is out --------------------------------------------------- */

static bool
is_out(const struct batch *b, uint64_t id)
{
	for (size_t i = 0; i < b->out_count; i++)
		if (b->out[i] == id)
			return true;
	return false;
}

void
batch_done(struct batch *b, uint64_t id)
{
	for (size_t i = 0; i < b->out_count; i++)
		if (b->out[i] == id) {
			b->out[i] = b->out[--b->out_count];
			return;
		}
}

void
batch_gone(struct batch *b, uint64_t id)
{
	b->gone[b->gone_at] = id;
	b->gone_at = (b->gone_at + 1) % BATCH_GONE_MAX;
}

static bool
is_gone(const struct batch *b, uint64_t id)
{
	for (size_t i = 0; i < BATCH_GONE_MAX; i++)
		if (b->gone[i] == id)
			return true;
	return false;
}

/* ---- what is due --------------------------------------------------- */

/* Note what is due now; 0 also when nothing is. -ESTALE: what was taken off the
 * schedule last is found there again. */
static int
look(struct batch *b, struct spool *s)
{
	int64_t due_ms = 0;
	uint64_t id = 0;
	int rc;

	b->count = 0;
	b->at = 0;
	rc = turn_begin(s, SPOOL_READ);
	if (rc < 0)
		return rc;
	while (rc == 0 && b->count < BATCH_MAX) {
		rc = spool_next_due(
		    s, clock_wall_ms(), &due_ms, &id, &b->next_due_ms);
		if (rc < 0 || caution_skips(&b->caution, id) || is_out(b, id))
			continue;
		if (due_ms == b->off.due_ms && id == b->off.id) {
			rc = -ESTALE;
		} else {
			b->due[b->count].due_ms = due_ms;
			b->due[b->count++].id = id;
		}
	}
	/* What was found before the damage can be sent. */
	if (rc == -ENOENT || (rc == -EBADMSG && b->count > 0))
		rc = 0;
	if (rc == 0)
		rc = depth_read(s, &b->depth);
	if (rc == 0)
		b->has_looked = true;
	spool_abort(s);
	return rc;
}

/* The same, but takes off the schedule what a search for it does not find. */
static int
look_closely(struct batch *b, struct spool *s)
{
	int rc;

	while ((rc = look(b, s)) == -ESTALE) {
		crash_at(b->off.id);
		/* Pages may lead to each other in circles. */
		if (++b->misplaced_count > MISPLACED_MAX)
			return -EBADMSG;
		rc = delivery_forget_misplaced(s, b->off.id, b->off.due_ms);
		if (rc < 0)
			return rc;
		crash_at(0);
	}
	return rc;
}

/* What cannot be sent, and why. */
static int
put_aside(struct spool *s, const struct batch_entry *entry, int why)
{
	char text[QUEUE_ID_TEXT_MAX];
	const char *reason = "damaged";
	int rc;

	if (why == -ENOENT || why == -ESTALE)
		return delivery_forget(s, entry->id, entry->due_ms);
	if (why == -ELOOP) {
		reason = "loop";
		rc = delivery_hold(s, entry->id,
		    "it goes round in circles: it has passed more than 30 "
		    "mail servers");
	} else if (why == -EALREADY) {
		reason = "sent";
		rc = delivery_hold(s, entry->id,
		    "it was sent and removed, and is there again: the spool is "
		    "damaged");
	} else if (why == -EBADMSG) {
		rc = delivery_hold_damaged(s, entry->id, entry->due_ms);
	} else {
		return why;
	}
	if (rc == 0)
		log_error("id=%s status=held reason=%s",
		    queue_id_format(entry->id, text), reason);
	return rc;
}

/* ---- what is read ahead -------------------------------------------- */

/* So that no commit puts more than one message at risk at a time. */
static size_t
ahead_max(const struct batch *b)
{
	return b->caution.must_prove ? 1 : BATCH_AHEAD_MAX;
}

/* Read some, in one turn: 0, or why the next one could not be. */
static int
read_ahead(struct batch *b, struct spool *s, const struct delivery_from *from)
{
	uint64_t bytes = 0;
	int rc;

	b->ahead_at = 0;
	b->ahead_count = 0;
	rc = turn_begin(s, SPOOL_CHANGE);
	while (rc == 0 && b->at < b->count && b->ahead_count < ahead_max(b) &&
	       bytes < BATCH_AHEAD_BYTES) {
		const struct batch_entry *entry = &b->due[b->at];
		struct delivery *d = &b->ahead[b->ahead_count];

		crash_at(entry->id);
		rc = delivery_load(d, s, entry->id, entry->due_ms, from);
		if (rc < 0)
			break;
		if (is_gone(b, entry->id)) {
			delivery_release(d);
			rc = -EALREADY;
			break;
		}
		bytes += d->envelope.text_len;
		b->ahead_count++;
		b->at++;
	}
	spool_abort(s);
	crash_at(0);
	return rc;
}

/* Read some: 1, 0 if nothing is due, or -errno. */
static int
refill(struct batch *b, struct spool *s, const struct delivery_from *from)
{
	int rc;

	for (;;) {
		if (b->at == b->count) {
			rc = look_closely(b, s);
			if (rc < 0 || b->count == 0)
				return rc;
		}
		rc = read_ahead(b, s, from);
		/* What could not be read is the first of the next turn. */
		if (b->ahead_count > 0)
			return 1;
		crash_at(b->due[b->at].id);
		rc = put_aside(s, &b->due[b->at], rc);
		if (rc < 0)
			return rc;
		crash_at(0);
		b->off = b->due[b->at++];
	}
}

int
batch_next(struct batch *b, struct spool *s, const struct delivery_from *from,
    struct delivery *d)
{
	int rc = 1;

	if (batch_must_read(b))
		rc = refill(b, s, from);
	if (rc <= 0)
		return rc;
	delivery_move(d, &b->ahead[b->ahead_at++]);
	assert(b->out_count < BATCH_OUT_MAX);
	b->out[b->out_count++] = d->id;
	return 1;
}

bool
batch_must_read(const struct batch *b)
{
	return b->ahead_at == b->ahead_count;
}

size_t
batch_left(const struct batch *b)
{
	const size_t known = b->count - b->at + b->ahead_count - b->ahead_at;

	return b->count == BATCH_MAX ? known + BATCH_MAX : known;
}

void
batch_release(struct batch *b)
{
	while (b->ahead_at < b->ahead_count)
		delivery_release(&b->ahead[b->ahead_at++]);
}
