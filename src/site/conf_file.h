/* SPDX-License-Identifier: ISC */
/*
 * conf_file.h - one file of the configuration: its keys and their values
 */
#ifndef SITE_CONF_FILE_H
#define SITE_CONF_FILE_H

#include <stdio.h>

#include "base/compiler.h"
#include "base/local.h"
#include "site/policy.h"
#include "site/relay.h"

#define CONF_STATUS_SOCKET "/run/mini-sendmail/status"

/* Which file a key may stand in. */
enum conf_scope { CONF_GLOBAL = 1, CONF_SITE = 2 };

struct conf_values {
	struct relay relay;
	uint64_t workers_max;
	uint64_t connections_max;
	char status_socket[LOCAL_PATH_MAX + 1];
	struct policy policy;
	char *root; /* NULL where it is not said */
	char *spool;
	char *user;
	uid_t uid; /* the user's; 0: he was given by name */
};

/* What there is where no file says otherwise. */
void conf_values_init(struct conf_values *v);

/* Free the strings, and forget them. */
void conf_values_release(struct conf_values *v);

/*
 * Read a file of the given scope into *v, which has what holds without it. 0,
 * -ENOENT, or another -errno when the log says what is wrong, with path and
 * line.
 */
int conf_file_read(
    const char *path, enum conf_scope scope, struct conf_values *v) MUST_CHECK;

/* Write the keys of a scope and their values as they would stand in a file. */
void conf_file_print(
    const struct conf_values *v, enum conf_scope scope, FILE *out);

#endif
