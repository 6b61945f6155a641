/* SPDX-License-Identifier: ISC */
/*
 * place.h - put a file or a link into a directory of a jail
 *
 *   Nothing that is there is written to, or changes its owner or mode: it may
 *   be a hard link to something else. A file is written under another name,
 *   and renamed when it is whole and on the disk.
 */
#ifndef FLUSHCTL_PLACE_H
#define FLUSHCTL_PLACE_H

#include "base/buf.h"
#include "base/compiler.h"
#include "flushctl/jail.h"

enum place_state {
	PLACE_MISSING,
	PLACE_CURRENT,
	PLACE_OUTDATED, /* of ours, but not what it should be */
	PLACE_FOREIGN,	/* not of ours */
};

/*
 * Look at what has this name. Ours is a regular file that belongs to root, of
 * mode 0755; current is one with these bytes. why gets, unless it is current,
 * what is wrong. A state or -errno.
 */
int place_look_file(const struct jail_dir *d, const char *name,
    const struct buf *bytes, struct buf *why) MUST_CHECK;

/* Ours is a symbolic link with this target. */
int place_look_link(const struct jail_dir *d, const char *name,
    const char *target, struct buf *why) MUST_CHECK;

/*
 * Put a file there, in the place of anything but a directory, or a link where
 * there is nothing. 0 or -errno; -EXDEV: below another mount; -EAGAIN: somebody
 * has put something else in its place meanwhile.
 */
int place_file(const struct jail_dir *d, const char *name,
    const struct buf *bytes) MUST_CHECK;
int place_link(
    const struct jail_dir *d, const char *name, const char *target) MUST_CHECK;

/* Remove the name of what was looked at. 0 or -errno. */
int place_remove(const struct jail_dir *d, const char *name) MUST_CHECK;

#endif
