/* SPDX-License-Identifier: ISC */
/*
 * site.h - a spool as root sees it: a directory, never a database
 */
#ifndef SITE_SITE_H
#define SITE_SITE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/compiler.h"

/* What is known of a site before anything is opened. */
struct site {
	char *name; /* for people */
	char *root; /* of its jail; NULL: path is no path in a jail */
	char *path; /* of the spool, in the jail */
	char *user; /* whose it must be, for people; or NULL */
	bool has_uid;
	uid_t uid; /* whose it must be; 0: there was no such user, and it is
		      nobody's. Without, root serves anybody's and others their
		      own */
};

void site_release(struct site *s);

/* Look for a user who was not there, before anything is opened. */
void site_find_user(struct site *s);

/* A spool that is open for its one worker. */
struct site_spool {
	int dir_fd;
	int lock_fd; /* of the file "worker", locked while anybody has it */
};

/*
 * Open the spool directory: a descriptor, or -errno. No link below the root is
 * followed, as the jail's user could have made it. -ENOENT, -ENOTDIR, -ELOOP:
 * there is no directory; -EPERM: it is not his whose it must be; -ESRCH: there
 * is no such user.
 */
int site_open_dir(const struct site *s) MUST_CHECK;

/*
 * The same, and take the lock of its worker, without waiting. 0 or -errno, also
 * -EBUSY: somebody serves it; -EBADMSG: no spool; -EROFS: nothing can be
 * recorded in it.
 */
int site_open(const struct site *s, struct site_spool *spool) MUST_CHECK;

/* The same, but while it is busy try for 3 s: a worker whose supervisor was
 * killed leaves, but not at once. */
int site_claim(const struct site *s, struct site_spool *spool) MUST_CHECK;

void site_close(struct site_spool *spool);

/* False if what is open is not to be found at its path any more. */
bool site_is_there(const struct site *s, const struct site_spool *spool);

/* What an error of site_open() means, for people. */
const char *site_error(int error);

/* Append the same, printable, and what it is about. */
void site_explain(const struct site *s, int error, struct buf *why);

#endif
