/* SPDX-License-Identifier: ISC */
/*
 * registry.h - the sites that flushd serves: files in sites.d
 *
 *   A file that is there is never changed: it may hold what an operator wrote.
 *   These functions say what is wrong, on standard error.
 */
#ifndef FLUSHCTL_REGISTRY_H
#define FLUSHCTL_REGISTRY_H

#include "base/compiler.h"
#include "site/conf.h"

struct registry_entry {
	const char *name;
	const char *root;
	const char *user;
	const char *domain; /* or NULL */
	const char *spool;
};

/*
 * Let nobody else change sites, or what is in their jails, until the lock is
 * let go: wait for who is at it. STATUS_DONE or STATUS_FAILED.
 */
int registry_lock(void) MUST_CHECK;
void registry_unlock(void);

/* Write the file of a new site, whole or not at all, and durably. */
int registry_add(const char *config, const struct registry_entry *e) MUST_CHECK;
int registry_remove(const char *config, const char *name) MUST_CHECK;

/*
 * Have the flushd that answers at this socket read its configuration again; it
 * may be that none does, which is said on standard output.
 */
int registry_reload(const char *socket) MUST_CHECK;

#endif
