/* SPDX-License-Identifier: ISC */
/*
 * filesystem.h - where a spool must not be
 */
#ifndef FLUSHCTL_FILESYSTEM_H
#define FLUSHCTL_FILESYSTEM_H

#include <stdint.h>

/*
 * The name of a file system whose f_type of statfs(2) this is, if a spool
 * cannot be on it: a flush may not reach a disk there, a lock not the other
 * hosts that have it mounted, and what is mapped may be old. Else NULL.
 */
const char *filesystem_unfit(uint32_t type);

#endif
