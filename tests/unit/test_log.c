/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "unit/suites.h"

/* ---- escaping ------------------------------------------------------------ */

static const struct {
	const char *name, *text;
	size_t len, max;
	const char *want;
} escapes[] = {
    {"plain", "abc", 3, 10, "abc"},
    {"blank", "a b", 3, 10, "a b"},
    {"line_end", "a\r\nb", 4, 10, "a\\x0d\\x0ab"},
    {"quotes_and_backslash", "\"\\", 2, 10, "\\x22\\x5c"},
    {"escape_sequence", "\033[2J", 4, 10, "\\x1b[2J"},
    {"8_bit", "\xc3\xb6", 2, 10, "\\xc3\\xb6"},
    {"delete_and_nul", "\x7f\0", 2, 10, "\\x7f\\x00"},
    {"at_the_limit", "abcd", 4, 4, "abcd"},
    {"above_the_limit", "abcde", 5, 4, "abcd..."},
    {"empty", "", 0, 4, ""},
};

START_TEST(strange_text_is_escaped)
{
	struct buf got = BUF_INIT;

	log_escape(&got, escapes[_i].text, escapes[_i].len, escapes[_i].max);
	ck_assert_msg(strcmp(got.data, escapes[_i].want) == 0,
	    "%s: got %s, want %s", escapes[_i].name, got.data,
	    escapes[_i].want);
	buf_release(&got);
}
END_TEST

/* ---- lines --------------------------------------------------------------- */

/*
 * Log with standard error turned into a pipe, which JOURNAL_STREAM names or
 * not; what came out.
 */
static void
log_into(struct buf *got, bool is_journal)
{
	int saved = dup(STDERR_FILENO), ends[2];
	char stream[64] = "1:1";
	struct stat st;

	ck_assert_int_ge(saved, 0);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	if (is_journal)
		snprintf(stream, sizeof(stream), "%ju:%ju",
		    (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open("program");
	log_error("a=%d", 1);
	log_warning("b");
	log_notice("c");
	log_info("d");
	dup2(saved, STDERR_FILENO);
	close(saved);
	ck_assert_int_eq(io_read_all(ends[0], 1000, got), 0);
	close(ends[0]);
}

START_TEST(line_begins_with_the_program)
{
	struct buf got = BUF_INIT;

	log_into(&got, false);
	ck_assert_str_eq(
	    got.data, "program: a=1\nprogram: b\nprogram: c\nprogram: d\n");
	buf_release(&got);
}
END_TEST

START_TEST(line_begins_with_the_level_in_the_journal)
{
	struct buf got = BUF_INIT;

	log_into(&got, true);
	ck_assert_str_eq(got.data, "<3>a=1\n<4>b\n<5>c\n<6>d\n");
	buf_release(&got);
}
END_TEST

Suite *
log_suite(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");

	tcase_add_loop_test(t, strange_text_is_escaped, 0, ARRAY_LEN(escapes));
	tcase_add_test(t, line_begins_with_the_program);
	tcase_add_test(t, line_begins_with_the_level_in_the_journal);
	suite_add_tcase(s, t);
	return s;
}
