/* SPDX-License-Identifier: ISC */
/*
 * leftover.h - the marks of messages that are not there as a whole
 *
 *   What is left of a message that was removed, as that is more than one
 *   transaction should free; or what there is so far of one that is put in
 *   several. Keys are those of docs/spool-format.md.
 */
#ifndef SPOOL_LEFTOVER_H
#define SPOOL_LEFTOVER_H

#include <stdint.h>

#include "base/compiler.h"
#include "spool/environment.h"

/* Mark an id, or mark it anew: until_ms is when its putting must be over, 0 for
 * a removed one. */
int leftover_add(
    struct environment *e, uint64_t id, int64_t until_ms) MUST_CHECK;

/* -ENOENT: there is no mark. */
int leftover_until(
    struct environment *e, uint64_t id, int64_t *until_ms) MUST_CHECK;
int leftover_remove(struct environment *e, uint64_t id) MUST_CHECK;

/* Move to the smallest id above *id. -ENOENT: that was the last. */
int leftover_next(struct environment *e, uint64_t *id) MUST_CHECK;

#endif
