/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <string.h>

#include "base/buf.h"
#include "mail/header.h"
#include "unit/suites.h"

#define TEXT(s) s, sizeof(s) - 1

/* want: "name=value|" for each field, then what the cursor stands at. */
static const struct {
	const char *name, *text;
	size_t len;
	const char *want;
} headers[] = {
    {"two_fields", TEXT("A: 1\nB: 2\n\nbody\n"), "A= 1|B= 2|\nbody\n"},
    {"no_blank_behind_colon", TEXT("A:1\n\n"), "A=1|\n"},
    {"empty_value", TEXT("A:\n\n"), "A=|\n"},
    {"blank_in_front_of_colon", TEXT("A \t: 1\n\n"), "A= 1|\n"},
    {"fold", TEXT("A: 1\n 2\n\t3\nB: 4\n\n"), "A= 1\n 2\n\t3|B= 4|\n"},
    {"fold_of_blanks_only", TEXT("A: 1\n \nB: 2\n\n"), "A= 1\n |B= 2|\n"},
    {"colon_in_value", TEXT("A: b:c\n\n"), "A= b:c|\n"},
    {"text_ends_in_header", TEXT("A: 1\n"), "A= 1|"},
    {"last_line_without_end", TEXT("A: 1\nB: 2"), "A= 1|B= 2|"},
    {"last_fold_without_end", TEXT("A: 1\n 2"), "A= 1\n 2|"},
    {"text_ends_in_name", TEXT("A: 1\nSubj"), "A= 1|Subj"},
    {"text_ends_behind_name", TEXT("A: 1\nB \t"), "A= 1|B \t"},
    {"text_ends_behind_colon", TEXT("A: 1\nB:"), "A= 1|B=|"},
    {"text_ends_in_fold", TEXT("A: 1\n "), "A= 1\n |"},
    {"colon_only", TEXT(":"), ":"},
    {"empty_text", TEXT(""), ""},
    {"empty_line_first", TEXT("\nA: 1\n"), "\nA: 1\n"},
    {"junk_line_ends", TEXT("A: 1\njunk\nB: 2\n"), "A= 1|junk\nB: 2\n"},
    {"blank_in_name_ends", TEXT("A: 1\nB C: 2\n"), "A= 1|B C: 2\n"},
    {"colon_without_name_ends", TEXT("A: 1\n: 2\n"), "A= 1|: 2\n"},
    {"fold_first_is_no_field", TEXT(" A: 1\n"), " A: 1\n"},
    {"8_bit_name_ends", TEXT("\xc3\xb6: 1\n"), "\xc3\xb6: 1\n"},
    {"control_in_name_ends", TEXT("A\001: 1\n"), "A\001: 1\n"},
    {"8_bit_value", TEXT("A: \xc3\xb6\n\n"), "A= \xc3\xb6|\n"},
    {"odd_name", TEXT("X-!#$%&'*+-/=?^_`{|}~: 1\n\n"),
	"X-!#$%&'*+-/=?^_`{|}~= 1|\n"},
};

START_TEST(walk_finds_fields_and_the_end)
{
	struct header_cursor c = {headers[_i].text, headers[_i].len};
	struct header_field f;
	struct buf got = BUF_INIT;

	while (header_next(&c, &f)) {
		buf_add(&got, f.name, f.name_len);
		buf_add_char(&got, '=');
		buf_add(&got, f.value, f.value_len);
		buf_add_char(&got, '|');
	}
	buf_add(&got, c.at, c.len);
	ck_assert_msg(strcmp(got.data, headers[_i].want) == 0,
	    "%s: got %s, want %s", headers[_i].name, got.data,
	    headers[_i].want);
	buf_release(&got);
}
END_TEST

START_TEST(raw_fields_and_rest_are_the_whole_text)
{
	struct header_cursor c = {headers[_i].text, headers[_i].len};
	struct header_field f;
	size_t len = 0;

	while (header_next(&c, &f)) {
		ck_assert_ptr_eq(f.raw, headers[_i].text + len);
		len += f.raw_len;
	}
	ck_assert_ptr_eq(c.at, headers[_i].text + len);
	ck_assert_uint_eq(len + c.len, headers[_i].len);
}
END_TEST

START_TEST(name_matches_in_any_case_and_whole_only)
{
	struct header_cursor c = {TEXT("mEssage-iD : x\n")};
	struct header_field f;

	ck_assert(header_next(&c, &f));
	ck_assert(header_is(&f, "Message-ID"));
	ck_assert(!header_is(&f, "Message"));
	ck_assert(!header_is(&f, "Message-ID-2"));
}
END_TEST

Suite *
header_suite(void)
{
	Suite *s = suite_create("header");
	TCase *t = tcase_create("header");

	tcase_add_loop_test(
	    t, walk_finds_fields_and_the_end, 0, ARRAY_LEN(headers));
	tcase_add_loop_test(
	    t, raw_fields_and_rest_are_the_whole_text, 0, ARRAY_LEN(headers));
	tcase_add_test(t, name_matches_in_any_case_and_whole_only);
	suite_add_tcase(s, t);
	return s;
}
