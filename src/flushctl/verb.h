/* SPDX-License-Identifier: ISC */
/*
 * verb.h - flushctl's verbs, and what they have in common
 */
#ifndef FLUSHCTL_VERB_H
#define FLUSHCTL_VERB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "flushctl/target.h"

/* Exit statuses: flushctl(8), EXIT STATUS. */
enum {
	STATUS_DONE = 0, /* an empty list too */
	STATUS_NOT_FOUND = 1,
	STATUS_USAGE = 2,
	STATUS_FAILED = 3, /* also in part */
};

struct verb {
	const char *name;
	const char *summary;
	const char *arguments; /* for the line of usage */
	const char *help;
	bool takes_where; /* it is for spools, any or all of them */
	bool has_verbs;	  /* of its own, which have a help of their own */
	/* selection is what was said in front of the verb; argv[0] names the
	 * program and the verb, for messages. */
	int (*run)(const struct selection *selection, int argc, char **argv);
};

extern const struct verb verb_init;
extern const struct verb verb_list;
extern const struct verb verb_show;
extern const struct verb verb_hold;
extern const struct verb verb_release;
extern const struct verb verb_retry;
extern const struct verb verb_remove;
extern const struct verb verb_block;
extern const struct verb verb_unblock;
extern const struct verb verb_status;
extern const struct verb verb_watch;
extern const struct verb verb_metrics;
extern const struct verb verb_check;
extern const struct verb verb_refused;
extern const struct verb verb_site;

/* Do what the command line says; what comes back is the exit status. */
int verb_main(int argc, char **argv);

/* True if --help is among these words, the first of which is a verb. */
bool verb_wants_help(int argc, char **argv);

/* Point from a mistake in the command line to the help; STATUS_USAGE. */
int verb_usage(const char *name, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The same for the option at which getopt_long() stopped, with what it has
 * returned; a ':' stands in front of the options it was given. */
int verb_bad_option(char **argv, int option);

/*
 * End the line of a usage with what a verb takes, and go on below, at that
 * column, where it is too long; what a bracket holds stays together.
 */
void verb_add_arguments(struct buf *out, size_t column, const char *arguments);

/* Write to standard output. STATUS_DONE, or say why not: STATUS_FAILED. */
int verb_write(const void *data, size_t len) MUST_CHECK;

#endif
