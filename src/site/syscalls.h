/* SPDX-License-Identifier: ISC */
/*
 * syscalls.h - the system calls that a process which meets strangers may make
 *
 *   What is not on its list ends the process by SIGSYS, which cannot be caught:
 *   a new socket or connection, another program or process, a signal to one,
 *   memory that is made executable, and all that is for administrators. No
 *   path is looked at here; that is the chroot's to do.
 *
 *   A list holds for every libc that we run on, so some calls on it are those
 *   of another one. Who needs another call (a library that is new, say) is
 *   killed in every test that comes there; the kernel's log has its number.
 *
 *   Not with the address sanitizer, whose runtime makes calls of its own.
 */
#ifndef SITE_SYSCALLS_H
#define SITE_SYSCALLS_H

#include "base/compiler.h"

enum syscalls {
	SYSCALLS_OF_WORKER, /* files, and connections that are open already */
	SYSCALLS_OF_PROBER, /* no files */
};

/*
 * From here on only these, for good. 0 or -errno; after a failure the process
 * must end.
 */
int syscalls_restrict(enum syscalls list) MUST_CHECK;

#endif
