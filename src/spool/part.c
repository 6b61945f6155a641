/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "spool/key.h"
#include "spool/leftover.h"
#include "spool/part.h"
#include "spool/spool.h"

enum { MESSAGE_KEY_LEN = 1 + 8 + 1 + 4 };

static MDB_val
message_key(unsigned char *bytes, uint64_t id, enum part part, uint32_t chunk)
{
	bytes[0] = KEY_MESSAGE;
	bytes_put_be64(bytes + 1, id);
	bytes[9] = (unsigned char)part;
	bytes_put_be32(bytes + 10, chunk);
	return (MDB_val){.mv_data = bytes, .mv_size = MESSAGE_KEY_LEN};
}

/* ---- parts --------------------------------------------------------- */

/* A place in a list of pieces. */
struct piece_cursor {
	const struct spool_piece *piece;
	size_t offset;
};

static void
copy_pieces(struct piece_cursor *c, char *to, size_t len)
{
	while (len > 0) {
		size_t n = c->piece->len - c->offset;

		if (n > len)
			n = len;
		if (n > 0)
			memcpy(to, c->piece->data + c->offset, n);
		to += n;
		len -= n;
		c->offset += n;
		if (c->offset == c->piece->len) {
			c->piece++;
			c->offset = 0;
		}
	}
}

int
part_put(struct environment *e, uint64_t id, enum part part, uint32_t chunk,
    const struct spool_piece *pieces, size_t piece_count)
{
	struct piece_cursor from = {.piece = pieces};
	unsigned char bytes[MESSAGE_KEY_LEN];
	size_t left = 0;

	for (size_t i = 0; i < piece_count; i++)
		left += pieces[i].len;
	if (left / e->chunk_len >= UINT32_MAX - chunk)
		return -EMSGSIZE;
	for (; left > 0; chunk++) {
		MDB_val key = message_key(bytes, id, part, chunk);
		MDB_val value = {
		    .mv_size = left < e->chunk_len ? left : e->chunk_len};
		int rc = mdb_put(e->txn, e->dbi, &key, &value,
		    MDB_RESERVE | MDB_NOOVERWRITE);

		if (rc)
			return environment_error(rc);
		copy_pieces(&from, value.mv_data, value.mv_size);
		left -= value.mv_size;
	}
	return 0;
}

int
part_get(struct environment *e, uint64_t id, enum part part, uint32_t *chunk,
    size_t max, struct buf *out)
{
	unsigned char bytes[MESSAGE_KEY_LEN];

	while (out->len < max) {
		MDB_val key = message_key(bytes, id, part, *chunk);
		MDB_val value;
		int rc =
		    environment_error(mdb_get(e->txn, e->dbi, &key, &value));

		if (rc == -ENOENT)
			return 0;
		if (rc < 0)
			return rc;
		if (value.mv_size == 0 || value.mv_size > e->chunk_len ||
		    *chunk == UINT32_MAX)
			return -EBADMSG;
		buf_add(out, value.mv_data, value.mv_size);
		++*chunk;
		if (value.mv_size < e->chunk_len)
			return 0;
	}
	return 1;
}

int
part_get_all(struct environment *e, uint64_t id, enum part part, size_t max,
    struct buf *out)
{
	uint32_t chunk = 0;
	int rc = part_get(e, id, part, &chunk, max + 1, out);

	if (rc < 0)
		return rc;
	if (rc > 0 || out->len > max)
		return -EBADMSG;
	return chunk == 0 ? -ENOENT : 0;
}

/* A prefix of keys, not chunk numbers: a damaged message may have gaps. */
static size_t
prefix_len(enum part part)
{
	return part == PART_ALL ? 1 + 8 : 1 + 8 + 1;
}

/*
 * The next key behind the last, which is moved to it, while the first
 * prefix_len bytes of it stay the same.
 */
static int
next_key(MDB_cursor *cursor, size_t prefix_len, unsigned char *last,
    MDB_cursor_op op, MDB_val *value)
{
	MDB_val key = {.mv_data = last, .mv_size = MESSAGE_KEY_LEN};
	int rc = mdb_cursor_get(cursor, &key, value, op);

	if (rc)
		return rc;
	if (key.mv_size < prefix_len ||
	    memcmp(key.mv_data, last, prefix_len) != 0)
		return MDB_NOTFOUND;
	/* Keys out of order would let us go round in circles. */
	if (key.mv_size != MESSAGE_KEY_LEN ||
	    (op == MDB_NEXT && memcmp(key.mv_data, last, key.mv_size) <= 0))
		return MDB_CORRUPTED;
	memcpy(last, key.mv_data, key.mv_size);
	return 0;
}

int
part_len(struct environment *e, uint64_t id, enum part part, uint64_t *len)
{
	const size_t same = prefix_len(part);
	unsigned char last[MESSAGE_KEY_LEN];
	MDB_cursor *cursor;
	MDB_val value;
	uint64_t sum = 0;
	int rc;

	message_key(last, id, part, 0);
	rc = mdb_cursor_open(e->txn, e->dbi, &cursor);
	if (rc)
		return environment_error(rc);
	rc = next_key(cursor, same, last, MDB_SET_RANGE, &value);
	while (rc == 0) {
		sum += value.mv_size;
		rc = next_key(cursor, same, last, MDB_NEXT, &value);
	}
	mdb_cursor_close(cursor);
	if (rc != MDB_NOTFOUND)
		return environment_error(rc);
	*len = sum;
	return 0;
}

