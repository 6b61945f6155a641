/* SPDX-License-Identifier: ISC */
/*
 * child.h - the other processes of flushd, which are flushd again
 *
 *   A child is forked and re-executed, so that it starts with nothing of the
 *   supervisor's memory but these descriptors.
 */
#ifndef FLUSHD_CHILD_H
#define FLUSHD_CHILD_H

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/compiler.h"

enum child_kind { CHILD_WORKER, CHILD_PROBER };

/* The argument that makes flushd one of them. */
extern char child_argument_worker[]; /* "--worker" */
extern char child_argument_prober[]; /* "--prober" */

enum child_fd {
	CHILD_CHANNEL = 3, /* worker: to the supervisor; prober: to the relay */
	CHILD_SPOOL,	   /* worker: the spool directory */
	CHILD_LOCK,	   /* worker: the spool's "worker" file, locked */
	CHILD_FD_COUNT
};

/* Exit statuses that mean something to the supervisor. */
enum child_exit {
	CHILD_EXIT_DONE = 0,	    /* worker: idle, or told to stop;
				       prober: the relay takes mail */
	CHILD_EXIT_FAILED = 1,	    /* said why in the log */
	CHILD_EXIT_RELAY_DOWN = 10, /* left because the relay is down */
};

struct child;

/* Called from the event loop when the child has ended and its last log line
 * was passed on; status is that of waitpid(2). The child is gone then. */
typedef void child_ended_fn(void *context, int status);

/*
 * Run this program again as a child of the given kind, with descriptors:
 * channel, spool and lock become those of enum child_fd; -1 for none. The
 * caller keeps its own. argument is one more for its command line, or NULL.
 * What the child writes to standard error is logged, escaped, behind label.
 * NULL: could not, and why is in the log. SIGCHLD must be blocked.
 */
struct child *child_new(sd_event *event, enum child_kind kind, char *argument,
    int channel, int spool, int lock, const char *label, child_ended_fn *ended,
    void *context) MUST_CHECK;

/* Send it a signal. */
void child_kill(struct child *c, int signal);

/* Kill it without a call to ended, and wait; NULL is fine. */
void child_free(struct child *c);

#endif
