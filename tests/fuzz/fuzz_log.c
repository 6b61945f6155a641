/* SPDX-License-Identifier: ISC */
/*
 * Anybody's text in a line of the log: the first byte says how much of the rest
 * is shown. What comes out is printable, bounded, and says what went in.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fuzz/fuzz.h"

static const char before[] = "text=\"";

/* The value of a digit as log_escape() writes it, else -1. */
static int
hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Undo the escapes; every backslash must begin one. */
static void
unescape(const char *text, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (text[i] != '\\') {
			buf_add_char(out, text[i]);
			continue;
		}
		FUZZ_CHECK(len - i >= 4 && text[i + 1] == 'x');
		high = hex_value(text[i + 2]);
		low = hex_value(text[i + 3]);
		FUZZ_CHECK(high >= 0 && low >= 0);
		buf_add_char(out, (char)(high << 4 | low));
		i += 3;
	}
}

/* What was appended to a line, and the "..." of what was cut behind it. */
static struct fuzz_input
check_line(const struct buf *line, size_t len, size_t max)
{
	const size_t kept = len < max ? len : max;
	struct fuzz_input added = {line->data, line->len};

	FUZZ_CHECK(line->data[line->len] == '\0');
	FUZZ_CHECK(added.len >= sizeof(before) - 1);
	FUZZ_CHECK(memcmp(added.at, before, sizeof(before) - 1) == 0);
	added.at += sizeof(before) - 1;
	added.len -= sizeof(before) - 1;
	for (size_t i = 0; i < added.len; i++)
		FUZZ_CHECK(added.at[i] >= ' ' && added.at[i] <= '~');
	if (kept < len) {
		FUZZ_CHECK(added.len >= 3);
		added.len -= 3;
		FUZZ_CHECK(memcmp(added.at + added.len, "...", 3) == 0);
	}
	FUZZ_CHECK(added.len <= 4 * kept);
	return added;
}

static void
check_escape(const char *text, size_t len, size_t max)
{
	struct buf line = BUF_INIT;
	struct buf plain = BUF_INIT;
	struct fuzz_input added;

	buf_add_str(&line, before);
	log_escape(&line, text, len, max);
	added = check_line(&line, len, max);
	FUZZ_CHECK(!memchr(added.at, '"', added.len));
	unescape(added.at, added.len, &plain);
	FUZZ_CHECK(fuzz_is_equal(&plain, text, len < max ? len : max));
	buf_release(&plain);
	buf_release(&line);
}

static void
check_clean(const char *text, size_t len, size_t max)
{
	const size_t kept = len < max ? len : max;
	struct buf line = BUF_INIT;
	struct fuzz_input added;

	buf_add_str(&line, before);
	log_clean(&line, text, len, max);
	added = check_line(&line, len, max);
	/* Each byte is there, as itself or as four. */
	for (size_t i = 0; i < kept; i++) {
		const bool is_shown = text[i] >= ' ' && text[i] <= '~';
		const size_t n = is_shown ? 1 : 4;

		FUZZ_CHECK(added.len >= n);
		FUZZ_CHECK(*added.at == (is_shown ? text[i] : '\\'));
		added.at += n;
		added.len -= n;
	}
	FUZZ_CHECK(added.len == 0);
	buf_release(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	const unsigned char limit = fuzz_byte(&in);
	const size_t max = limit == 255 ? SIZE_MAX : limit;
	char *exact = fuzz_copy(in.at, in.len);

	check_escape(exact, in.len, max);
	check_clean(exact, in.len, max);
	free(exact);
	return 0;
}
