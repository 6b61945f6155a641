/* SPDX-License-Identifier: ISC */
/*
 * prober.h - the process that finds out whether the relay would take mail
 *
 *   It has a connection and nothing else: no spool, no privilege. What it says
 *   is believed, unlike what a worker says, which has read a site's file.
 */
#ifndef FLUSHD_PROBER_H
#define FLUSHD_PROBER_H

/* Be a prober: CHILD_EXIT_DONE if the relay takes mail, else it does not. */
int prober_main(void);

#endif
