/* SPDX-License-Identifier: ISC */
/*
 * commit DIR COUNT - an LMDB environment, and a transaction of its own for each
 * message
 *
 *   Standard input becomes a value of DIR/data.mdb, COUNT times, and has a
 * flock on DIR to itself each time: what a spool costs whose senders share
 * nothing. Without counters, checksums or envelopes it costs less than any real
 * one.
 */
#include <fcntl.h>
#include <lmdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum { TEXT_MAX = 64 * 1024, MAP_LEN = 1 << 30, SHIFT = 8 };

static int
put(MDB_txn *txn, MDB_val *text)
{
	unsigned char key[8];
	MDB_val found;
	MDB_val name = {sizeof(key), key};
	MDB_cursor *cursor;
	MDB_dbi dbi;
	uint64_t id = 0;
	int rc = mdb_dbi_open(txn, NULL, 0, &dbi);

	if (rc == 0)
		rc = mdb_cursor_open(txn, dbi, &cursor);
	if (rc != 0)
		return rc;
	if (mdb_cursor_get(cursor, &found, NULL, MDB_LAST) == 0)
		for (size_t i = 0; i < sizeof(key); i++)
			id = id << SHIFT | ((unsigned char *)found.mv_data)[i];
	id++;
	for (size_t i = sizeof(key); i-- > 0; id >>= SHIFT)
		key[i] = (unsigned char)id;
	return mdb_cursor_put(cursor, &name, text, MDB_APPEND);
}

/* The environment is opened under the lock, as nobody else keeps it open. */
static int
store(MDB_val *text)
{
	MDB_env *env;
	MDB_txn *txn;
	int rc = mdb_env_create(&env);

	if (rc != 0)
		return rc;
	rc = mdb_env_set_mapsize(env, MAP_LEN);
	if (rc == 0)
		rc = mdb_env_open(
		    env, "data.mdb", MDB_NOSUBDIR | MDB_NOLOCK, 0600);
	if (rc == 0)
		rc = mdb_txn_begin(env, NULL, 0, &txn);
	if (rc == 0)
		rc = put(txn, text);
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	mdb_env_close(env);
	return rc;
}

int
main(int argc, char **argv)
{
	static char bytes[TEXT_MAX];
	MDB_val text = {0, bytes};
	ssize_t len;
	long count;
	int dir;

	if (argc < 3 || chdir(argv[1]) < 0)
		return 2;
	while ((len = read(STDIN_FILENO, bytes + text.mv_size,
		    sizeof(bytes) - text.mv_size)) > 0)
		text.mv_size += (size_t)len;
	dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (len < 0 || dir < 0)
		return 1;
	for (count = strtol(argv[2], NULL, 10); count > 0; count--)
		if (flock(dir, LOCK_EX) < 0 || store(&text) != 0 ||
		    flock(dir, LOCK_UN) < 0)
			return 1;
	return 0;
}
