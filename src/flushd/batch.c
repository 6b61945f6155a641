/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "flushd/batch.h"
#include "flushd/crash.h"
#include "flushd/turn.h"
#include "mail/queue_id.h"

void
batch_init(struct batch *b)
{
	*b = (struct batch){.next_due_ms = INT64_MAX};
}

/* Of one worker: more than a page has. */
enum { MISPLACED_MAX = 1000 };

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
		if (rc < 0 || caution_skips(&b->caution, id))
			continue;
		if (due_ms == b->off_due_ms && id == b->off_id) {
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
		crash_at(b->off_id, false);
		/* Pages may lead to each other in circles. */
		if (++b->misplaced_count > MISPLACED_MAX)
			return -EBADMSG;
		rc = delivery_forget_misplaced(s, b->off_id, b->off_due_ms);
		if (rc < 0)
			return rc;
		crash_at(0, false);
	}
	return rc;
}

/* What cannot be sent, and why. */
static int
put_aside(struct spool *s, uint64_t id, int64_t due_ms, int why)
{
	char text[QUEUE_ID_TEXT_MAX];
	const char *reason = "damaged";
	int rc;

	if (why == -ENOENT || why == -ESTALE)
		return delivery_forget(s, id, due_ms);
	if (why == -ELOOP) {
		reason = "loop";
		rc = delivery_hold(s, id,
		    "it goes round in circles: it has passed more than 30 "
		    "mail servers");
	} else if (why == -EBADMSG) {
		rc = delivery_hold_damaged(s, id, due_ms);
	} else {
		return why;
	}
	if (rc == 0)
		log_error("id=%s status=held reason=%s",
		    queue_id_format(id, text), reason);
	return rc;
}

int
batch_load_next(
    struct batch *b, struct spool *s, const char *host, struct delivery *d)
{
	int rc;

	for (;;) {
		uint64_t id;
		int64_t due_ms;

		crash_at(0, false);
		if (b->at == b->count) {
			rc = look_closely(b, s);
			if (rc < 0 || b->count == 0)
				return rc;
		}
		id = b->due[b->at].id;
		due_ms = b->due[b->at++].due_ms;
		crash_at(id, false);
		rc = delivery_load(d, s, id, due_ms, host);
		if (rc == 0) {
			crash_at(0, false);
			return 1;
		}
		rc = put_aside(s, id, due_ms, rc);
		if (rc < 0)
			return rc;
		b->off_due_ms = due_ms;
		b->off_id = id;
	}
}
