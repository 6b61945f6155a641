/* SPDX-License-Identifier: ISC */
/*
 * supervisor.h - the process that sees to it that a spool is emptied
 *
 *   Watches the spool while it has no worker, starts one when something was
 *   submitted or is due, makes its connections to the relay, and keeps the
 *   breaker. It never opens the spool's environment, and what a worker says
 *   counts for that worker's spool only.
 */
#ifndef FLUSHD_SUPERVISOR_H
#define FLUSHD_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>

#include "flushd/relay.h"

struct supervisor_options {
	const char *spool; /* the directory */
	struct relay relay;
	bool is_once;		/* one pass over what is due, then end */
	size_t workers_max;	/* at the same time */
	size_t connections_max; /* to the relay, but for a probe's */
};

/*
 * Run until told to stop, or for one pass. Returns the exit status of flushd:
 * 0, or 1 if it could not, or if something still waits after one pass.
 */
int supervisor_run(const struct supervisor_options *options);

#endif
