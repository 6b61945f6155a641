/* SPDX-License-Identifier: ISC */
/*
 * sandbox.h - give up what a process that meets strangers must not have
 */
#ifndef SITE_SANDBOX_H
#define SITE_SANDBOX_H

#include <stdbool.h>

#include "base/compiler.h"

/*
 * Enter the spool directory and, when root, make it the root directory and
 * become its owner for good; who is not root can open nothing outside it, where
 * the kernel can see to that (landlock.h). Then no capability, no core dump,
 * no ptrace, no new privileges, and only the system calls of syscalls.h.
 * False: could not, or it had no effect, and the log says why; the process must
 * end.
 */
bool sandbox_enter_spool(int dir_fd) MUST_CHECK;

/* The same for a process that needs no file: root becomes nobody. */
bool sandbox_enter_nothing(void) MUST_CHECK;

#endif
