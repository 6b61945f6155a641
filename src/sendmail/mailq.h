/* SPDX-License-Identifier: ISC */
/*
 * mailq.h - list the caller's own spool (sendmail -bp, mailq)
 */
#ifndef SENDMAIL_MAILQ_H
#define SENDMAIL_MAILQ_H

#include "base/buf.h"
#include "base/compiler.h"
#include "sendmail/visit.h"

/*
 * Print the list to standard output, page by page, with times in UTC. 0, or
 * the exit code to end with, and *why has one line, without its end, that says
 * why; a message that is damaged is such a reason, at the end of the list.
 */
int mailq_print(struct visit *v, struct buf *why) MUST_CHECK;

#endif
