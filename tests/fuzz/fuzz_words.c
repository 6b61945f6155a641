/* SPDX-License-Identifier: ISC */
/*
 * A command for a shell, with whatever a stranger's form put into it. What is
 * taken means the same when each word is quoted; what is refused says where.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "jailsh/words.h"

/* As PHP's escapeshellarg() does. */
static void
add_quoted(struct buf *b, const char *word)
{
	buf_add_char(b, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			buf_add_str(b, "'\\''");
		else
			buf_add_char(b, *word);
	}
	buf_add_str(b, "' ");
}

static void
check_quoted(const struct words *w)
{
	struct words_refusal why;
	struct words again;
	struct buf text = BUF_INIT;
	char *exact;

	for (size_t i = 0; i < w->count; i++)
		add_quoted(&text, w->argv[i]);
	exact = fuzz_copy(text.data, text.len);
	FUZZ_CHECK(words_parse(exact, text.len, &again, &why) == 0);
	FUZZ_CHECK(again.count == w->count);
	for (size_t i = 0; i < w->count; i++)
		FUZZ_CHECK(strcmp(again.argv[i], w->argv[i]) == 0);
	words_release(&again);
	buf_release(&text);
	free(exact);
}

/* Nothing is made up: there are no more bytes than there were. */
static void
check_taken(const struct words *w, size_t size)
{
	size_t len = 0;

	FUZZ_CHECK(w->count <= WORDS_MAX && !w->argv[w->count]);
	for (size_t i = 0; i < w->count; i++)
		len += strlen(w->argv[i]) + 1;
	FUZZ_CHECK(len <= size + 1);
	if (size < WORDS_TEXT_MAX / 8)
		check_quoted(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	char *exact = fuzz_copy(in.at, in.len);
	struct words_refusal why = {0};
	struct words w = {0};

	if (words_parse(exact, in.len, &w, &why) == 0) {
		FUZZ_CHECK(!why.what);
		check_taken(&w, in.len);
	} else {
		FUZZ_CHECK(!w.argv && !w.bytes);
		FUZZ_CHECK(why.what && why.at < in.len);
	}
	words_release(&w);
	free(exact);
	return 0;
}
