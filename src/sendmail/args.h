/* SPDX-License-Identifier: ISC */
/*
 * args.h - the arguments of an SMTP command, cut into words and paths; pure
 *
 *   What is cut off is a part of the command line, and ends in no NUL.
 */
#ifndef SENDMAIL_ARGS_H
#define SENDMAIL_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

/* What is left of a command line. */
struct args {
	const char *at;
	size_t len;
};

void args_skip_blanks(struct args *r);

/* Cut the next word off; empty at the end. */
struct args args_cut_word(struct args *r);

/* True if the word is this one, in any case. */
bool args_is_word(struct args word, const char *text);

/* True if args begin with the word and a colon, which are cut off. */
bool args_cut_prefix(struct args *args, const char *word);

/*
 * Cut "<path>" off, or a word where the brackets are missing; a source route is
 * read and forgotten (RFC 5321 appendix C). -EINVAL: there is none, or it has
 * no end.
 */
int args_cut_path(struct args *r, struct args *path) MUST_CHECK;

/* Cut the keyword and the value of a parameter; the value may be empty. */
struct args args_cut_parameter(struct args *r, struct args *value);

#endif
