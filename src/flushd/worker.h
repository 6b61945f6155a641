/* SPDX-License-Identifier: ISC */
/*
 * worker.h - the process that empties one spool
 *
 *   Runs as the spool's owner, in a chroot of the spool where it can, with the
 *   descriptors of child.h. Takes what is due, in the order of due times,
 *   sends it over connections that the supervisor makes, records each outcome
 *   durably, with a backlog a few of them by one commit, and leaves when
 * nothing is due.
 *
 *   Killed at any time it loses nothing; a message whose final dot was sent
 *   and whose outcome was not yet recorded is sent again, see ledger.h.
 */
#ifndef FLUSHD_WORKER_H
#define FLUSHD_WORKER_H

/*
 * Be a worker with this caution (see caution.h); returns its exit status, of
 * enum child_exit.
 */
int worker_main(const char *caution);

#endif
