/* SPDX-License-Identifier: ISC */
/*
 * programs.h - the programs that jails get, as this host has them
 *
 *   They are where `make install` puts them, seen from flushctl; or beside it,
 *   as where they were built.
 */
#ifndef FLUSHCTL_PROGRAMS_H
#define FLUSHCTL_PROGRAMS_H

#include "base/buf.h"
#include "base/compiler.h"

struct programs {
	struct buf sendmail;
	struct buf shell;
};

/* Read both. 0 or -errno, and the log says what is wrong. */
int programs_read(struct programs *p) MUST_CHECK;
void programs_release(struct programs *p);

#endif
