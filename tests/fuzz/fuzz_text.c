/* SPDX-License-Identifier: ISC */
/*
 * Line ends and dots: the first byte chooses how the text is cut into pieces,
 * the rest is text. What was handed in becomes canonical, and any bytes at all
 * become what SMTP may carry: read as a relay reads it, it is the same text.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "mail/text.h"

enum { SPLITS_MAX = 64 }; /* longer texts are split at some places only */

/* ---- canonical -------------------------------------------------------- */

static bool
has_byte(const struct buf *b, char c)
{
	return memchr(b->data, c, b->len) != NULL;
}

/* Canonicalize a text into out. */
static int
canonicalize(struct fuzz_input text, enum text_dots dots, struct buf *out)
{
	/* One byte more, as it may need an LF; not for reading. */
	char *copy = fuzz_copy_with_room(text.at, text.len, 1);
	size_t len = text.len;
	int rc;

	copy[len] = '?';
	rc = text_canonicalize(copy, &len, dots);
	FUZZ_CHECK(rc == 0 || rc == -EILSEQ);
	FUZZ_CHECK(rc < 0 || len <= text.len + 1);
	if (rc == 0)
		buf_add(out, copy, len);
	free(copy);
	return rc;
}

/* Add what is content whatever the line ends are. */
static void
add_content(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!strchr("\r\n ", text[i]) || text[i] == '\0')
			buf_add_char(out, text[i]);
	}
}

/* Undo dots, up to the line that ends the text; the way a relay reads them. */
static void
add_without_dots(struct buf *out, const struct buf *text)
{
	struct fuzz_input rest = {text->data, text->len};
	struct fuzz_input line;

	while (rest.len > 0) {
		line = fuzz_until(&rest, '\n');
		if (line.len == 1 && *line.at == '.')
			break;
		if (line.len > 1 && memcmp(line.at, "..", 2) == 0)
			fuzz_byte(&line);
		buf_add(out, line.at, line.len);
		buf_add_char(out, '\n');
	}
}

static void
check_canonical(const struct buf *canonical)
{
	const struct fuzz_input text = {canonical->data, canonical->len};
	struct buf again = BUF_INIT;

	FUZZ_CHECK(!has_byte(canonical, '\r') && !has_byte(canonical, '\0'));
	FUZZ_CHECK(text.len == 0 || text.at[text.len - 1] == '\n');
	FUZZ_CHECK(canonicalize(text, TEXT_DOTS_LITERAL, &again) == 0);
	FUZZ_CHECK(fuzz_is_equal(&again, text.at, text.len));
	buf_release(&again);
}

/* A text with literal dots: nothing is lost but CRs. */
static void
check_literal(struct fuzz_input text, const struct buf *canonical)
{
	struct buf want = BUF_INIT;
	struct buf got = BUF_INIT;

	check_canonical(canonical);
	add_content(&want, text.at, text.len);
	add_content(&got, canonical->data, canonical->len);
	FUZZ_CHECK(fuzz_is_equal(&got, want.data, want.len));
	buf_release(&want);
	buf_release(&got);
}

/* A text that a dot ends: the same, but for the dots. */
static void
check_dots(struct fuzz_input text, const struct buf *literal, int literal_rc)
{
	struct buf canonical = BUF_INIT;
	struct buf want = BUF_INIT;
	int rc = canonicalize(text, TEXT_DOTS_END, &canonical);

	FUZZ_CHECK(literal_rc < 0 || rc == 0);
	if (rc == 0)
		check_canonical(&canonical);
	if (literal_rc == 0) {
		add_without_dots(&want, literal);
		FUZZ_CHECK(fuzz_is_equal(&canonical, want.data, want.len));
	}
	buf_release(&canonical);
	buf_release(&want);
}

/* ---- wire ------------------------------------------------------------- */

/* Lines end in CRLF, CR and LF stand nowhere else, and the last line alone is
 * a dot; dots are how many are doubled. */
static void
check_wire(const struct buf *wire, size_t *dots)
{
	struct fuzz_input rest = {wire->data, wire->len};
	struct fuzz_input line;

	*dots = 0;
	FUZZ_CHECK(rest.len >= 3 && rest.at[rest.len - 1] == '\n');
	while (rest.len > 0) {
		line = fuzz_until(&rest, '\n');
		FUZZ_CHECK(line.len > 0 && line.at[line.len - 1] == '\r');
		line.len--;
		FUZZ_CHECK(!memchr(line.at, '\r', line.len));
		if (line.len == 0 || *line.at != '.')
			continue;
		FUZZ_CHECK((line.len == 1) == (rest.len == 0));
		FUZZ_CHECK(line.len == 1 || line.at[1] == '.');
		*dots += line.len > 1;
	}
	FUZZ_CHECK(*line.at == '.' && line.len == 1);
}

