/* SPDX-License-Identifier: ISC */
/*
 * forget DIR - remove the counters of a spool, so that they must be repaired
 *
 *   Nobody else may be at work on it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "spool/environment.h"
#include "spool/spool.h"

enum { MAP_SLACK = 64 << 20 };

static int
forget(const char *path, size_t map_len)
{
	unsigned char byte = ENVIRONMENT_COUNTERS;
	MDB_val key = {.mv_data = &byte, .mv_size = 1};
	struct environment e;
	int rc;

	rc = environment_open(&e, path, true, map_len);
	if (rc < 0)
		return rc;
	rc = environment_error(mdb_del(e.txn, e.dbi, &key, NULL));
	if (rc == 0)
		rc = environment_commit(&e);
	environment_close(&e);
	return rc;
}

int
main(int argc, char **argv)
{
	struct buf path = BUF_INIT;
	struct stat st;
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: forget DIR\n");
		return 2;
	}
	buf_add_format(&path, "%s/%s", argv[1], SPOOL_FILE);
	rc = stat(path.data, &st) < 0 ? -errno : 0;
	if (rc == 0)
		rc = forget(path.data, (size_t)st.st_size + MAP_SLACK);
	if (rc < 0)
		fprintf(stderr, "forget: %s: %s\n", path.data, strerror(-rc));
	buf_release(&path);
	return rc < 0 ? 1 : 0;
}
