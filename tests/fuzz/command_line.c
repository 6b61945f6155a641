/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "fuzz/command_line.h"

static char *
copy_word(struct fuzz_input word)
{
	struct buf b = BUF_INIT;
	char *exact;

	buf_add(&b, word.at, word.len);
	exact = fuzz_copy(b.data, b.len + 1);
	buf_release(&b);
	return exact;
}

void
command_line_init(struct command_line *c, struct fuzz_input words)
{
	*c = (struct command_line){.argc = 1};
	c->argv[0] = copy_word((struct fuzz_input){"sendmail", 8});
	while (words.len > 0 && c->argc <= COMMAND_LINE_WORDS_MAX)
		c->argv[c->argc++] = copy_word(fuzz_until(&words, '\0'));
}

void
command_line_release(struct command_line *c)
{
	for (int i = 0; i < c->argc; i++)
		free(c->argv[i]);
}

void
command_line_check_why(int code, const struct buf *why)
{
	if (code == 0) {
		FUZZ_CHECK(why->len == 0);
		return;
	}
	FUZZ_CHECK(
	    code == EX_USAGE || code == EX_DATAERR || code == EX_UNAVAILABLE);
	FUZZ_CHECK(why->len > 0 && why->len < 2000);
	FUZZ_CHECK(!fuzz_has_control(why->data, why->len));
}

int
command_line_parse(struct command_line *c, struct options *o)
{
	struct buf why = BUF_INIT;
	int code = options_parse(o, c->argc, c->argv, &why);

	command_line_check_why(code, &why);
	buf_release(&why);
	return code;
}
