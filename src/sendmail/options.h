/* SPDX-License-Identifier: ISC */
/*
 * options.h - the command line of sendmail(8)
 *
 *   Callers often build it from what a stranger typed into a form
 *   (CVE-2016-10033), so nothing in it can name a file, a command, a host or
 *   another configuration.
 */
#ifndef SENDMAIL_OPTIONS_H
#define SENDMAIL_OPTIONS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "mail/envelope.h"

enum options_mode {
	OPTIONS_SUBMIT,	 /* put one message into the spool */
	OPTIONS_SERVE,	 /* speak SMTP on standard input and output */
	OPTIONS_LIST,	 /* show what is in the spool */
	OPTIONS_NOTHING, /* asked for what needs no doing: exit 0 */
	OPTIONS_VERSION,
	OPTIONS_HELP,
};

struct options {
	enum options_mode mode;
	bool is_recipients_from_header; /* -t */
	bool is_dot_literal;		/* -i */
	bool is_verbose;		/* -v */
	bool has_sender;		/* -f: the envelope's sender counts */
	unsigned int notify;   /* -N, for every recipient; 0: not given */
	const char *full_name; /* -F, a part of argv; NULL: not given */
	struct envelope envelope;
};

/*
 * Read the command line. 0, or the exit code to end with, and *why has one
 * line, without its end, that says why. Release o in any case.
 */
int options_parse(
    struct options *o, int argc, char **argv, struct buf *why) MUST_CHECK;
void options_release(struct options *o);

/* What --help prints. */
extern const char options_help[];

#endif
