/* SPDX-License-Identifier: ISC */
/*
 * conf.h - the configuration of flushd, flushd.conf(5)
 *
 *   A directory with flushd.conf, and sites.d with a file for each site, which
 *   may override what flushd.conf says of all sites. What is wrong is said with
 *   its file and line, all of it. A flushd.conf that is wrong is not used, nor
 *   is anything else then; a site's file that is wrong is the end of that site
 *   only.
 */
#ifndef SITE_CONF_H
#define SITE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/compiler.h"
#include "site/conf_file.h"
#include "site/site.h"

#define CONF_DIR "/etc/mini-sendmail"

/* What is said of all sites has its file there, */
#define CONF_FILE "flushd.conf"

/* and what is said of one, with this ending, in the directory. */
#define CONF_SITES_DIR	 "sites.d"
#define CONF_SITE_SUFFIX ".conf"

#define CONF_SPOOL "/var/spool/mini-sendmail" /* in the jail, if not said */

struct conf_site {
	char *name;
	/* Root, spool and user are there; uid is 0 if there is no such user. */
	struct conf_values values;
};

struct conf {
	struct conf_values global;
	struct conf_site *sites; /* by name */
	size_t site_count;
	char **wrong; /* names of sites whose files are, in order */
	size_t wrong_count;
	bool has_mistakes; /* anything in sites.d is wrong */
};

/*
 * Read the files of dir. Without flushd.conf, what it could say has its
 * defaults; without sites.d there are no sites. 0, and the log says what is
 * wrong with which site; or -EINVAL, the log says what is wrong with all, and
 * *c is released.
 */
int conf_load(const char *dir, struct conf *c) MUST_CHECK;

/* The same for flushd.conf alone. Of one that is wrong, *v has what is not. */
int conf_load_global(const char *dir, struct conf_values *v) MUST_CHECK;

/* Is dir a directory? 0, or -errno, and the log says what it is. */
int conf_check_dir(const char *dir) MUST_CHECK;

/* Is there a site of this name whose file is wrong? */
bool conf_is_wrong(const struct conf *c, const char *name);

void conf_release(struct conf *c);

/* What a site may be called: it goes into the log, and is typed. */
bool conf_is_site_name(const char *name, size_t len);

/* The site as the supervisor wants it, for site_release(). */
void conf_get_site(const struct conf_site *s, struct site *site);

/* Write what holds, in the format of the files. */
void conf_print(const struct conf *c, FILE *out);

#endif
