/* SPDX-License-Identifier: ISC */
/*
 * command_word.h - the addresses in a word of the command line
 *
 *   They may be written as in a header, "Joe <joe@example.org>", and be several
 *   for recipients. What comes back is 0 or an exit code, and why, then, has
 *   the reason.
 */
#ifndef SENDMAIL_COMMAND_WORD_H
#define SENDMAIL_COMMAND_WORD_H

#include <stdbool.h>

#include "base/compiler.h"
#include "sendmail/options.h"

enum {
	COMMAND_WORD_SHOWN_MAX = 200, /* bytes of a word in a reason */
};

/* Append the word in quotes, safely, for a reason. */
void command_word_show(struct buf *why, const char *word);

/* The one address of -f, or the null sender; none that begins with a dash. */
int command_word_set_sender(
    struct options *o, const char *value, struct buf *why) MUST_CHECK;

/* Those that begin with a dash are taken only if they may: behind "--". */
int command_word_add_recipients(struct options *o, const char *text,
    bool may_dash, struct buf *why) MUST_CHECK;

#endif
