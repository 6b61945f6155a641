/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "spool/digest.h"
#include "spool/draft.h"
#include "spool/leftover.h"
#include "spool/part.h"
#include "spool/schedule.h"
#include "spool/spool_internal.h"

enum {
	/* Chunks that one transaction removes: a list of more freed pages
	 * would itself need pages that stand side by side. */
	CHUNKS_REMOVED_MAX = 400,
};

/* ---- state --------------------------------------------------------- */

static uint64_t
state_checksum(uint64_t id, const char *fields, size_t len)
{
	struct digest *d = digest_new();
	char bytes[8];
	uint64_t value;

	bytes_put_be64(bytes, id);
	digest_add(d, bytes, sizeof(bytes));
	digest_add(d, fields, len);
	value = digest_value(d);
	digest_free(d);
	return value;
}

int
spool_put_state(struct spool *s, uint64_t id, const struct message_state *state)
{
	unsigned char checksum[SPOOL_CHECKSUM_LEN];
	struct buf bytes = BUF_INIT;
	struct spool_piece piece;
	int rc;

	record_encode_state(state, &bytes);
	bytes_put_be64(checksum, state_checksum(id, bytes.data, bytes.len));
	buf_add(&bytes, checksum, sizeof(checksum));
	piece = (struct spool_piece){bytes.data, bytes.len};
	rc = part_put(&s->environment, id, PART_STATE, 0, &piece, 1);
	if (rc == 0 && state_is_scheduled(state))
		rc = schedule_add(&s->environment, state->due_ms, id);
	if (rc == 0)
		s->counters.count[state->phase]++;
	buf_release(&bytes);
	return rc;
}

/* ---- find ---------------------------------------------------------- */

bool
spool_is_awaited(int64_t due_ms, int64_t now_ms)
{
	return due_ms > now_ms && due_ms - now_ms <= SPOOL_DUE_HORIZON_MS;
}

int
spool_next_due(struct spool *s, int64_t now_ms, int64_t *due_ms, uint64_t *id,
    int64_t *next_due_ms)
{
	int64_t due = *due_ms;
	uint64_t found = *id;
	int rc;

	rc = schedule_next(&s->environment, &due, &found);
	if (rc == 0 && spool_is_awaited(due, now_ms)) {
		due = now_ms + SPOOL_DUE_HORIZON_MS;
		found = UINT64_MAX;
		rc = schedule_next(&s->environment, &due, &found);
	}
	if (rc == 0) {
		*due_ms = due;
		*id = found;
	}
	if (rc != -ENOENT)
		return rc;
	/* Behind what is due, the search is past what waits. */
	due = now_ms;
	found = UINT64_MAX;
	rc = schedule_next(&s->environment, &due, &found);
	if (rc == 0 || rc == -ENOENT)
		*next_due_ms =
		    rc == 0 && spool_is_awaited(due, now_ms) ? due : INT64_MAX;
	return rc == 0 ? -ENOENT : rc;
}

int
spool_next(struct spool *s, uint64_t *id)
{
	return part_next_id(&s->environment, id);
}

/* ---- read ---------------------------------------------------------- */

/* The envelope's fields, and the checksum behind them, as they are stored. */
static int
read_sealed_envelope(
    struct spool *s, uint64_t id, struct buf *fields, uint64_t *checksum)
{
	int rc = part_get_all(
	    &s->environment, id, PART_ENVELOPE, RECORD_MAX, fields);

	if (rc < 0)
		return rc;
	if (fields->len < SPOOL_CHECKSUM_LEN)
		return -EBADMSG;
	fields->len -= SPOOL_CHECKSUM_LEN;
	*checksum = bytes_get_be64(fields->data + fields->len);
	return 0;
}

int
spool_decode_state(
    uint64_t id, const struct buf *sealed, struct message_state *state)
{
	size_t len = sealed->len;

	if (len < SPOOL_CHECKSUM_LEN)
		return -EBADMSG;
	len -= SPOOL_CHECKSUM_LEN;
	if (bytes_get_be64(sealed->data + len) !=
	    state_checksum(id, sealed->data, len))
		return -EBADMSG;
	return record_decode_state(sealed->data, len, state);
}

int
spool_read_state(struct spool *s, uint64_t id, struct message_state *state)
{
	struct buf bytes = BUF_INIT;
	int rc =
	    part_get_all(&s->environment, id, PART_STATE, RECORD_MAX, &bytes);

	if (rc == 0)
		rc = spool_decode_state(id, &bytes, state);
	buf_release(&bytes);
	return rc;
}

/* 0 if there is anything of a message, else -ENOENT. */
static int
exists(struct spool *s, uint64_t id)
{
	uint64_t found = id - 1;
	int rc = part_next_id(&s->environment, &found);

	return rc < 0 ? rc : found == id ? 0 : -ENOENT;
}

int
spool_get(struct spool *s, uint64_t id, struct envelope *e,
    struct message_state *state)
{
	struct buf fields = BUF_INIT;
	struct message_state got_state = {0};
	struct envelope got = {0};
	uint64_t checksum;
	int rc;

	rc = exists(s, id);
	if (rc < 0)
		return rc;
	rc = read_sealed_envelope(s, id, &fields, &checksum);
	if (rc == 0)
		rc = record_decode_envelope(fields.data, fields.len, &got);
	if (rc == 0)
		rc = spool_read_state(s, id, &got_state);
	/* One part without the other is half a message. */
	if (rc == -ENOENT ||
	    (rc == 0 && got.recipient_count != got_state.recipient_count))
		rc = -EBADMSG;
	if (rc == 0) {
		*e = got;
		*state = got_state;
	} else {
		envelope_release(&got);
		state_release(&got_state);
	}
	buf_release(&fields);
	return rc;
}

