/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "spool/key.h"
#include "spool/schedule.h"

enum { SCHEDULE_KEY_LEN = 1 + 8 + 8 };

static MDB_val
schedule_key(unsigned char *bytes, int64_t due_ms, uint64_t id)
{
	bytes[0] = KEY_SCHEDULE;
	bytes_put_be64(bytes + 1, (uint64_t)due_ms);
	bytes_put_be64(bytes + 9, id);
	return (MDB_val){.mv_data = bytes, .mv_size = SCHEDULE_KEY_LEN};
}

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

	return rc == -ENOENT ? 0 : rc < 0 ? rc : 1;
}

int
schedule_remove_misplaced(struct environment *e, int64_t due_ms, uint64_t id)
{
	unsigned char bytes[SCHEDULE_KEY_LEN];
	const MDB_val wanted = schedule_key(bytes, due_ms, id);
	unsigned char kind = KEY_SCHEDULE;
	MDB_val key = {.mv_data = &kind, .mv_size = sizeof(kind)};
	MDB_val nothing;
	MDB_cursor *cursor;
	int rc;

	rc = mdb_cursor_open(e->txn, e->dbi, &cursor);
	if (rc)
		return environment_error(rc);
	rc = mdb_cursor_get(cursor, &key, &nothing, MDB_SET_RANGE);
	while (rc == 0 && (key.mv_size != wanted.mv_size ||
			      memcmp(key.mv_data, bytes, key.mv_size) != 0))
		rc = mdb_cursor_get(cursor, &key, &nothing, MDB_NEXT);
	if (rc == 0)
		rc = mdb_cursor_del(cursor, 0);
	mdb_cursor_close(cursor);
	return environment_error(rc);
}

int
schedule_has(struct environment *e, int64_t due_ms, uint64_t id)
{
	unsigned char bytes[SCHEDULE_KEY_LEN];
	MDB_val key = schedule_key(bytes, due_ms, id);
	MDB_val nothing;
	int rc = environment_error(mdb_get(e->txn, e->dbi, &key, &nothing));

	return rc == 0 ? 1 : rc == -ENOENT ? 0 : rc;
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
	rc = key_find(e, &key, SCHEDULE_KEY_LEN);
	if (rc < 0)
		return rc;
	due = (int64_t)bytes_get_be64((const char *)key.mv_data + 1);
	after = bytes_get_be64((const char *)key.mv_data + 9);
	/* Keys out of order would let us go round in circles. They are
	 * unsigned: a negative time comes behind all. */
	if ((uint64_t)due < (uint64_t)*due_ms ||
	    (due == *due_ms && after <= *id))
		return -EBADMSG;
	*due_ms = due;
	*id = after;
	return 0;
}
