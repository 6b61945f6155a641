/* SPDX-License-Identifier: ISC */
/*
 * words.h - the words of a simple command, as sh(1) would split it
 *
 *   What sh would do more about than split and unquote is refused: a list or
 *   a pipeline, a redirection, an expansion, a pattern, an assignment, a
 *   comment, a reserved word, a command that only a shell can carry out. What
 *   is taken has the very words that dash and busybox make of it.
 *
 *   Pure: bytes in, words out. A text is at most WORDS_TEXT_MAX bytes, and has
 *   at most WORDS_MAX words.
 */
#ifndef JAILSH_WORDS_H
#define JAILSH_WORDS_H

#include <stddef.h>

#include "base/compiler.h"

enum {
	WORDS_TEXT_MAX = 128 * 1024, /* what Linux lets an argument have */
	WORDS_MAX = 16 * 1024,
};

struct words {
	char **argv; /* NULL behind the last */
	size_t count;
	char *bytes; /* what argv points into */
};

/* Why a text is refused, and at which of its bytes, from 0. */
struct words_refusal {
	const char *what;
	size_t at;
};

/*
 * Split text, which may be any len bytes. 0, and *w is to be released; it may
 * have no words. Or -EINVAL: *w is untouched, and *why says what was met.
 */
int words_parse(const char *text, size_t len, struct words *w,
    struct words_refusal *why) MUST_CHECK;

void words_release(struct words *w);

#endif
