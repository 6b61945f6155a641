/* SPDX-License-Identifier: ISC */
/*
 * access.h - a spool from within an errand
 *
 *   These functions say what is wrong, on standard error, behind the name of
 *   the spool.
 */
#ifndef FLUSHCTL_ACCESS_H
#define FLUSHCTL_ACCESS_H

#include <stdint.h>

#include "base/compiler.h"
#include "spool/spool.h"

enum { ACCESS_TIMEOUT_MS = 30 * 1000 };

/*
 * Open the spool in dir_fd, whose owner this process must be. From then on a
 * file that kills LMDB ends the process with one line and STATUS_FAILED, and
 * *turns counts the transactions that are begun. name must stay. STATUS_DONE or
 * STATUS_FAILED.
 */
int access_open(const char *name, int dir_fd, uint64_t *turns,
    struct spool **spool) MUST_CHECK;

/* Begin to read, or to change. 0 or -errno of spool_begin(). */
int access_begin(struct spool *s) MUST_CHECK;
int access_begin_change(struct spool *s) MUST_CHECK;

/* Say what a -errno of the spool means; STATUS_FAILED. */
int access_failed(const char *name, int rc);

#endif
