/* SPDX-License-Identifier: ISC */
/*
 * proof.h - does mail get into the spool of a jail?
 *
 *   A submission is made in the jail, as its user, in the way of PHP's mail():
 *   through the jail's /bin/sh and sendmail. Not into the site's spool, whence
 *   flushd might send it, or a crash of ours leave it to be sent: into another
 *   one beside it, with the same owner, which is made for this and removed. The
 *   site's spool is then listed in the same way, which opens and locks it.
 */
#ifndef FLUSHCTL_PROOF_H
#define FLUSHCTL_PROOF_H

#include "base/buf.h"
#include "base/compiler.h"
#include "flushctl/jail.h"

struct proof_plan {
	const char *spool;    /* in the jail; it exists */
	const char *sendmail; /* what is called, in the jail */
	bool has_shell;	      /* else it is called without one */
};

/* 0 or -errno; why says what did not work, with the words of who refused. */
int proof_run(const struct jail *j, const struct proof_plan *plan,
    struct buf *why) MUST_CHECK;

#endif
