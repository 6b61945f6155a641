/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sendmail/input.h"
#include "unit/suites.h"

static int keyboard; /* what is written here is typed at standard input */
static struct buf text;

static void
setup(void)
{
	int screen;

	keyboard = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert_int_ge(keyboard, 0);
	ck_assert_int_eq(grantpt(keyboard) | unlockpt(keyboard), 0);
	screen = open(ptsname(keyboard), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(screen, 0);
	ck_assert_int_eq(dup2(screen, STDIN_FILENO), STDIN_FILENO);
	close(screen);
	buf_init(&text);
}

static void
teardown(void)
{
	buf_release(&text);
	close(keyboard);
}

static void
type(const char *words)
{
	ck_assert_int_eq(
	    write(keyboard, words, strlen(words)), (ssize_t)strlen(words));
}

#define END "\x04" /* what a terminal takes for the end of the input */

static const struct {
	const char *name;
	bool is_dot_literal;
	const char *typed;
	const char *want;
} inputs[] = {
    {"a dot", false, "a\n.\nb\n" END, "a\n.\n"},
    {"a dot alone", false, ".\nb\n" END, ".\n"},
    {"a line that ends in a dot", false, "a.\n" END, "a.\n"},
    {"two dots", false, "..\n" END, "..\n"},
    {"a dot and a blank", false, ". \n" END, ". \n"},
    {"half a line", false, "a\nb" END END, "a\nb"},
    {"half a line that is a dot", false, "a\n." END "\nb\n" END, "a\n.\n"},
    {"an end", false, "a\n" END, "a\n"},
    {"nothing", false, END, ""},
    {"a literal dot", true, "a\n.\nb\n" END, "a\n.\nb\n"},
};

START_TEST(what_is_typed_ends_at_a_dot)
{
	type(inputs[_i].typed);
	ck_assert_int_eq(input_read(inputs[_i].is_dot_literal, 1000, &text), 0);
	ck_assert_msg(strcmp(text.data, inputs[_i].want) == 0,
	    "%s: got \"%s\", want \"%s\"", inputs[_i].name, text.data,
	    inputs[_i].want);
}
END_TEST

START_TEST(what_is_typed_has_a_limit_too)
{
	type("12345\n6\n.\n");
	ck_assert_int_eq(input_read(false, 5, &text), -EMSGSIZE);
	ck_assert_int_eq(input_read(false, 1000, &text), 0);
	ck_assert_str_eq(text.data, "12345\n6\n.\n");
}
END_TEST

START_TEST(nobody_types_the_rest_of_what_is_refused)
{
	uint64_t bytes = 7;

	input_drain(&bytes);
	ck_assert_uint_eq(bytes, 7);
}
END_TEST

START_TEST(a_pipe_is_read_to_its_end)
{
	uint64_t bytes = 7;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "a\n.\nbcd", 7), 7);
	close(ends[1]);
	ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	ck_assert_int_eq(input_read(false, 3, &text), -EMSGSIZE);
	ck_assert_str_eq(text.data, "a\n.\n");
	input_drain(&bytes);
	ck_assert_uint_eq(bytes, 7 + 3);
	close(ends[0]);
}
END_TEST

Suite *
input_suite(void)
{
	Suite *s = suite_create("input");
	TCase *tc = tcase_create("input");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, what_is_typed_ends_at_a_dot, 0, (int)ARRAY_LEN(inputs));
	tcase_add_test(tc, what_is_typed_has_a_limit_too);
	tcase_add_test(tc, nobody_types_the_rest_of_what_is_refused);
	tcase_add_test(tc, a_pipe_is_read_to_its_end);
	suite_add_tcase(s, tc);
	return s;
}
