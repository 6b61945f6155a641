/* SPDX-License-Identifier: ISC */
/*
 * user.h - the users of this host
 */
#ifndef FLUSHCTL_USER_H
#define FLUSHCTL_USER_H

#include <sys/types.h>

#include "base/compiler.h"

/*
 * Find a user by name or number; a number that has no name is its own group. 0
 * or -ENOENT, and neither id is touched.
 */
int user_find(const char *text, uid_t *uid, gid_t *gid) MUST_CHECK;

#endif
