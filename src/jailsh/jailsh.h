/* SPDX-License-Identifier: ISC */
/*
 * jailsh.h - the /bin/sh of a jail that has no shell, jailsh(8)
 */
#ifndef JAILSH_JAILSH_H
#define JAILSH_JAILSH_H

/* Do what the command line says: become another program, or the exit status. */
int jailsh_main(int argc, char **argv);

#endif
