/* SPDX-License-Identifier: ISC */
/*
 * jail_run.h - run a program in a jail, as its user
 */
#ifndef FLUSHCTL_JAIL_RUN_H
#define FLUSHCTL_JAIL_RUN_H

#include "base/buf.h"
#include "base/compiler.h"
#include "flushctl/jail.h"

/*
 * Run argv with that environment, nothing of ours but a pipe with input, and
 * no terminal. 0 if its exit status is; else -errno, and why says what it is,
 * with what the program said. It is killed when it takes longer than a minute.
 */
int jail_run(const struct jail *j, char *const *argv, char *const *environment,
    const char *input, struct buf *why) MUST_CHECK;

#endif
