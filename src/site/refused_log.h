/* SPDX-License-Identifier: ISC */
/*
 * refused_log.h - the file in which a site's senders note what they refused
 *
 *   Trust  the file is the site's, which may write into it what it likes, empty
 *          it, or put something else in its place. Open it as the site's user,
 *          and believe it of that site only.
 */
#ifndef SITE_REFUSED_LOG_H
#define SITE_REFUSED_LOG_H

#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"

/* In the spool. Senders make the one the other when it is long enough. */
#define REFUSED_LOG	"refused.log"
#define REFUSED_LOG_OLD "refused.log.1"

/* A sender writes nothing behind 144 KiB. What lies before the last of these
 * bytes is not read. */
enum { REFUSED_LOG_MAX = 160 * 1024 };

/* Which file it is: a number that was another's may be given again. */
struct refused_file {
	uint64_t inode; /* 0: there is none */
	uint64_t born_ns;
};

/*
 * Open one of the two, in the spool's directory: a descriptor, and the length
 * of the file. -ENOENT; -EINVAL: it is not a file, or one that has another name
 * too; or another -errno. Nobody is waited for.
 */
int refused_log_open(int dir_fd, const char *name, struct refused_file *file,
    off_t *len) MUST_CHECK;

/* How far it was counted. All zeros: not at all. */
struct refused_mark {
	struct refused_file file; /* the newer one */
	int64_t offset;		  /* in it, of what was not counted yet */
	int is_set;		  /* not 0 if it was counted */
};

/*
 * How many lines have come since the mark was set, and set it anew; the first
 * time none. It is never more than have come, and fewer where the site takes a
 * file away, or both were filled meanwhile.
 */
uint64_t refused_log_count(int dir_fd, struct refused_mark *mark);

#endif
