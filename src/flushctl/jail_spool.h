/* SPDX-License-Identifier: ISC */
/*
 * jail_spool.h - the spool of a jail, seen from outside
 *
 *   No privileged process reads in it: that does an errand (errand.h), and what
 *   it says is believed of this spool only.
 */
#ifndef FLUSHCTL_JAIL_SPOOL_H
#define FLUSHCTL_JAIL_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "flushctl/jail.h"
#include "spool/create.h"

/*
 * Open the spool directory at path, as it is called in the jail. A descriptor;
 * -ENOENT if there is nothing; or -errno, and why says what is there instead
 * of a directory of the jail's user.
 */
int jail_spool_open(
    const struct jail *j, const char *path, struct buf *why) MUST_CHECK;

/* Can one be made in this jail? 0 or -errno; why says what is against it. */
int jail_spool_fits(const struct jail *j, struct buf *why) MUST_CHECK;

/*
 * Make one where there is nothing, and the directories that lead there. 0 or
 * -errno; why says what was wrong.
 */
int jail_spool_make(const struct jail *j, const char *path,
    const struct spool_plan *plan, struct buf *why) MUST_CHECK;

/* Remove the directory of one that was destroyed. 0 or -errno. */
int jail_spool_unmake(const struct jail *j, const char *path) MUST_CHECK;

enum jail_spool_order {
	JAIL_SPOOL_COUNT,
	JAIL_SPOOL_BLOCK, /* let nobody submit */
	JAIL_SPOOL_UNBLOCK,
	JAIL_SPOOL_DESTROY, /* unless there is mail: -ENOTEMPTY */
	JAIL_SPOOL_DESTROY_ALL,
};

struct jail_spool_depth {
	uint64_t waiting; /* new and deferred */
	uint64_t kept;	  /* held and failed */
	bool was_blocked; /* with BLOCK and UNBLOCK */
};

/*
 * Have an errand do that in the open spool; before it did, it counts. 0 or
 * -errno; -EBADMSG also if it was killed, by a damaged file perhaps, -ETIMEDOUT
 * also if it did nothing any more.
 */
int jail_spool_order(int dir_fd, enum jail_spool_order order,
    struct jail_spool_depth *depth) MUST_CHECK;

/* What an error of that means, for people. */
const char *jail_spool_error(int error);

#endif
