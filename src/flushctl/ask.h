/* SPDX-License-Identifier: ISC */
/*
 * ask.h - ask flushd at its status socket
 */
#ifndef FLUSHCTL_ASK_H
#define FLUSHCTL_ASK_H

#include "base/buf.h"
#include "base/compiler.h"

enum { ASK_TIMEOUT_MS = 10 * 1000 }; /* flushd gives up after 5 s */

/*
 * Append flushd's answer, all of it, to answer. 0 or -errno: -ENOENT and
 * -ECONNREFUSED: nobody listens at path; -ETIMEDOUT: it was not said in
 * timeout_ms; -EMSGSIZE: it is longer than any that flushd gives.
 */
int ask_flushd(const char *path, int timeout_ms, struct buf *answer) MUST_CHECK;

/* Append what such a -errno means, in one line without an end. */
void ask_add_error(struct buf *out, const char *path, int rc);

#endif
