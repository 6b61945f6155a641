/* SPDX-License-Identifier: ISC */
/*
 * draft.h - a message on its way into a spool, in one transaction or in several
 *
 *   To write 50 MB takes a while, in which nobody else gets at the spool. So a
 *   long text is put piece by piece, each in a transaction of its own, and
 *   others have theirs in between. Until the last one the message is not
 *   there: what was put of it is marked as what is left of a removed message
 *   is, and removed as that is if the sender dies.
 */
#ifndef SPOOL_DRAFT_H
#define SPOOL_DRAFT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "spool/spool.h"

enum {
	/* Bytes of text in one transaction. */
	SPOOL_PIECE_MAX = 4 << 20,
	/* So long after it was begun a draft is taken for one of a dead
	 * sender. */
	SPOOL_DRAFT_MS = 10 * 60 * 1000,
};

struct spool_draft {
	const struct envelope *envelope;
	const struct spool_piece *pieces; /* all of the text */
	size_t piece_count;
	size_t at_once;	     /* bytes of it in one transaction */
	int64_t now_ms;	     /* wall clock, when it began */
	struct buf sealed;   /* the envelope as it is stored */
	uint64_t id;	     /* 0: nothing was put yet */
	uint64_t put_len;    /* bytes of text that were */
	uint32_t next_chunk; /* and as many chunks */
};

/*
 * Prepare a message, of which at_once bytes may be put in one transaction.
 * Envelope and pieces must stay as they are. The envelope's text_len must be
 * the sum of the pieces: -EINVAL. Release in any case.
 */
int spool_draft_init(struct spool_draft *d, const struct envelope *e,
    const struct spool_piece *pieces, size_t piece_count, size_t at_once,
    int64_t now_ms) MUST_CHECK;
void spool_draft_release(struct spool_draft *d);

/*
 * Put the next piece, in a SPOOL_WRITE: 1 while there is more, 0 when the
 * message is whole and its id is in d. -ETIMEDOUT: it took so long that what
 * was put of it is being removed.
 */
int spool_draft_put(struct spool *s, struct spool_draft *d) MUST_CHECK;

/* In a SPOOL_CHANGE: let what was put of it be removed at once. */
int spool_draft_discard(
    struct spool *s, const struct spool_draft *d) MUST_CHECK;

#endif
