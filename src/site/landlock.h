/* SPDX-License-Identifier: ISC */
/*
 * landlock.h - what a chroot is to root, for others
 */
#ifndef SITE_LANDLOCK_H
#define SITE_LANDLOCK_H

#include "base/compiler.h"

/*
 * From here on open, make, rename and remove only files below this directory,
 * for good, and make nothing but regular ones. What is open already stays so.
 * no_new_privs must be set. 0 or -errno; -ENOSYS or -EOPNOTSUPP: the kernel is
 * older than 5.13, or has been told to have none of it.
 */
int landlock_enter(int dir_fd) MUST_CHECK;

#endif
