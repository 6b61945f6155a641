/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "mail/text.h"
#include "unit/suites.h"

#define TEXT(s) s, sizeof(s) - 1

/* Compare bytes that may be anything; show them so that they can be read. */
static void
check_bytes(const char *name, const char *got, size_t got_len, const char *want,
    size_t want_len)
{
	struct buf g = BUF_INIT, w = BUF_INIT;

	if (got_len == want_len &&
	    (got_len == 0 || memcmp(got, want, got_len) == 0))
		return;
	log_escape(&g, got, got_len, 1000);
	log_escape(&w, want, want_len, 1000);
	ck_abort_msg("%s: got %s, want %s", name, g.data, w.data);
}

/* ---- canonical text ------------------------------------------------------ */

static const struct {
	const char *name;
	enum text_dots dots;
	const char *text;
	size_t len;
	const char *want;
} texts[] = {
    {"lf_stays", TEXT_DOTS_LITERAL, TEXT("a\nb\n"), "a\nb\n"},
    {"crlf_becomes_lf", TEXT_DOTS_LITERAL, TEXT("a\r\nb\r\n"), "a\nb\n"},
    {"mixed_ends", TEXT_DOTS_LITERAL, TEXT("a\r\nb\nc\r\n"), "a\nb\nc\n"},
    {"crs_in_front_of_lf", TEXT_DOTS_LITERAL, TEXT("a\r\r\r\nb\n"), "a\nb\n"},
    {"crs_are_an_empty_line", TEXT_DOTS_LITERAL, TEXT("a\n\r\r\nb\n"),
	"a\n\nb\n"},
    {"bare_cr", TEXT_DOTS_LITERAL, TEXT("a\rb\nc\n"), "a b\nc\n"},
    {"bare_cr_first", TEXT_DOTS_LITERAL, TEXT("\ra\n"), " a\n"},
    {"cr_lf_cr", TEXT_DOTS_LITERAL, TEXT("a\n\rb\n"), "a\n b\n"},
    {"cr_alone_ends_lines", TEXT_DOTS_LITERAL, TEXT("a\rb\r\rc\r"),
	"a\nb\n\nc\n"},
    {"cr_alone_without_end", TEXT_DOTS_LITERAL, TEXT("a\rb"), "a\nb\n"},
    {"missing_end", TEXT_DOTS_LITERAL, TEXT("a\nb"), "a\nb\n"},
    {"missing_lf_behind_cr", TEXT_DOTS_LITERAL, TEXT("a\nb\r"), "a\nb\n"},
    {"no_line_at_all", TEXT_DOTS_LITERAL, TEXT("a"), "a\n"},
    {"empty", TEXT_DOTS_LITERAL, TEXT(""), ""},
    {"one_lf", TEXT_DOTS_LITERAL, TEXT("\n"), "\n"},
    {"8_bit_and_control", TEXT_DOTS_LITERAL, TEXT("\xff\001\x7f\n"),
	"\xff\001\x7f\n"},
    {"dots_are_literal", TEXT_DOTS_LITERAL, TEXT("a\n.\n..b\n"), "a\n.\n..b\n"},
    {"dot_ends", TEXT_DOTS_END, TEXT("a\n.\nb\n"), "a\n"},
    {"dot_with_crlf_ends", TEXT_DOTS_END, TEXT("a\r\n.\r\nb\r\n"), "a\n"},
    {"dot_at_the_end_ends", TEXT_DOTS_END, TEXT("a\n."), "a\n"},
    {"dot_first_ends", TEXT_DOTS_END, TEXT(".\na\n"), ""},
    {"dot_between_crs_ends", TEXT_DOTS_END, TEXT("a\r.\rb"), "a\n"},
    {"two_dots_lose_one", TEXT_DOTS_END, TEXT("..\n..a\n...\n"), ".\n.a\n..\n"},
    {"one_dot_and_text_stay", TEXT_DOTS_END, TEXT(".a\n. \n"), ".a\n. \n"},
    {"dot_behind_bare_cr_stays", TEXT_DOTS_END, TEXT("a\r.\nb\n"), "a .\nb\n"},
    {"nul_behind_the_dot", TEXT_DOTS_END, TEXT("a\n.\n\0"), "a\n"},
};

