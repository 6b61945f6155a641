/* SPDX-License-Identifier: ISC */
/*
 * command_line.h - a hostile caller's argv, and what must hold of its options
 */
#ifndef FUZZ_COMMAND_LINE_H
#define FUZZ_COMMAND_LINE_H

#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "sendmail/options.h"

enum { COMMAND_LINE_WORDS_MAX = 40 };

struct command_line {
	int argc;
	char *argv[COMMAND_LINE_WORDS_MAX + 2]; /* "sendmail", words, NULL */
};

/* Words between NULs, each in memory of its own. */
void command_line_init(struct command_line *c, struct fuzz_input words);
void command_line_release(struct command_line *c);

/* Read the options as mini_sendmail does; its exit code. Release o. */
int command_line_parse(struct command_line *c, struct options *o) MUST_CHECK;

/* End the process unless why goes with the exit code: one line, or none. */
void command_line_check_why(int code, const struct buf *why);

#endif
