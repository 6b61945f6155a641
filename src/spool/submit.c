/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "spool/draft.h"
#include "spool/share.h"
#include "spool/submit.h"

static int
read_settings(struct spool *s, struct submit_result *r)
{
	int rc = spool_get_settings(s, &r->settings);

	if (rc == 0)
		rc = spool_get_counters(s, &r->counters);
	if (rc == 0 && r->settings.is_blocked)
		r->limit = SUBMIT_BLOCKED;
	return rc < 0 ? rc : limit_error(r->limit);
}

/* ---- submit -------------------------------------------------------- */

/* What is still to come takes in the file, addresses counted at their most. */
static uint64_t
space_needed(const struct spool_draft *d)
{
	return d->envelope->text_len - d->put_len +
	       (uint64_t)d->envelope->recipient_count * 2 *
		   ENVELOPE_ADDRESS_MAX;
}

/* Only once: what the message takes has been counted since. */
static int
check_limits(struct spool *s, const struct envelope *e, int64_t now_ms,
    struct submit_result *r)
{
	int rc = read_settings(s, r);

	if (rc < 0)
		return rc;
	r->limit =
	    limit_find(e, r->relay_bytes, now_ms, &r->settings, &r->counters);
	return limit_error(r->limit);
}

/* Begin the next transaction: 1 if another has stored the message meanwhile. */
static int
begin(struct spool *s, struct spool_draft *d, int64_t deadline_ms)
{
	const uint64_t need = space_needed(d);

	return d->id == 0 ? share_begin(s, d, need, deadline_ms, &d->id)
			  : spool_begin(s, SPOOL_WRITE, need, deadline_ms);
}

/* Put what one transaction may: 1 while there is more. */
static int
put_piece(struct spool *s, struct spool_draft *d, int64_t deadline_ms,
    struct submit_result *r)
{
	int rc = begin(s, d, deadline_ms);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (d->id == 0)
		rc = check_limits(s, d->envelope, d->now_ms, r);
	if (rc == 0)
		rc = spool_draft_put(s, d);
	return spool_end(s, rc);
}

/* Else it would be in the way of others until it is too old. Whoever waited for
 * as long as he may leaves it at that. */
static void
discard(struct spool *s, const struct spool_draft *d, int64_t deadline_ms)
{
	int rc = spool_begin(s, SPOOL_CHANGE, 0, deadline_ms);

	if (rc == 0)
		rc = spool_end(s, spool_draft_discard(s, d));
	(void)rc;
}

int
spool_submit(struct spool *s, const struct envelope *e,
    const struct spool_piece *pieces, size_t piece_count, int64_t now_ms,
    int64_t deadline_ms, struct submit_result *r)
{
	struct spool_draft d;
	int rc;

	*r = (struct submit_result){0};
	/* Counted and sealed before others have to wait for it. */
	r->relay_bytes = limit_count_for_relay(pieces, piece_count);
	rc = spool_draft_init(
	    &d, e, pieces, piece_count, SPOOL_PIECE_MAX, now_ms);
	if (rc == 0)
		do {
			rc = put_piece(s, &d, deadline_ms, r);
		} while (rc > 0);
	if (rc == 0)
		r->id = d.id;
	else if (d.id != 0 && e->text_len > SPOOL_PIECE_MAX)
		discard(s, &d, deadline_ms);
	spool_draft_release(&d);
	return rc;
}

int
spool_look(struct spool *s, int64_t deadline_ms, struct submit_result *r)
{
	int rc;

	*r = (struct submit_result){0};
	rc = spool_begin(s, SPOOL_READ, 0, deadline_ms);
	if (rc < 0)
		return rc;
	rc = read_settings(s, r);
	spool_abort(s);
	return rc;
}