START_TEST(text_becomes_canonical)
{
	size_t len = texts[_i].len;
	char *text = malloc(len + 1);
	int err;

	ck_assert_ptr_nonnull(text);
	memcpy(text, texts[_i].text, len);
	err = text_canonicalize(text, &len, texts[_i].dots);
	ck_assert_msg(
	    err == 0, "%s: got error %d, want none", texts[_i].name, err);
	check_bytes(
	    texts[_i].name, text, len, texts[_i].want, strlen(texts[_i].want));
	free(text);
}
END_TEST

START_TEST(nul_is_refused)
{
	char first[] = "\0a\n", last[] = "a\n\0", end[] = "a\0";
	size_t len = 3;

	ck_assert_int_eq(
	    text_canonicalize(first, &len, TEXT_DOTS_LITERAL), -EILSEQ);
	len = 3;
	ck_assert_int_eq(text_canonicalize(last, &len, TEXT_DOTS_END), -EILSEQ);
	len = 2;
	ck_assert_int_eq(
	    text_canonicalize(end, &len, TEXT_DOTS_LITERAL), -EILSEQ);
}
END_TEST

/* ---- wire text ----------------------------------------------------------- */

static const struct {
	const char *name, *text;
	size_t len;
	const char *want; /* without the final dot */
} wires[] = {
    {"lf_becomes_crlf", TEXT("a\nb\n"), "a\r\nb\r\n"},
    {"dot_is_doubled", TEXT(".\n.a\n..\n"), "..\r\n..a\r\n...\r\n"},
    {"dot_within_stays", TEXT("a.\n .\n"), "a.\r\n .\r\n"},
    {"missing_end", TEXT("a"), "a\r\n"},
    {"empty", TEXT(""), ""},
    {"crlf_stays", TEXT("a\r\nb\r\n"), "a\r\nb\r\n"},
    {"crs_in_front_of_lf", TEXT("a\r\r\nb\n"), "a\r\nb\r\n"},
    {"bare_cr", TEXT("a\rb\n"), "a b\r\n"},
    {"bare_crs", TEXT("a\r\rb\n"), "a  b\r\n"},
    {"cr_and_dot", TEXT("\r.\n"), " .\r\n"},
    {"cr_at_the_end", TEXT("a\r"), "a\r\n"},
    {"cr_only", TEXT("\r"), "\r\n"},
    {"smuggled_end", TEXT("a\n.\r\nMAIL\r.\r\n"), "a\r\n..\r\nMAIL .\r\n"},
};

START_TEST(wire_text_has_crlf_only)
{
	struct text_wire w = {0};
	struct text_size size = {0};
	struct buf got = BUF_INIT;

	text_wire_add(&w, wires[_i].text, wires[_i].len, &got);
	text_wire_end(&w, &got);
	ck_assert_uint_ge(got.len, 3);
	ck_assert_int_eq(memcmp(got.data + got.len - 3, ".\r\n", 3), 0);
	check_bytes(wires[_i].name, got.data, got.len - 3, wires[_i].want,
	    strlen(wires[_i].want));
	text_size_add(&size, wires[_i].text, wires[_i].len);
	ck_assert_uint_le(text_size_end(&size), strlen(wires[_i].want));
	buf_release(&got);
}
END_TEST

/* False if a relay could take a line for the end, or see half a line end. */
static bool
is_wire(const char *text, size_t len)
{
	if (len < 3 || memcmp(text + len - 3, ".\r\n", 3) != 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool is_start = i == 0 || text[i - 1] == '\n';

		if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
			return false;
		if (text[i] == '\r' && (i + 1 == len || text[i + 1] != '\n'))
			return false;
		if (is_start && text[i] == '.' && i + 3 < len &&
		    text[i + 1] != '.')
			return false;
	}
	return true;
}

/* Bytes of wire text without the dots that were put in and the final one. */
static uint64_t
count_wire(const char *text, size_t len)
{
	uint64_t count = len - 3;

	for (size_t i = 0; i + 3 < len; i++) {
		if (text[i] == '.' && (i == 0 || text[i - 1] == '\n'))
			count--;
	}
	return count;
}

