/* SPDX-License-Identifier: ISC */
/*
 * local.h - stream sockets that have a path
 */
#ifndef BASE_LOCAL_H
#define BASE_LOCAL_H

#include "base/compiler.h"

enum { LOCAL_PATH_MAX = 100 }; /* bytes that surely fit into an address */

/*
 * Connect to whoever listens there: a descriptor, or -errno; -ECONNREFUSED:
 * nobody does any more; -ETIMEDOUT: too many wait for him already.
 */
int local_connect(const char *path, int timeout_ms) MUST_CHECK;

/*
 * Listen there, for anybody; connections wait for an accept() that does not
 * wait. A socket of our own on which nobody listens any more is replaced in one
 * step. A descriptor, or -errno: -EADDRINUSE if somebody listens, -EEXIST if
 * there is something else.
 */
int local_listen(const char *path) MUST_CHECK;

#endif
