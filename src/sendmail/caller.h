/* SPDX-License-Identifier: ISC */
/*
 * caller.h - what is known of the program that calls us
 *
 *   By this an operator finds the script of a hacked site that sends spam.
 *   Without /proc it is not much, and all but the numbers is what the caller
 *   wants it to be.
 */
#ifndef SENDMAIL_CALLER_H
#define SENDMAIL_CALLER_H

#include <sys/types.h>

#include "mail/submitter.h"

/*
 * Find out, before this process changes its directory: uid is who called, argv
 * is main()'s. Never fails: what cannot be found stays unknown. Release s
 * afterwards.
 */
void caller_read(struct submitter *s, uid_t uid, char *const *argv);

#endif