START_TEST(splits_do_not_change_wire_text_nor_size)
{
	static const char bytes[] = "a.\r\n";
	char text[40];

	srand(2);
	for (int round = 0; round < 20000; round++) {
		struct buf whole = BUF_INIT, split = BUF_INIT;
		struct text_wire one = {0}, many = {0};
		struct text_size size = {0};
		size_t len = (size_t)rand() % sizeof(text);

		for (size_t i = 0; i < len; i++)
			text[i] = bytes[rand() % 4];
		text_wire_add(&one, text, len, &whole);
		text_wire_end(&one, &whole);
		for (size_t i = 0, n; i < len; i += n) {
			n = 1 + (size_t)rand() % (len - i);
			text_wire_add(&many, text + i, n, &split);
			text_size_add(&size, text + i, n);
		}
		text_wire_end(&many, &split);
		check_bytes(
		    "split", split.data, split.len, whole.data, whole.len);
		ck_assert(is_wire(whole.data, whole.len));
		ck_assert_uint_eq(
		    text_size_end(&size), count_wire(whole.data, whole.len));
		buf_release(&whole);
		buf_release(&split);
	}
}
END_TEST

START_TEST(wire_text_is_the_same_for_canonical_text)
{
	static const char bytes[] = "a.\r\n";
	char text[41];

	srand(3);
	for (int round = 0; round < 20000; round++) {
		struct buf before = BUF_INIT, after = BUF_INIT;
		struct text_wire one = {0}, other = {0};
		size_t len = (size_t)rand() % (sizeof(text) - 1);

		for (size_t i = 0; i < len; i++)
			text[i] = bytes[rand() % 4];
		/* CR alone as line end is for the sender's eyes only. */
		if (!memchr(text, '\n', len))
			continue;
		text_wire_add(&one, text, len, &before);
		text_wire_end(&one, &before);
		ck_assert_int_eq(
		    text_canonicalize(text, &len, TEXT_DOTS_LITERAL), 0);
		ck_assert_ptr_null(memchr(text, '\r', len));
		text_wire_add(&other, text, len, &after);
		text_wire_end(&other, &after);
		check_bytes("canonical", after.data, after.len, before.data,
		    before.len);
		buf_release(&before);
		buf_release(&after);
	}
}
END_TEST

START_TEST(size_notices_8_bit_and_nul)
{
	struct text_size s = {0};

	text_size_add(&s, TEXT("abc\n"));
	ck_assert(!s.has_8bit && !s.has_nul);
	text_size_add(&s, TEXT("\xff"));
	ck_assert(s.has_8bit && !s.has_nul);
	text_size_add(&s, TEXT("\0"));
	ck_assert(s.has_8bit && s.has_nul);
}
END_TEST

START_TEST(long_text_takes_linear_time)
{
	static const char *const patterns[] = {"\r", "\n", "\ra", ".", ".\r"};
	enum { LEN = 1024 * 1024 };
	size_t step = strlen(patterns[_i]), len = LEN;
	struct text_wire w = {0};
	struct buf out = BUF_INIT;
	char *text = malloc(LEN + 1);

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < LEN; i++)
		text[i] = patterns[_i][i % step];
	text_wire_add(&w, text, LEN, &out);
	text_wire_end(&w, &out);
	ck_assert(is_wire(out.data, out.len));
	ck_assert_int_eq(text_canonicalize(text, &len, TEXT_DOTS_END), 0);
	buf_release(&out);
	free(text);
}
END_TEST

Suite *
text_suite(void)
{
	Suite *s = suite_create("text");
	TCase *t = tcase_create("canonical");

	tcase_add_loop_test(t, text_becomes_canonical, 0, ARRAY_LEN(texts));
	tcase_add_test(t, nul_is_refused);
	suite_add_tcase(s, t);
	t = tcase_create("wire");
	tcase_add_loop_test(t, wire_text_has_crlf_only, 0, ARRAY_LEN(wires));
	tcase_add_test(t, splits_do_not_change_wire_text_nor_size);
	tcase_add_test(t, wire_text_is_the_same_for_canonical_text);
	tcase_add_test(t, size_notices_8_bit_and_nul);
	tcase_add_loop_test(t, long_text_takes_linear_time, 0, 5);
	suite_add_tcase(s, t);
	return s;
}
