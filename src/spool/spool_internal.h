/* SPDX-License-Identifier: ISC */
/*
 * spool_internal.h - what the parts of the spool share; for src/spool only
 *
 *   spool.c     the directory, transactions, and the records beside messages
 *   end.c       the end of a transaction that may have failed
 *   draft.c     a message on its way in
 *   message.c   messages within a transaction
 *   gate.c      the way to the lock
 *   share.c     shared commits
 *   staged.c    a message that waits to join one
 *   limit.c     what the settings allow
 *   origin.c    is it the spool that was made here, or a copy?
 *   repair.c    counters and schedule, from the messages
 *   shrink.c    a small file in place of a large one
 */
#ifndef SPOOL_SPOOL_INTERNAL_H
#define SPOOL_SPOOL_INTERNAL_H

#include <stdbool.h>
#include <sys/stat.h>

#include "spool/environment.h"
#include "spool/share.h"
#include "spool/spool.h"

struct spool {
	int dir_fd;
	int turnstile_fd; /* incoming/; below 0: there is none */
	int worker_fd;	  /* for spool_is_sending(); below 0: not open */
	bool is_writer;
	struct environment environment; /* .txn is set in a transaction */
	struct spool_counters counters; /* of the transaction */
	struct stat file;		/* when the transaction began */
	uint64_t copied_to_id;		/* of the identity */
	bool is_copy;			/* and not all of it is on hold */
	bool is_recounted;		/* in this transaction */
	bool is_draft;			/* and it makes no message whole */
	struct share share;		/* who shares it */
};

/*
 * The lock is held: open the environment and begin a transaction, as
 * spool_begin() does. The lock is let go of if that fails.
 */
int spool_open_transaction(
    struct spool *s, enum spool_access access, uint64_t need) MUST_CHECK;

/*
 * Leave room to remove messages when new ones of need bytes will have been
 * added. What the file has of the disk and does not use counts as such.
 */
int spool_reserve_room(struct spool *s, uint64_t need) MUST_CHECK;

enum {
	SPOOL_PER_MESSAGE = 8192, /* of its records and its share of the tree */
};

/*
 * Check that this is a spool; when writing, note whether it is the one that
 * was made here. The counters must be loaded.
 */
int spool_check_origin(struct spool *s) MUST_CHECK;

/* Write the identity, as that of the file whose inode this is. */
int spool_put_origin(struct spool *s, struct environment *to,
    uint64_t file_inode, uint64_t copied_to_id) MUST_CHECK;

/*
 * Do as spool_repair() does, first in a transaction. Only one that is to
 * change something repairs the schedule; else, and where too much of that is
 * missing for one transaction, the counters come out as doubtful.
 */
int spool_recount(struct spool *s, enum spool_access access) MUST_CHECK;

/* Decode a state as it is stored, with its checksum: 0, or -EBADMSG. */
int spool_decode_state(uint64_t id, const struct buf *sealed,
    struct message_state *state) MUST_CHECK;

enum { SPOOL_CHECKSUM_LEN = 8 }; /* behind the fields of both records */

/* Store the state of a message that has none, with its place among the due. */
int spool_put_state(
    struct spool *s, uint64_t id, const struct message_state *state) MUST_CHECK;

/* As spool_get() does. -ENOENT: there is no state; -EBADMSG. */
int spool_read_state(
    struct spool *s, uint64_t id, struct message_state *state) MUST_CHECK;

#endif
