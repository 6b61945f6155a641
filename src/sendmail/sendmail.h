/* SPDX-License-Identifier: ISC */
/*
 * sendmail.h - mini_sendmail from its command line to its exit code
 *
 *   Exit 0    the message would survive a power cut; nothing was printed but
 *             what was asked for.
 *   Else      it is not in the spool, but for 74: it may be. One line on
 *             standard error says why, and one in refused.log (refusal.h) if
 *             there was a message, or what might have had one.
 */
#ifndef SENDMAIL_SENDMAIL_H
#define SENDMAIL_SENDMAIL_H

/* Do what the command line asks for; returns the exit code. */
int sendmail_main(int argc, char **argv);

#endif
