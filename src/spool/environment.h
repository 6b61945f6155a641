/* SPDX-License-Identifier: ISC */
/*
 * environment.h - the LMDB environment of a spool, open for one transaction
 *
 *   The caller holds the spool's lock from before environment_open() until
 *   after environment_close(). Only environment.c, spool.c and who makes keys
 *   (key.h) know LMDB; what they return is -errno (see spool.h).
 */
#ifndef SPOOL_ENVIRONMENT_H
#define SPOOL_ENVIRONMENT_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"

struct environment {
	MDB_env *env;
	MDB_txn *txn;
	MDB_txn *parent; /* of txn, if that is a nested one */
	MDB_dbi dbi;
	size_t chunk_len; /* the longest value that takes one overflow page */
};

/* The records beside the messages; the number is the key. */
enum environment_record {
	ENVIRONMENT_IDENTITY = 1,
	ENVIRONMENT_SETTINGS = 2,
	ENVIRONMENT_COUNTERS = 3,
	ENVIRONMENT_JOINED = 4, /* there only since somebody shared a commit */
};

/* What an LMDB return code is as 0 or -errno. */
int environment_error(int lmdb_code) MUST_CHECK;

/*
 * Open the file at path and begin a transaction in it. map_len is how far the
 * file may grow, in bytes. An LMDB of another major version than 0.9 is
 * refused: -ENOTSUP.
 */
int environment_open(struct environment *e, const char *path, bool is_writer,
    size_t map_len) MUST_CHECK;

/*
 * Read and write one of the records. They are written when the spool is made
 * and never removed, so one that is not there is damage: -EBADMSG. The value
 * points into the environment.
 */
int environment_get(struct environment *e, enum environment_record record,
    MDB_val *value) MUST_CHECK;
int environment_put(struct environment *e, enum environment_record record,
    const struct buf *content) MUST_CHECK;

/* The same for one that need not be there: -ENOENT. */
int environment_find(struct environment *e, enum environment_record record,
    MDB_val *value) MUST_CHECK;

/*
 * Go on in a transaction within the transaction, and end that: it becomes part
 * of the outer one if rc is 0, else nothing of it is left. Returns rc, or the
 * -errno of ending it.
 */
int environment_nest(struct environment *e) MUST_CHECK;
int environment_unnest(struct environment *e, int rc) MUST_CHECK;

/*
 * Commit. 0: durable. -EINPROGRESS: the last write failed after the pages were
 * safe, so it may be durable or not. Else nothing of it will be there.
 */
int environment_commit(struct environment *e) MUST_CHECK;

/* Flush the file as it is found, once more: 0, or -errno of fdatasync(2). */
int environment_flush(struct environment *e) MUST_CHECK;

/*
 * See to it that the file has room for len bytes on the disk without getting
 * longer, where the file system can do that. -ENOSPC.
 */
int environment_reserve(struct environment *e, uint64_t len) MUST_CHECK;

/* Give back what was reserved behind the end of the file, if anything. */
void environment_unreserve(struct environment *e);

/*
 * Where what need bytes take would make the file of file_len longer, write
 * zeros behind its end, for several times as much: the next commits then only
 * write over what is there, which is flushed in a third of the time. Without
 * them it works too, so it is no error if there is no room for them.
 */
void environment_extend(
    struct environment *e, uint64_t file_len, uint64_t need);

/* Store all records of from in to, which has none of them. */
int environment_copy(
    struct environment *from, struct environment *to) MUST_CHECK;

/* Abort what was not committed, and close; a closed one is fine. */
void environment_close(struct environment *e);

#endif
