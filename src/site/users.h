/* SPDX-License-Identifier: ISC */
/*
 * users.h - the uids of many users
 *
 *   getpwnam() reads /etc/passwd from the start each time, which with ten
 *   thousand users takes seconds for all of them. So that file is read once;
 *   whoever is not in it is asked for in the usual way, as he may be in another
 *   database.
 */
#ifndef SITE_USERS_H
#define SITE_USERS_H

#include <stdio.h>
#include <sys/types.h>

#include "base/compiler.h"

struct users;

/* Read a file like /etc/passwd; NULL is an empty one. Closes it. */
struct users *users_new(FILE *passwd) MUST_CHECK;
void users_free(struct users *u);

/* 0, or -ESRCH: there is no user of this name. */
int users_find(const struct users *u, const char *name, uid_t *uid) MUST_CHECK;

#endif
