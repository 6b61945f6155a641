/* SPDX-License-Identifier: ISC */
/*
 * share.h - shared commits: senders that meet pay for one flush together
 *
 *   A commit costs two flushes of the disk, and there is one at a time. So a
 *   sender who must wait for others leaves his message in incoming/, where
 *   whoever commits next takes it along with his own.
 *
 *   Sender       nobody waits: take the lock, settle, put, commit. Somebody
 *                does: stage the message (staged.h), then wait too. Whoever
 *                gets the lock takes his file back, unless it is committed by
 *                then, and commits himself, for those behind him too.
 *   Commit       every one, also the worker's: take what is staged and its
 *                sender alive, up to SHARE_MAX messages or SHARE_BYTES_MAX;
 *                list them as "joined" in the same transaction; and when it is
 *                durable, still under the lock, acknowledge each: write the id
 *                into its file, remove the name, and wake its sender, who reads
 *                it there.
 *   Settle       first thing under the lock: whoever committed last may have
 *                died before he had told everybody. So flush, tell those who
 *                joined, and take back out of the spool what was withdrawn.
 *   Withdraw     whoever has waited for too long renames his file. That, and
 *                the unlink of the acknowledgement, cannot both succeed: so
 *                one of the two has been first, and both sides know who.
 *   Death        of a sender ends his flock: his file is removed. Of who
 *                commits, before: everybody is as he was; after: settle. After
 *                a power cut all senders are dead.
 *
 *   Nobody who sends may read what is not settled: it could be withdrawn yet.
 *   What a power cut can do is forget a withdrawal of the last seconds.
 */
#ifndef SPOOL_SHARE_H
#define SPOOL_SHARE_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "spool/draft.h"
#include "spool/spool.h"

enum {
	SHARE_MAX = 256, /* messages that join one commit... */
	/* ...and bytes of their files, but for the last: with pages that are
	 * half empty they must fit into what a map has to spare. */
	SHARE_BYTES_MAX = 1 << 20,
};

/* A message that joined a commit. */
struct joined {
	uint64_t name; /* of its file */
	uint64_t id;
};

/* Of the transaction. */
struct share {
	struct joined withdrawn[SHARE_MAX]; /* of the commit before */
	size_t withdrawn_count;
	struct joined taken[SHARE_MAX]; /* along with this one */
	size_t taken_count;
	bool has_joined;   /* the environment lists some, settled or not */
	bool is_unsettled; /* and who reads only cannot change that */
	bool is_flushed;   /* what was found, before anybody is told */
};

/*
 * Begin to put a draft, as spool_begin() does with SPOOL_WRITE; need is what it
 * takes of the disk. 1: another has committed it meanwhile, *id is what it is,
 * and there is no transaction. -EINPROGRESS: perhaps another has.
 */
int share_begin(struct spool *s, const struct spool_draft *d, uint64_t need,
    int64_t deadline_ms, uint64_t *id) MUST_CHECK;

/* ---- for spool.c --------------------------------------------------- */

/* First in a transaction. Who reads only gets 0, and perhaps is_unsettled. */
int share_settle(struct spool *s) MUST_CHECK;

/* Last in it: take along what waits, and list it. */
int share_take(struct spool *s) MUST_CHECK;

/* After it, when it is durable. */
void share_acknowledge(struct spool *s);

#endif
