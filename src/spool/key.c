/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "spool/key.h"

int
key_find(struct environment *e, MDB_val *key, size_t key_len)
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
