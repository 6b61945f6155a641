/* SPDX-License-Identifier: ISC */
/*
 * sendmail.h - mini_sendmail from its command line to its exit code
 *
 *   Exit 0    the message would survive a power cut; nothing was printed.
 *   Else      it is not in the spool, but for 74: it may be. One line on
 *             standard error says why. Never 75, 67 or 68: PHP and Bugzilla
 *             read these as success.
 */
#ifndef SENDMAIL_SENDMAIL_H
#define SENDMAIL_SENDMAIL_H

/* Do what the command line asks for; returns the exit code. */
int sendmail_main(int argc, char **argv);

/* The exit code for a -errno of the spool, and what to say of it. */
int sendmail_exit_code(int err, const char **what);

#endif