/*
 * A value of more than half a page is on one of its own, whose header says of
 * how many it is the first. LMDB frees that many: others would go too.
 */
static bool
frees_one_page(const struct environment *e, const MDB_val *value)
{
	uint32_t count;

	if (value->mv_size <= e->chunk_len / 2)
		return true;
	/* It is what the header ends with. */
	memcpy(&count, (const char *)value->mv_data - sizeof(count),
	    sizeof(count));
	return count == 1;
}

int
part_remove(struct environment *e, uint64_t id, enum part part, size_t max,
    uint64_t *len)
{
	unsigned char bytes[MESSAGE_KEY_LEN];
	uint64_t removed = 0;
	MDB_cursor *cursor;
	int rc;

	rc = mdb_cursor_open(e->txn, e->dbi, &cursor);
	for (size_t n = 0; rc == 0 && n <= max; n++) {
		MDB_val key = message_key(bytes, id, part, 0);
		MDB_val value;

		rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
		if (rc)
			break;
		if (key.mv_size < prefix_len(part) ||
		    memcmp(key.mv_data, bytes, prefix_len(part)) != 0) {
			rc = MDB_NOTFOUND;
			break;
		}
		if (n == max)
			break;
		if (!frees_one_page(e, &value)) {
			rc = MDB_CORRUPTED;
			break;
		}
		removed += value.mv_size;
		rc = mdb_cursor_del(cursor, 0);
	}
	mdb_cursor_close(cursor);
	if (rc != 0 && rc != MDB_NOTFOUND)
		return environment_error(rc);
	*len = removed;
	return rc == 0 ? 1 : 0;
}

/* True if the key is the first that a message which is there has. */
static bool
is_first_key(const void *key)
{
	const char *bytes = key;

	return bytes[9] == PART_ENVELOPE && bytes_get_be32(bytes + 10) == 0;
}

int
part_next_id(struct environment *e, uint64_t *id)
{
	unsigned char bytes[MESSAGE_KEY_LEN];
	uint64_t found = *id;
	MDB_val key;
	int rc;

	do {
		if (found == UINT64_MAX)
			return -ENOENT;
		key = message_key(bytes, found + 1, PART_ALL, 0);
		rc = key_find(e, &key, MESSAGE_KEY_LEN);
		if (rc < 0)
			return rc;
		/* Keys out of order would let us go round in circles. */
		if (bytes_get_be64((const char *)key.mv_data + 1) <= found)
			return -EBADMSG;
		found = bytes_get_be64((const char *)key.mv_data + 1);
		rc = is_first_key(key.mv_data)
			 ? -ENOENT
			 : leftover_until(e, found, &(int64_t){0});
	} while (rc == 0);
	if (rc != -ENOENT)
		return rc;
	*id = found;
	return 0;
}

/* ---- all messages -------------------------------------------------- */

/* Add what stands at key to what is known of its message. */
static void
add_chunk(struct environment *e, const unsigned char *key, const MDB_val *value,
    struct part_message *m)
{
	if (key[9] == PART_ENVELOPE || key[9] == PART_TEXT)
		m->bytes += value->mv_size;
	if (key[9] != PART_STATE || m->state_rc != -ENOENT)
		return;
	/* Nearly all have one chunk, which is here already. */
	m->state_rc = 0;
	if (bytes_get_be32(key + 10) == 0 && value->mv_size < e->chunk_len)
		buf_add(&m->state, value->mv_data, value->mv_size);
	else
		m->state_rc =
		    part_get_all(e, m->id, PART_STATE, RECORD_MAX, &m->state);
}

/*
 * Gather a message from its first key on; the cursor moves behind it, and left
 * is less by as many chunks as it has.
 */
static int
gather(struct environment *e, MDB_cursor *cursor, unsigned char *key,
    MDB_val *value, struct part_message *m, size_t *left)
{
	int rc;

	m->id = bytes_get_be64(key + 1);
	m->bytes = 0;
	m->state_rc = -ENOENT;
	buf_clear(&m->state);
	rc = is_first_key(key) ? -ENOENT
			       : leftover_until(e, m->id, &(int64_t){0});
	if (rc < 0 && rc != -ENOENT)
		return MDB_CORRUPTED;
	m->is_leftover = rc == 0;
	do {
		*left -= *left > 0;
		add_chunk(e, key, value, m);
		rc = next_key(cursor, 1, key, MDB_NEXT, value);
	} while (rc == 0 && bytes_get_be64(key + 1) == m->id);
	return rc;
}

int
part_walk(struct environment *e, uint64_t *id, size_t max, part_walk_fn *found,
    void *context)
{
	struct part_message m = {.state = BUF_INIT};
	unsigned char key[MESSAGE_KEY_LEN];
	MDB_cursor *cursor;
	MDB_val value;
	int stop = 0;
	int rc;

	if (*id == UINT64_MAX)
		return -ENOENT;
	message_key(key, *id + 1, PART_ALL, 0);
	rc = mdb_cursor_open(e->txn, e->dbi, &cursor);
	if (rc)
		return environment_error(rc);
	rc = next_key(cursor, 1, key, MDB_SET_RANGE, &value);
	while (rc == 0 && stop == 0 && max > 0) {
		rc = gather(e, cursor, key, &value, &m, &max);
		if (rc == 0 || rc == MDB_NOTFOUND) {
			*id = m.id;
			stop = found(context, &m);
		}
	}
	mdb_cursor_close(cursor);
	buf_release(&m.state);
	return stop < 0 ? stop : environment_error(rc);
}
