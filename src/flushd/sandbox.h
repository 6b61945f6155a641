/* SPDX-License-Identifier: ISC */
/*
 * sandbox.h - give up what a process that meets strangers must not have
 */
#ifndef FLUSHD_SANDBOX_H
#define FLUSHD_SANDBOX_H

#include <stdbool.h>

#include "base/compiler.h"

/*
 * Enter the spool directory and, when root, make it the root directory and
 * become its owner for good. Then no core dumps, no ptrace, no new privileges.
 * False: could not, and the log says why.
 */
bool sandbox_enter_spool(int dir_fd) MUST_CHECK;

/* The same for a process that needs no file: root becomes nobody. */
bool sandbox_enter_nothing(void) MUST_CHECK;

#endif
