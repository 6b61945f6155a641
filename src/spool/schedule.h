/* SPDX-License-Identifier: ISC */
/*
 * schedule.h - which message is due when
 *
 *   Entries in the order of due times. Nothing makes them agree with what the
 *   messages say but who writes both. Keys are those of docs/spool-format.md.
 */
#ifndef SPOOL_SCHEDULE_H
#define SPOOL_SCHEDULE_H

#include <stdint.h>

#include "base/compiler.h"
#include "spool/environment.h"

int schedule_add(struct environment *e, int64_t due_ms, uint64_t id) MUST_CHECK;

/* Remove an entry: 1, or 0 if there is none. */
int schedule_remove(
    struct environment *e, int64_t due_ms, uint64_t id) MUST_CHECK;

/* Remove one that is not where a search looks for it: by a look at all. */
int schedule_remove_misplaced(
    struct environment *e, int64_t due_ms, uint64_t id) MUST_CHECK;

/* 1 if there is such an entry, 0 if not. */
int schedule_has(struct environment *e, int64_t due_ms, uint64_t id) MUST_CHECK;

/* Move to the entry behind (*due_ms, *id). -ENOENT: that was the last. */
int schedule_next(
    struct environment *e, int64_t *due_ms, uint64_t *id) MUST_CHECK;

#endif
