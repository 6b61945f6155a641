/* SPDX-License-Identifier: ISC */
/*
 * privilege.h - become another user, or one without privileges, for good
 */
#ifndef BASE_PRIVILEGE_H
#define BASE_PRIVILEGE_H

#include <sys/types.h>

#include "base/compiler.h"

/*
 * From root, become uid with no group but gid, in a way that cannot be undone:
 * real, effective and saved ids are changed, and that none can be had again is
 * checked. uid 0 is refused
 * (-EINVAL), and for gid 0 the group of nobody is taken: a directory that root
 * gave to a user often still has root's group. 0 or -errno; after a failure the
 * process must end.
 */
int privilege_become(uid_t uid, gid_t gid) MUST_CHECK;

/*
 * Empty the bounding set of capabilities, while there is the right to: without
 * CAP_SETPCAP nobody may, and it stays as it is. 0 or -errno.
 */
int privilege_bound(void) MUST_CHECK;

/*
 * Give up all capabilities, and see that none is left: what root can do without
 * them is what any owner of a file can. 0 or -errno.
 */
int privilege_renounce(void) MUST_CHECK;

#endif
