/* SPDX-License-Identifier: ISC */
/*
 * errand.h - work in a spool, by a process that can do no more than its owner
 *
 *   A site can write any bytes into its spool, and LMDB checks none. So each
 *   spool is opened by a child of its own, which first does as a worker does
 *   (site/sandbox.h): the spool is all it can see, its owner is all it is. It
 *   has no terminal: what it prints goes through this process, which lets
 *   printable ASCII and line ends pass, nothing else. What it counts is
 *   believed for its own site.
 */
#ifndef FLUSHCTL_ERRAND_H
#define FLUSHCTL_ERRAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "flushctl/target.h"
#include "spool/spool.h"

/* What was done so far; zeros at first. */
struct tally {
	uint64_t count;	  /* messages */
	uint64_t bytes;	  /* of their texts */
	uint64_t damaged; /* messages that are, of these */
	uint64_t sending; /* those that were being sent at that moment */
	uint64_t turns;	  /* of the child at the spool: it lives */
	bool is_stopped;  /* by the parent: end what was begun, no more */
};

enum { ERRAND_DIR = 3 }; /* the child's descriptor of the directory */

struct errand {
	/*
	 * Done in the child: prints to standard output, says what is wrong on
	 * standard error, counts in *tally, and returns its status.
	 */
	int (*run)(
	    const struct errand *e, struct spool *s, struct tally *tally);
	const struct target *target;
	const void *context;
	/* It looks at files in the spool's directory, ERRAND_DIR, and there
	 * need be no environment in it: s is NULL. */
	bool is_of_files;
	/* Its output is a message's text: to a terminal it goes escaped, else
	 * as it is. */
	bool is_raw;
	/* Behind the number, on a terminal, when it takes long; or NULL. */
	const char *progress;
	struct tally before; /* of errands before this one */
	/* If not NULL: what ended the process, or kept it from being begun, is
	 * not said but left here, a -errno: -ETIMEDOUT if it did nothing any
	 * more, -EBADMSG if it was killed. */
	int *end;
};

/*
 * Run it and add to *total what it has counted. The status that run()
 * returned; STATUS_FAILED also when the spool cannot be opened, or the child
 * is killed by what it reads there, or is ended as it does nothing any more:
 * the site's user may stop it.
 */
int errand_run(const struct errand *e, struct tally *total) MUST_CHECK;

/* The same in a spool directory that is open; without a target if end is set
 * and it is of files. */
int errand_run_in(
    const struct errand *e, int dir_fd, struct tally *total) MUST_CHECK;

/* Run it for each of the targets, until a signal comes that is deferred
 * (interrupt.h): the worst status. */
int errand_run_all(struct errand *e, const struct targets *targets,
    struct tally *total) MUST_CHECK;

#endif
