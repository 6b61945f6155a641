/* SPDX-License-Identifier: ISC */
/*
 * supervisor.h - the process that sees to it that spools are emptied
 *
 *   Has a keeper for each site, shares places for workers and connections out
 *   among them, and keeps the breaker. It never opens a spool's environment.
 */
#ifndef FLUSHD_SUPERVISOR_H
#define FLUSHD_SUPERVISOR_H

#include <stdbool.h>

#include "site/relay.h"

struct supervisor_options {
	const char *conf_dir; /* its files name the sites; or NULL, and then */
	const char *spool;    /* there is one, in this directory, */
	struct relay relay;   /* for this relay */
	bool is_once;	      /* one pass over what is due, then end */
};

/*
 * Run until told to stop, or for one pass. Returns the exit status of flushd:
 * 0; 1 if it could not, or if something still waits after one pass; 2 if the
 * configuration is wrong, or another flushd serves it.
 */
int supervisor_run(const struct supervisor_options *options);

#endif
