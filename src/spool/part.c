/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "spool/part.h"
#include "spool/spool.h"

enum {
	KEY_MESSAGE = 0x10,
	KEY_SCHEDULE = 0x11,
	MESSAGE_KEY_LEN = 1 + 8 + 1 + 4,
	SCHEDULE_KEY_LEN = 1 + 8 + 8,
};

/* ---- keys ---------------------------------------------------------- */

static MDB_val
message_key(unsigned char *bytes, uint64_t id, enum part part, uint32_t chunk)
{
	bytes[0] = KEY_MESSAGE;
	bytes_put_be64(bytes + 1, id);
	bytes[9] = (unsigned char)part;
	bytes_put_be32(bytes + 10, chunk);
	return (MDB_val){.mv_data = bytes, .mv_size = MESSAGE_KEY_LEN};
}

static MDB_val
schedule_key(unsigned char *bytes, int64_t due_ms, uint64_t id)
{
	bytes[0] = KEY_SCHEDULE;
	bytes_put_be64(bytes + 1, (uint64_t)due_ms);
	bytes_put_be64(bytes + 9, id);
	return (MDB_val){.mv_data = bytes, .mv_size = SCHEDULE_KEY_LEN};
}

/* The first key that is not below key. -ENOENT: it is of another kind. */
static int
find(struct environment *e, MDB_val *key, size_t key_len)
{
	const unsigned char kind = *(const unsigned char *)key->mv_data;
	MDB_cursor *cursor;
	MDB_val value;
	int rc;

	rc = mdb_cursor_open(e->txn, e->dbi, &cursor);
	if (rc)
		return environment_error(rc);
	rc = environment_error(
	    mdb_cursor_get(cursor, key, &value, MDB_SET_RANGE));
	mdb_cursor_close(cursor);
	if (rc < 0)
		return rc;
	if (key->mv_size == 0 || *(unsigned char *)key->mv_data != kind)
		return -ENOENT;
	return key->mv_size == key_len ? 0 : -EBADMSG;
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
part_put(struct environment *e, uint64_t id, enum part part,
    const struct spool_piece *pieces, size_t piece_count)
{
	struct piece_cursor from = {.piece = pieces};
	unsigned char bytes[MESSAGE_KEY_LEN];
	size_t left = 0;

	for (size_t i = 0; i < piece_count; i++)
		left += pieces[i].len;
	if (left / e->chunk_len >= UINT32_MAX)
		return -EMSGSIZE;
	for (uint32_t chunk = 0; left > 0; chunk++) {
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

int
part_len(struct environment *e, uint64_t id, enum part part, uint64_t *len)
{
	unsigned char bytes[MESSAGE_KEY_LEN];
	uint64_t sum = 0;
	int rc;

	for (uint32_t chunk = 0;; chunk++) {
		MDB_val key = message_key(bytes, id, part, chunk);
		MDB_val value;

		rc = environment_error(mdb_get(e->txn, e->dbi, &key, &value));
		if (rc < 0)
			break;
		sum += value.mv_size;
	}
	if (rc != -ENOENT)
		return rc;
	*len = sum;
	return 0;
}

int
part_remove(struct environment *e, uint64_t id, enum part part, uint64_t *len)
{
	/* A prefix, not chunk numbers: a damaged message may have gaps. */
	const size_t prefix_len = part == PART_ALL ? 1 + 8 : 1 + 8 + 1;
	unsigned char bytes[MESSAGE_KEY_LEN];
	uint64_t removed = 0;
	MDB_cursor *cursor;
	int rc;

	rc = mdb_cursor_open(e->txn, e->dbi, &cursor);
	while (rc == 0) {
		MDB_val key = message_key(bytes, id, part, 0);
		MDB_val value;

		rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
		if (rc)
			break;
		if (key.mv_size < prefix_len ||
		    memcmp(key.mv_data, bytes, prefix_len) != 0) {
			rc = MDB_NOTFOUND;
			break;
		}
		removed += value.mv_size;
		rc = mdb_cursor_del(cursor, 0);
	}
	mdb_cursor_close(cursor);
	if (rc != MDB_NOTFOUND)
		return environment_error(rc);
	*len = removed;
	return 0;
}

int
part_next_id(struct environment *e, uint64_t *id)
{
	unsigned char bytes[MESSAGE_KEY_LEN];
	uint64_t found;
	MDB_val key;
	int rc;

	if (*id == UINT64_MAX)
		return -ENOENT;
	key = message_key(bytes, *id + 1, PART_ALL, 0);
	rc = find(e, &key, MESSAGE_KEY_LEN);
	if (rc < 0)
		return rc;
	found = bytes_get_be64((const char *)key.mv_data + 1);
	/* Keys out of order would let callers go round in circles. */
	if (found <= *id)
		return -EBADMSG;
	*id = found;
	return 0;
}

/* ---- schedule ------------------------------------------------------ */

int
schedule_add(struct environment *e, int64_t due_ms, uint64_t id)
{
	unsigned char bytes[SCHEDULE_KEY_LEN];
	MDB_val key = schedule_key(bytes, due_ms, id);
	MDB_val nothing = {0};

	return environment_error(mdb_put(e->txn, e->dbi, &key, &nothing, 0));
}

int
schedule_remove(struct environment *e, int64_t due_ms, uint64_t id)
{
	unsigned char bytes[SCHEDULE_KEY_LEN];
	MDB_val key = schedule_key(bytes, due_ms, id);
	int rc = environment_error(mdb_del(e->txn, e->dbi, &key, NULL));

	return rc == -ENOENT ? 0 : rc;
}

int
schedule_next(struct environment *e, int64_t *due_ms, uint64_t *id)
{
	unsigned char bytes[SCHEDULE_KEY_LEN];
	int64_t due = *due_ms;
	uint64_t after = *id;
	MDB_val key;
	int rc;

	if (after == UINT64_MAX && due == INT64_MAX)
		return -ENOENT;
	key = after == UINT64_MAX ? schedule_key(bytes, due + 1, 0)
				  : schedule_key(bytes, due, after + 1);
	rc = find(e, &key, SCHEDULE_KEY_LEN);
	if (rc < 0)
		return rc;
	due = (int64_t)bytes_get_be64((const char *)key.mv_data + 1);
	after = bytes_get_be64((const char *)key.mv_data + 9);
	/* As above; and no time is negative. */
	if (due < 0 || due < *due_ms || (due == *due_ms && after <= *id))
		return -EBADMSG;
	*due_ms = due;
	*id = after;
	return 0;
}
