/* SPDX-License-Identifier: ISC */
/*
 * reading.h - read the text of a message piece by piece, and verify it
 *
 *   Each piece has a lock of its own, so senders wait for one at most.
 */
#ifndef FLUSHCTL_READING_H
#define FLUSHCTL_READING_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "spool/spool.h"

/* Takes a piece, outside of the lock; 0, or another status to stop. */
typedef int reading_sink_fn(const void *data, size_t len);

/*
 * Give the text of a message to sink (NULL: to nobody), then compare the
 * checksum. 0; -EBADMSG: damaged; -ENOENT: it left the spool meanwhile;
 * -ECANCELED: sink stopped it; or another -errno of the spool.
 */
int reading_text(
    struct spool *s, uint64_t id, reading_sink_fn *sink) MUST_CHECK;

#endif
