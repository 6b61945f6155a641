/* SPDX-License-Identifier: ISC */
/*
 * site_verb.h - what the verbs of `flushctl site` have in common
 */
#ifndef FLUSHCTL_SITE_VERB_H
#define FLUSHCTL_SITE_VERB_H

#include <stdbool.h>

#include "base/compiler.h"
#include "flushctl/item.h"
#include "flushctl/jail.h"
#include "flushctl/request.h"
#include "site/conf.h"

struct site_verb {
	const char *name;
	const char *arguments; /* for the line of usage */
	const char *help;
	unsigned int takes; /* options, beside --config: request.h */
	/* name is that of the program and the verb, for messages. */
	int (*run)(const struct request *r, const char *name);
};

extern const struct site_verb site_verb_add;
extern const struct site_verb site_verb_remove;
extern const struct site_verb site_verb_refresh;
extern const struct site_verb site_verb_check;
extern const struct site_verb site_verb_list;

/* ---- what is said ---------------------------------------------------- */

/*
 * Print a line on what is at path in the jail, or on the jail if path is "".
 * STATUS_DONE or STATUS_FAILED, when nobody could be told.
 */
int site_say(const struct jail *j, const char *path, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* The same on standard error, of what went wrong; STATUS_FAILED. */
int site_failed(const struct jail *j, const char *path, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* ---- what is known --------------------------------------------------- */

/* True for root; else say that only root can. */
bool site_is_allowed(void);

/* Find a site by name. NULL and a line on standard error if there is none. */
const struct conf_site *site_find(const struct conf *c, const char *name);

/* Open its jail. STATUS_DONE or STATUS_FAILED, and it was said why. */
int site_open_jail(const struct conf_site *s, struct jail *j) MUST_CHECK;

/*
 * Say what PHP and its operator should know of this jail beyond what
 * `site add` puts there. spool is the site's, has_own_sendmail tells that
 * /usr/sbin/sendmail leads to another program.
 */
void site_advise(
    const struct jail *j, const char *spool, bool has_own_sendmail);

#endif
