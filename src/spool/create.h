/* SPDX-License-Identifier: ISC */
/*
 * create.h - make a spool, whole or not at all
 */
#ifndef SPOOL_CREATE_H
#define SPOOL_CREATE_H

#include <sys/types.h>

#include "base/compiler.h"
#include "spool/record.h"

struct spool_plan {
	uid_t uid; /* owner; (uid_t)-1: the caller */
	gid_t gid; /* group; (gid_t)-1: the caller's */
	const char *site;
	struct spool_settings settings;
};

/*
 * Make the spool directory dir, whose parent must exist: everything is written
 * and flushed under a temporary name beside it, then renamed, and that is
 * flushed too, so that a power cut leaves a spool that works or none. 0 or
 * -errno: -EEXIST when there is something at dir, which stays as it is.
 */
int spool_create(const char *dir, const struct spool_plan *plan) MUST_CHECK;

/*
 * The same for a name in a directory that is open to be read. The working
 * directory is another one afterwards.
 */
int spool_create_at(
    int parent_fd, const char *name, const struct spool_plan *plan) MUST_CHECK;

#endif