int
spool_read_text(
    struct spool *s, uint64_t id, uint32_t *chunk, size_t max, struct buf *out)
{
	return part_get(&s->environment, id, PART_TEXT, chunk, max, out);
}

int
spool_verify(struct spool *s, uint64_t id, struct digest *d)
{
	struct buf fields = BUF_INIT;
	struct envelope e;
	const uint64_t text_len = digest_len(d);
	uint64_t checksum = 0;
	int rc;

	rc = read_sealed_envelope(s, id, &fields, &checksum);
	if (rc == 0)
		rc = record_decode_envelope(fields.data, fields.len, &e);
	if (rc == 0) {
		digest_add(d, fields.data, fields.len);
		if (e.text_len != text_len || checksum != digest_value(d))
			rc = -EBADMSG;
		envelope_release(&e);
	}
	buf_release(&fields);
	return rc;
}

/* ---- change -------------------------------------------------------- */

static void
subtract(struct spool *s, uint64_t *from, uint64_t n)
{
	if (*from < n)
		s->counters.is_doubtful = true;
	*from = *from > n ? *from - n : 0;
}

/*
 * Take the state of a message away, with its entry in the schedule. Nobody
 * knows what one that cannot be read was counted as.
 */
static int
remove_state(struct spool *s, uint64_t id)
{
	struct message_state old = {0};
	uint64_t len;
	bool is_readable;
	int rc;

	rc = spool_read_state(s, id, &old);
	if (rc < 0 && rc != -EBADMSG)
		return rc;
	is_readable = rc == 0;
	rc = 0;
	if (is_readable && state_is_scheduled(&old))
		rc = schedule_remove(&s->environment, old.due_ms, id);
	if (rc >= 0)
		rc = part_remove(
		    &s->environment, id, PART_STATE, SIZE_MAX, &len);
	if (rc == 0 && is_readable)
		subtract(s, &s->counters.count[old.phase], 1);
	else
		s->counters.is_doubtful = true;
	state_release(&old);
	return rc;
}

int
spool_set_state(struct spool *s, uint64_t id, const struct message_state *state)
{
	int rc = exists(s, id);

	if (rc < 0)
		return rc;
	rc = remove_state(s, id);
	/* A message that has lost its state gets one. */
	return rc < 0 && rc != -ENOENT ? rc : spool_put_state(s, id, state);
}

int
spool_hold_damaged(struct spool *s, uint64_t id)
{
	struct buf fields = BUF_INIT;
	struct envelope e = {.recipient_count = 1};
	struct message_state state = {0};
	uint64_t checksum;
	int rc;

	/* Keep what can be read of it, so that a person can see more. */
	if (read_sealed_envelope(s, id, &fields, &checksum) < 0 ||
	    record_decode_envelope(fields.data, fields.len, &e) < 0)
		e.recipient_count = 1;
	if (spool_read_state(s, id, &state) < 0 ||
	    state.recipient_count != e.recipient_count) {
		state_release(&state);
		state_init(&state, e.recipient_count, 0);
	}
	state_hold(&state, "damaged");
	rc = spool_set_state(s, id, &state);
	state_release(&state);
	if (e.sender)
		envelope_release(&e);
	buf_release(&fields);
	return rc;
}

int
spool_remove(struct spool *s, uint64_t id)
{
	uint64_t len = 0;
	int rc;

	rc = exists(s, id);
	if (rc < 0)
		return rc;
	rc = remove_state(s, id);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	rc = part_remove(
	    &s->environment, id, PART_ALL, CHUNKS_REMOVED_MAX, &len);
	subtract(s, &s->counters.bytes, len);
	return rc > 0 ? leftover_add(&s->environment, id, 0) : rc;
}

/*
 * The next leftover behind *id that may be removed: not what a sender is still
 * at work on. Nobody marks that for longer, unless the clock was put back.
 */
static int
next_removable(struct spool *s, int64_t now_ms, uint64_t *id)
{
	int64_t until_ms = 0;
	int rc;

	do {
		rc = leftover_next(&s->environment, id);
		if (rc == 0)
			rc = leftover_until(&s->environment, *id, &until_ms);
	} while (rc == 0 && until_ms > now_ms &&
		 until_ms <= now_ms + SPOOL_DRAFT_MS);
	return rc;
}

bool
spool_has_leftovers(struct spool *s, int64_t now_ms)
{
	return next_removable(s, now_ms, &(uint64_t){0}) == 0;
}

int
spool_sweep(struct spool *s, int64_t now_ms)
{
	uint64_t id = 0;
	uint64_t len = 0;
	int rc;

	rc = next_removable(s, now_ms, &id);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = part_remove(
	    &s->environment, id, PART_ALL, CHUNKS_REMOVED_MAX, &len);
	subtract(s, &s->counters.bytes, len);
	/* Whoever is still at work on it after all must not go on. */
	if (rc > 0)
		rc = leftover_add(&s->environment, id, 0);
	else if (rc == 0)
		rc = leftover_remove(&s->environment, id);
	return rc < 0 ? rc : 1;
}

int
spool_unschedule_misplaced(struct spool *s, int64_t due_ms, uint64_t id)
{
	int rc = schedule_remove_misplaced(&s->environment, due_ms, id);

	s->counters.is_doubtful = true;
	return rc == -ENOENT ? -EBADMSG : rc;
}

int
spool_unschedule(struct spool *s, int64_t due_ms, uint64_t id)
{
	int rc = schedule_remove(&s->environment, due_ms, id);

	/* There may be a message now that has none. */
	if (rc > 0)
		s->counters.is_doubtful = true;
	return rc < 0 ? rc : 0;
}
