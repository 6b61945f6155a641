/* SPDX-License-Identifier: ISC */
/*
 * jail.h - the way below a jail whose user may change it at any moment
 *
 *   A path is walked a component at a time, and no link is followed: whoever
 *   owns a directory on the way can put a link, or another directory of his,
 *   in the place of the next one whenever he likes. What is open stays what it
 *   was, so everything is done to what is open.
 *
 *   Nor is anything made or changed below another mount: that may be a
 *   directory of the host, which only shows here.
 */
#ifndef FLUSHCTL_JAIL_H
#define FLUSHCTL_JAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"

struct jail {
	const char *path; /* of its root; the caller's */
	uid_t uid;	  /* its user */
	gid_t gid;
	int fd;		/* O_PATH */
	uint64_t mount; /* that it is on */
};

/* A directory of it. */
struct jail_dir {
	int fd;		   /* O_PATH */
	bool is_elsewhere; /* below another mount */
	bool is_users;	   /* it, or one above it, is one that the user, or
			      anybody, may change */
};

/*
 * Open the jail whose root is at path, which is absolute, and not "/". 0 or
 * -errno: -ELOOP, -ENOTDIR: there is a link on the way.
 */
int jail_open(
    struct jail *j, const char *path, uid_t uid, gid_t gid) MUST_CHECK;
void jail_close(struct jail *j);

/*
 * Open the directory at path, as it is called within the jail. may_make: those
 * that are missing are made, and belong to root. /bin and /sbin may be links to
 * those in /usr. 0, and jail_dir_close() is due; or -errno: -ENOENT, -ELOOP,
 * -ENOTDIR; -EXDEV: it would have to be made below another mount.
 */
int jail_open_dir(const struct jail *j, const char *path, bool may_make,
    struct jail_dir *d) MUST_CHECK;
void jail_dir_close(struct jail_dir *d);

/* Open it to be read, and to be flushed. A descriptor or -errno. */
int jail_dir_reopen(const struct jail_dir *d) MUST_CHECK;

/* Flush the names in it. 0 or -errno. */
int jail_dir_sync(const struct jail_dir *d) MUST_CHECK;

/* What an error of these means, for people. */
const char *jail_error(int error);

#endif