/* What a relay makes of it, with LF line ends. */
static void
read_wire(const struct buf *wire, struct buf *out)
{
	struct buf lines = BUF_INIT;

	for (size_t i = 0; i < wire->len; i++) {
		if (wire->data[i] != '\r')
			buf_add_char(&lines, wire->data[i]);
	}
	add_without_dots(out, &lines);
	buf_release(&lines);
}

/* The wire form and size of a text, from pieces: up to split, then random. */
static void
convert(struct fuzz_input text, size_t split, uint32_t random, struct buf *wire,
    struct text_size *size)
{
	struct text_wire w = {0};

	*size = (struct text_size){0};
	while (text.len > 0) {
		const size_t n =
		    split ? split : fuzz_piece(&random, text.len, 20);
		const size_t before = wire->len;
		const size_t pending = w.pending_cr;
		char *exact = fuzz_copy(text.at, n);

		text_wire_add(&w, exact, n, wire);
		text_size_add(size, exact, n);
		FUZZ_CHECK(wire->len - before <= 2 * n + pending);
		free(exact);
		text.at += n;
		text.len -= n;
		split = split ? text.len : 0;
	}
	text_wire_end(&w, wire);
	text_size_end(size);
}

static void
check_split(struct fuzz_input text, size_t split, uint32_t random,
    const struct buf *want, const struct text_size *want_size)
{
	struct buf wire = BUF_INIT;
	struct text_size size;

	convert(text, split, random, &wire, &size);
	FUZZ_CHECK(fuzz_is_equal(&wire, want->data, want->len));
	FUZZ_CHECK(size.wire_len == want_size->wire_len);
	FUZZ_CHECK(size.has_8bit == want_size->has_8bit);
	FUZZ_CHECK(size.has_nul == want_size->has_nul);
	buf_release(&wire);
}

static void
check_splits(struct fuzz_input text, uint32_t random, const struct buf *want,
    const struct text_size *size)
{
	const size_t step = text.len / SPLITS_MAX + 1;

	for (size_t i = 1; i < text.len; i += step)
		check_split(text, i, 0, want, size);
	check_split(text, 0, random, want, size);
}

static void
check_size(struct fuzz_input text, const struct buf *wire, size_t dots,
    const struct text_size *size)
{
	bool has_8bit = false;

	for (size_t i = 0; i < text.len; i++)
		has_8bit |= (unsigned char)text.at[i] >= 128;
	FUZZ_CHECK(size->wire_len == wire->len - 3 - dots);
	FUZZ_CHECK(size->has_8bit == has_8bit);
	FUZZ_CHECK(size->has_nul == (memchr(text.at, '\0', text.len) != NULL));
}

/* canonical is what a relay should make of the text; NULL: that is open. */
static void
check_sending(
    struct fuzz_input text, uint32_t random, const struct buf *canonical)
{
	struct buf wire = BUF_INIT;
	struct buf got = BUF_INIT;
	struct text_size size;
	size_t dots;

	convert(text, text.len, 0, &wire, &size);
	check_wire(&wire, &dots);
	check_size(text, &wire, dots, &size);
	check_splits(text, random, &wire, &size);
	if (canonical) {
		read_wire(&wire, &got);
		FUZZ_CHECK(
		    fuzz_is_equal(&got, canonical->data, canonical->len));
	}
	buf_release(&wire);
	buf_release(&got);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	const uint32_t random = fuzz_byte(&in);
	const bool has_lf = memchr(in.at, '\n', in.len) != NULL;
	const bool has_cr = memchr(in.at, '\r', in.len) != NULL;
	struct buf literal = BUF_INIT;
	struct fuzz_input canonical;
	int rc = canonicalize(in, TEXT_DOTS_LITERAL, &literal);

	FUZZ_CHECK((rc < 0) == (memchr(in.at, '\0', in.len) != NULL));
	if (rc == 0) {
		check_literal(in, &literal);
		canonical = (struct fuzz_input){literal.data, literal.len};
		check_sending(canonical, random, &literal);
	}
	check_dots(in, &literal, rc);
	/* Whether a CR ends a line where nothing else does, only the whole
	 * text can tell. */
	check_sending(
	    in, random, rc == 0 && (has_lf || !has_cr) ? &literal : NULL);
	buf_release(&literal);
	return 0;
}
