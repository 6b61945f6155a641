/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "flushd/smtp_reply.h"
#include "unit/suites.h"

/* A string with its length, NULs inside included. */
#define BYTES(s) s, sizeof(s) - 1

struct row {
	const char *name;
	const char *input;
	size_t len;
	const char *want; /* event, code, status, text */
};

static const char *const event_names[] = {
    [SMTP_REPLY_MORE] = "more",
    [SMTP_REPLY_LINE] = "line",
    [SMTP_REPLY_COMPLETE] = "complete",
    [SMTP_REPLY_GARBAGE] = "garbage",
    [SMTP_REPLY_TOO_LONG] = "too long",
};

/* What a reply came to in the end, fed piece bytes at a time. */
static void
read_in_pieces(const char *data, size_t len, size_t piece, struct buf *got)
{
	enum smtp_reply_event event = SMTP_REPLY_MORE;
	struct smtp_reply r;

	smtp_reply_init(&r);
	while (
	    len > 0 && (event == SMTP_REPLY_MORE || event == SMTP_REPLY_LINE)) {
		size_t used;

		event =
		    smtp_reply_read(&r, data, len < piece ? len : piece, &used);
		data += used;
		len -= used;
	}
	buf_add_format(got, "%s", event_names[event]);
	if (event == SMTP_REPLY_COMPLETE)
		buf_add_format(got, " %u %u.%u.%u", r.code, r.status.class,
		    r.status.subject, r.status.detail);
	if (event == SMTP_REPLY_COMPLETE || event == SMTP_REPLY_GARBAGE)
		buf_add_format(got, " [%s]", r.text);
}

static const struct row rows[] = {
    {"one_line", BYTES("250 Ok\r\n"), "complete 250 0.0.0 [250 Ok]"},
    {"code_alone", BYTES("250\r\n"), "complete 250 0.0.0 [250]"},
    {"code_and_blank", BYTES("250 \r\n"), "complete 250 0.0.0 [250]"},
    {"enhanced_code", BYTES("550 5.1.1 no\r\n"),
	"complete 550 5.1.1 [550 5.1.1 no]"},
    {"enhanced_code_alone", BYTES("550 5.1.10\r\n"),
	"complete 550 5.1.10 [550 5.1.10]"},
    {"enhanced_code_of_another_class_is_none", BYTES("450 5.1.1 no\r\n"),
	"complete 450 0.0.0 [450 5.1.1 no]"},
    {"enhanced_code_that_runs_on_is_none", BYTES("550 5.1.1x no\r\n"),
	"complete 550 0.0.0 [550 5.1.1x no]"},
    {"enhanced_code_with_four_digits_is_none", BYTES("550 5.1.1000 n\r\n"),
	"complete 550 0.0.0 [550 5.1.1000 n]"},
    {"enhanced_code_cut_short_is_none", BYTES("550 5.1.\r\n"),
	"complete 550 0.0.0 [550 5.1.]"},
    {"several_lines", BYTES("250-a\r\n250-b\r\n250 c\r\n"),
	"complete 250 0.0.0 [250 a b c]"},
    {"first_line_has_the_enhanced_code",
	BYTES("550-5.7.1 a\r\n550 5.1.1 b\r\n"),
	"complete 550 5.7.1 [550 5.7.1 a 5.1.1 b]"},
    {"bare_lf_ends_a_line", BYTES("250-a\n250 b\n"),
	"complete 250 0.0.0 [250 a b]"},
    {"goes_on", BYTES("250-a\r\n"), "line"},
    {"half_a_line", BYTES("250 a"), "more"},
    {"only_the_first_reply", BYTES("250 a\r\n550 b\r\n"),
	"complete 250 0.0.0 [250 a]"},
    {"codes_that_differ", BYTES("250-a\r\n251 b\r\n"), "garbage [251 b]"},
    {"class_1", BYTES("150 a\r\n"), "garbage [150 a]"},
    {"class_6", BYTES("650 a\r\n"), "garbage [650 a]"},
    {"two_digits", BYTES("25 a\r\n"), "garbage [25 a]"},
    {"four_digits", BYTES("2500 a\r\n"), "garbage [2500 a]"},
    {"letters", BYTES("SSH-2.0\r\n"), "garbage [SSH-2.0]"},
    {"empty_line", BYTES("\r\n"), "garbage []"},
    {"blank_in_front", BYTES(" 250 a\r\n"), "garbage [ 250 a]"},
    {"nul", BYTES("250 a\0b\r\n"), "garbage [250 a?b]"},
    {"nul_in_a_later_line", BYTES("250-a\r\n250 \0\r\n"), "garbage [250 ?]"},
    {"controls_become_question_marks", BYTES("250 a\rb\033[2J\tc\177\r\n"),
	"complete 250 0.0.0 [250 a?b?[2J?c?]"},
    {"beyond_ascii_is_kept", BYTES("250 \xc3\xa9\r\n"),
	"complete 250 0.0.0 [250 \xc3\xa9]"},
};

