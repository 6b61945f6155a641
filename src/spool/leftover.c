/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "base/bytes.h"
#include "spool/key.h"
#include "spool/leftover.h"

enum {
	LEFTOVER_KEY_LEN = 1 + 8,
	UNTIL_LEN = 8,
};

static MDB_val
leftover_key(unsigned char *bytes, uint64_t id)
{
	bytes[0] = KEY_LEFTOVER;
	bytes_put_be64(bytes + 1, id);
	return (MDB_val){.mv_data = bytes, .mv_size = LEFTOVER_KEY_LEN};
}

int
leftover_add(struct environment *e, uint64_t id, int64_t until_ms)
{
	unsigned char bytes[LEFTOVER_KEY_LEN];
	unsigned char until[UNTIL_LEN];
	MDB_val key = leftover_key(bytes, id);
	MDB_val value = {.mv_data = until};

	if (until_ms > 0) {
		bytes_put_be64(until, (uint64_t)until_ms);
		value.mv_size = sizeof(until);
	}
	return environment_error(mdb_put(e->txn, e->dbi, &key, &value, 0));
}

int
leftover_until(struct environment *e, uint64_t id, int64_t *until_ms)
{
	unsigned char bytes[LEFTOVER_KEY_LEN];
	MDB_val key = leftover_key(bytes, id);
	MDB_val value;
	int rc = environment_error(mdb_get(e->txn, e->dbi, &key, &value));

	if (rc < 0)
		return rc;
	*until_ms = value.mv_size == UNTIL_LEN
			? (int64_t)bytes_get_be64(value.mv_data)
			: 0;
	return 0;
}

int
leftover_remove(struct environment *e, uint64_t id)
{
	unsigned char bytes[LEFTOVER_KEY_LEN];
	MDB_val key = leftover_key(bytes, id);

	return environment_error(mdb_del(e->txn, e->dbi, &key, NULL));
}

int
leftover_next(struct environment *e, uint64_t *id)
{
	unsigned char bytes[LEFTOVER_KEY_LEN];
	uint64_t found;
	MDB_val key;
	int rc;

	if (*id == UINT64_MAX)
		return -ENOENT;
	key = leftover_key(bytes, *id + 1);
	rc = key_find(e, &key, LEFTOVER_KEY_LEN);
	if (rc < 0)
		return rc;
	found = bytes_get_be64((const char *)key.mv_data + 1);
	if (found <= *id)
		return -EBADMSG;
	*id = found;
	return 0;
}
