/* SPDX-License-Identifier: ISC */
/*
 * privilege.h - become another user for good
 */
#ifndef BASE_PRIVILEGE_H
#define BASE_PRIVILEGE_H

#include <sys/types.h>

#include "base/compiler.h"

/*
 * From root, become uid with no group but gid, in a way that cannot be undone:
 * real, effective and saved ids are changed and checked. uid 0 is refused
 * (-EINVAL), and for gid 0 the group of nobody is taken: a directory that root
 * gave to a user often still has root's group. 0 or -errno; after a failure the
 * process must end.
 */
int privilege_become(uid_t uid, gid_t gid) MUST_CHECK;

#endif
