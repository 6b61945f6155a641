/* SPDX-License-Identifier: ISC */
/*
 * target.h - the spools that a command line means
 *
 *   --spool DIR, --site NAME and --all-sites say it, or ids as SITE/ID do.
 *   Else $MINI_SENDMAIL_SPOOL is the one; else, for root where there are sites,
 *   it is all of them, but for verbs that change something; else
 *   /var/spool/mini-sendmail.
 */
#ifndef FLUSHCTL_TARGET_H
#define FLUSHCTL_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "site/conf.h"
#include "site/site.h"

/* What the options say; NULL where they do not. */
struct selection {
	const char *spool_dir;
	const char *site;
	const char *conf_dir;
	bool is_all_sites;
};

/* Which of these mean something to a verb. */
enum {
	WHERE_SPOOL = 1,
	WHERE_SITE = 2,
	WHERE_ALL_SITES = 4,
	WHERE_CONFIG = 8,
	WHERE_ANY = 15,
};

struct target {
	const char *name; /* a site's name, or the directory */
	bool is_site;	  /* of the configuration */
	struct site site;
	uint64_t *ids; /* those that were given */
	size_t id_count;
};

struct targets {
	struct target *list;
	size_t count;
	bool is_partial; /* there are sites that nothing is known of */
};

/*
 * Find the targets of a selection and of words that are ids, ID or SITE/ID
 * (none: whole spools). name is the program and the verb, for messages.
 * is_change: the verb changes something, so that all sites must be asked for.
 * STATUS_DONE; or what is wrong was said: STATUS_USAGE, STATUS_NOT_FOUND (no
 * such site), STATUS_FAILED. Release in any case.
 */
int targets_find(struct targets *t, const struct selection *selection,
    const char *name, bool is_change, char **words,
    size_t word_count) MUST_CHECK;
void targets_release(struct targets *t);

/*
 * Load the configuration in dir, which must be there unless it is the default
 * one. STATUS_DONE or STATUS_FAILED, and it was said why.
 */
int target_load_conf(const char *dir, struct conf *c) MUST_CHECK;

/* The width of their sites' names in a list; 0: there is but one spool. */
int targets_name_width(const struct targets *t);

#endif
