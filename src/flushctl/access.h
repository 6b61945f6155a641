/* SPDX-License-Identifier: ISC */
/*
 * access.h - open a spool as the operator: never with more rights than its
 * owner
 *
 *   These functions say what is wrong, on standard error: "DIR: ...".
 */
#ifndef FLUSHCTL_ACCESS_H
#define FLUSHCTL_ACCESS_H

#include "base/compiler.h"
#include "spool/spool.h"

enum { ACCESS_TIMEOUT_MS = 30 * 1000 };

/*
 * Open the spool dir, as root having become its owner for good. From then on a
 * file that kills LMDB ends the program with one line and STATUS_FAILED. dir
 * must stay. STATUS_DONE or STATUS_FAILED.
 */
int access_open(const char *dir, struct spool **spool) MUST_CHECK;

/* Begin to read, or to change. 0 or -errno of spool_begin(). */
int access_begin(struct spool *s) MUST_CHECK;
int access_begin_change(struct spool *s) MUST_CHECK;

/* Say what a -errno of the spool means; STATUS_FAILED. */
int access_failed(const char *dir, int rc);

#endif