START_TEST(reply_reads_the_same_in_any_pieces)
{
	const struct row *row = &rows[_i];

	for (size_t piece = 1; piece <= row->len; piece++) {
		struct buf got = BUF_INIT;

		read_in_pieces(row->input, row->len, piece, &got);
		ck_assert_msg(strcmp(got.data, row->want) == 0,
		    "%s, %zu bytes at a time: got %s, want %s", row->name,
		    piece, got.data, row->want);
		buf_release(&got);
	}
}
END_TEST

/* lines of 100 bytes each, the last one with last bytes; all of class 2 */
static void
add_long_reply(struct buf *b, size_t lines, size_t last)
{
	for (size_t i = 0; i < lines; i++)
		buf_add_format(b, "250-%094d\r\n", 0);
	buf_add_format(b, "250 %0*d\r\n", (int)last - 6, 0);
}

static void
check_long(size_t lines, size_t last, const char *want)
{
	struct buf input = BUF_INIT;

	add_long_reply(&input, lines, last);
	for (size_t piece = 1; piece <= input.len; piece = piece * 7 + 1) {
		struct buf got = BUF_INIT;

		read_in_pieces(input.data, input.len, piece, &got);
		ck_assert_msg(strncmp(got.data, want, strlen(want)) == 0,
		    "%zu bytes, %zu at a time: got %.20s, want %s", input.len,
		    piece, got.data, want);
		buf_release(&got);
	}
	buf_release(&input);
}

START_TEST(reply_of_the_greatest_length_is_read)
{
	check_long(655, SMTP_REPLY_MAX - 65500, "complete 250");
}
END_TEST

START_TEST(reply_of_one_byte_more_is_too_long)
{
	check_long(655, SMTP_REPLY_MAX - 65500 + 1, "too long");
}
END_TEST

START_TEST(line_without_an_end_is_too_long)
{
	check_long(0, SMTP_REPLY_MAX + 100, "too long");
}
END_TEST

START_TEST(long_line_is_cut_and_the_text_too)
{
	struct buf input = BUF_INIT;
	struct smtp_reply r;
	size_t used;

	add_long_reply(&input, 0, 5000);
	smtp_reply_init(&r);
	ck_assert_int_eq(smtp_reply_read(&r, input.data, input.len, &used),
	    SMTP_REPLY_COMPLETE);
	ck_assert_uint_eq(used, input.len);
	ck_assert_uint_eq(r.line_len, SMTP_REPLY_LINE_MAX);
	ck_assert_uint_eq(r.text_len, SMTP_REPLY_TEXT_MAX);
	ck_assert_uint_eq(strlen(r.text), SMTP_REPLY_TEXT_MAX);
	buf_release(&input);
}
END_TEST

START_TEST(nul_behind_the_cut_is_garbage)
{
	struct buf input = BUF_INIT;
	struct smtp_reply r;
	size_t used;

	add_long_reply(&input, 0, 5000);
	input.data[4000] = '\0';
	smtp_reply_init(&r);
	ck_assert_int_eq(smtp_reply_read(&r, input.data, input.len, &used),
	    SMTP_REPLY_GARBAGE);
	buf_release(&input);
}
END_TEST

START_TEST(skipped_garbage_counts_as_length)
{
	static const char line[] = "garbage\r\n";
	enum smtp_reply_event event = SMTP_REPLY_GARBAGE;
	struct smtp_reply r;
	size_t lines = 0;

	smtp_reply_init(&r);
	while (event == SMTP_REPLY_GARBAGE) {
		size_t used;

		smtp_reply_skip(&r);
		event = smtp_reply_read(&r, BYTES(line), &used);
		lines++;
	}
	ck_assert_int_eq(event, SMTP_REPLY_TOO_LONG);
	ck_assert_uint_eq(lines, SMTP_REPLY_MAX / (sizeof(line) - 1) + 1);
}
END_TEST

Suite *
smtp_reply_suite(void)
{
	Suite *s = suite_create("smtp_reply");
	TCase *tc = tcase_create("smtp_reply");

	tcase_add_loop_test(
	    tc, reply_reads_the_same_in_any_pieces, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, reply_of_the_greatest_length_is_read);
	tcase_add_test(tc, reply_of_one_byte_more_is_too_long);
	tcase_add_test(tc, line_without_an_end_is_too_long);
	tcase_add_test(tc, long_line_is_cut_and_the_text_too);
	tcase_add_test(tc, nul_behind_the_cut_is_garbage);
	tcase_add_test(tc, skipped_garbage_counts_as_length);
	suite_add_tcase(s, tc);
	return s;
}
