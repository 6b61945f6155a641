/* SPDX-License-Identifier: ISC */
/*
 * part.h - the parts of a message as chunks in LMDB
 *
 *   Keys and chunks are those of docs/spool-format.md.
 */
#ifndef SPOOL_PART_H
#define SPOOL_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "spool/environment.h"

enum part { PART_ALL = 0, PART_ENVELOPE = 1, PART_STATE = 2, PART_TEXT = 3 };

struct spool_piece;

/*
 * Store the concatenation of the pieces as a part, or as what comes of it from
 * chunk on, that is not there yet.
 */
int part_put(struct environment *e, uint64_t id, enum part part, uint32_t chunk,
    const struct spool_piece *pieces, size_t piece_count) MUST_CHECK;

/*
 * Append chunks from *chunk on to out until it holds at least max bytes: 1
 * while there is more, 0 behind the last.
 */
int part_get(struct environment *e, uint64_t id, enum part part,
    uint32_t *chunk, size_t max, struct buf *out) MUST_CHECK;

/* Append a whole part of at most max bytes. -ENOENT: there is none. */
int part_get_all(struct environment *e, uint64_t id, enum part part, size_t max,
    struct buf *out) MUST_CHECK;

/* How many bytes a part has; 0 too if there is none. */
int part_len(struct environment *e, uint64_t id, enum part part,
    uint64_t *len) MUST_CHECK;

/*
 * Remove up to max chunks of a part, or of all of them: 1 if that was not
 * enough, 0 if nothing is left. *len is how many bytes were removed.
 */
int part_remove(struct environment *e, uint64_t id, enum part part, size_t max,
    uint64_t *len) MUST_CHECK;

/*
 * The smallest id above *id of which there is anything, other than what is
 * left of a removed message. -ENOENT.
 */
int part_next_id(struct environment *e, uint64_t *id) MUST_CHECK;

/* A message as a walk over all of them finds it. */
struct part_message {
	uint64_t id;
	uint64_t bytes;	  /* of envelope and text */
	bool is_leftover; /* of a removed message */
	struct buf state;
	int state_rc; /* 0, -ENOENT: there is none, or -EBADMSG */
};

/* Takes a message that is not its to keep; 0 or -errno to stop. */
typedef int part_walk_fn(void *context, const struct part_message *m);

/*
 * Give found the messages with ids above *id, leftovers too, until they have
 * max chunks together or more; *id moves along. 0; -ENOENT: there are no more.
 */
int part_walk(struct environment *e, uint64_t *id, size_t max,
    part_walk_fn *found, void *context) MUST_CHECK;

#endif
