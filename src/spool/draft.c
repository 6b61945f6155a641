/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "spool/digest.h"
#include "spool/draft.h"
#include "spool/leftover.h"
#include "spool/part.h"
#include "spool/schedule.h"
#include "spool/spool_internal.h"

/* ---- prepare ------------------------------------------------------- */

static void
seal(struct spool_draft *d)
{
	struct digest *digest = digest_new();
	unsigned char checksum[SPOOL_CHECKSUM_LEN];

	record_encode_envelope(d->envelope, &d->sealed);
	for (size_t i = 0; i < d->piece_count; i++)
		digest_add(digest, d->pieces[i].data, d->pieces[i].len);
	digest_add(digest, d->sealed.data, d->sealed.len);
	bytes_put_be64(checksum, digest_value(digest));
	buf_add(&d->sealed, checksum, sizeof(checksum));
	digest_free(digest);
}

int
spool_draft_init(struct spool_draft *d, const struct envelope *e,
    const struct spool_piece *pieces, size_t piece_count, size_t at_once,
    int64_t now_ms)
{
	uint64_t len = 0;

	*d = (struct spool_draft){
	    .envelope = e,
	    .pieces = pieces,
	    .piece_count = piece_count,
	    .at_once = at_once,
	    .now_ms = now_ms,
	};
	buf_init(&d->sealed);
	for (size_t i = 0; i < piece_count; i++)
		len += pieces[i].len;
	if (len != e->text_len)
		return -EINVAL;
	seal(d);
	return 0;
}

void
spool_draft_release(struct spool_draft *d)
{
	buf_release(&d->sealed);
}

/* ---- the text ------------------------------------------------------ */

/* Those of the pieces that hold the bytes from offset on, up to len of them. */
static size_t
slice(const struct spool_draft *d, uint64_t offset, uint64_t len,
    struct spool_piece *out)
{
	size_t count = 0;

	for (size_t i = 0; i < d->piece_count && len > 0; i++) {
		struct spool_piece piece = d->pieces[i];

		if (offset >= piece.len) {
			offset -= piece.len;
			continue;
		}
		piece.data += offset;
		piece.len -= offset;
		offset = 0;
		if (piece.len > len)
			piece.len = (size_t)len;
		len -= piece.len;
		out[count++] = piece;
	}
	return count;
}

static int
put_text(struct spool *s, struct spool_draft *d)
{
	const size_t chunk_len = s->environment.chunk_len;
	const uint64_t left = d->envelope->text_len - d->put_len;
	struct spool_piece *pieces;
	uint64_t len = left;
	size_t count;
	int rc;

	/* Only the last chunk may be a short one. */
	if (len > d->at_once)
		len = d->at_once / chunk_len * chunk_len;
	pieces = alloc_resize(NULL, d->piece_count, sizeof(*pieces));
	count = slice(d, d->put_len, len, pieces);
	rc = part_put(
	    &s->environment, d->id, PART_TEXT, d->next_chunk, pieces, count);
	free(pieces);
	if (rc < 0)
		return rc;
	d->put_len += len;
	d->next_chunk += (uint32_t)(len / chunk_len);
	s->counters.bytes += len;
	return len < left;
}

/* ---- the message --------------------------------------------------- */

static int
next_id(const struct spool_counters *c, int64_t now_ms, uint64_t *id)
{
	uint64_t now_us = now_ms > 0 ? (uint64_t)now_ms * 1000 : 1;

	if (c->last_id == UINT64_MAX)
		return -EBADMSG; /* not in 500,000 years: damage */
	*id = now_us > c->last_id ? now_us : c->last_id + 1;
	return 0;
}

static int
begin(struct spool *s, struct spool_draft *d)
{
	uint64_t id = 0;
	int rc = next_id(&s->counters, d->now_ms, &id);

	if (rc == 0 && d->envelope->text_len > d->at_once)
		rc = leftover_add(
		    &s->environment, id, d->now_ms + SPOOL_DRAFT_MS);
	if (rc == 0) {
		d->id = id;
		s->counters.last_id = id;
	}
	return rc;
}

/* Go on with what an earlier transaction put, if it is still there. */
static int
go_on(struct spool *s, const struct spool_draft *d)
{
	int64_t until_ms;
	int rc = leftover_until(&s->environment, d->id, &until_ms);

	return rc == -ENOENT || (rc == 0 && until_ms == 0) ? -ETIMEDOUT : rc;
}

static int
put_records(struct spool *s, const struct spool_draft *d, int64_t due_ms)
{
	const struct spool_piece sealed = {d->sealed.data, d->sealed.len};
	struct message_state state;
	int rc;

	state_init(&state, d->envelope->recipient_count, due_ms);
	rc = part_put(&s->environment, d->id, PART_ENVELOPE, 0, &sealed, 1);
	if (rc == 0)
		rc = spool_put_state(s, d->id, &state);
	if (rc == 0)
		s->counters.bytes += sealed.len;
	state_release(&state);
	return rc;
}

/*
 * Find again what was put. In a file that somebody damaged, keys may be out of
 * order, and what is put among them would be stored but never found.
 */
static int
check(struct spool *s, const struct spool_draft *d, int64_t due_ms)
{
	struct message_state state;
	struct envelope found;
	int64_t due_found_ms = due_ms;
	uint64_t id_found = d->id - 1;
	uint64_t len = 0;
	int rc;

	rc = spool_get(s, d->id, &found, &state);
	if (rc == 0) {
		envelope_release(&found);
		state_release(&state);
		rc = part_len(&s->environment, d->id, PART_TEXT, &len);
	}
	if (rc == 0)
		rc = schedule_next(&s->environment, &due_found_ms, &id_found);
	if (rc == -ENOENT ||
	    (rc == 0 && (len != d->envelope->text_len ||
			    due_found_ms != due_ms || id_found != d->id)))
		rc = -EBADMSG;
	return rc;
}

static int
finish(struct spool *s, const struct spool_draft *d)
{
	const int64_t due_ms = d->now_ms > 0 ? d->now_ms : 0;
	int rc = 0;

	if (d->envelope->text_len > d->at_once)
		rc = leftover_remove(&s->environment, d->id);
	if (rc == 0)
		rc = put_records(s, d, due_ms);
	return rc == 0 ? check(s, d, due_ms) : rc;
}

int
spool_draft_put(struct spool *s, struct spool_draft *d)
{
	int rc = d->id == 0 ? begin(s, d) : go_on(s, d);

	if (rc == 0)
		rc = put_text(s, d);
	if (rc == 0)
		rc = finish(s, d);
	s->is_draft = rc > 0;
	return rc;
}

int
spool_draft_discard(struct spool *s, const struct spool_draft *d)
{
	int rc = go_on(s, d);

	return rc < 0 ? rc : leftover_add(&s->environment, d->id, 0);
}

int
spool_put(struct spool *s, const struct envelope *e,
    const struct spool_piece *pieces, size_t piece_count, int64_t now_ms,
    uint64_t *id)
{
	struct spool_draft d;
	int rc;

	rc = spool_draft_init(&d, e, pieces, piece_count, SIZE_MAX, now_ms);
	if (rc == 0)
		rc = spool_draft_put(s, &d);
	if (rc == 0)
		*id = d.id;
	spool_draft_release(&d);
	return rc;
}
