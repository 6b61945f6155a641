/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "mail/submitter.h"
#include "unit/suites.h"

enum { LONG = 10 * 1024 * 1024 };

typedef void set_fn(struct submitter *s, const char *text, size_t len);

static const struct {
	const char *name;
	set_fn *set;
	size_t max;
} texts[] = {
    {"cwd", submitter_set_cwd, 512},
    {"argv", submitter_set_argv, 1024},
    {"script", submitter_set_script, 512},
};

static const char *
get(const struct submitter *s, int i)
{
	return i == 0 ? s->cwd : i == 1 ? s->argv : s->script;
}

START_TEST(what_is_too_long_says_so)
{
	const size_t max = texts[_i].max;
	const size_t lengths[] = {max + 1, max + 2, LONG};
	char *text = malloc(LONG);
	struct submitter s = {0};

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', LONG);
	texts[_i].set(&s, text, max);
	ck_assert_uint_eq(strlen(get(&s, _i)), max);
	ck_assert_int_eq(get(&s, _i)[max - 1], 'x');
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		texts[_i].set(&s, text, lengths[i]);
		ck_assert_uint_eq(strlen(get(&s, _i)), max);
		ck_assert_str_eq(get(&s, _i) + max - 4, "x...");
	}
	for (int other = 0; other < 3; other++)
		ck_assert(other == _i || get(&s, other) == NULL);
	submitter_release(&s);
	free(text);
}
END_TEST

START_TEST(a_text_ends_at_its_length_or_a_nul)
{
	struct submitter s = {0};

	texts[_i].set(&s, "abc\0d", 5);
	ck_assert_str_eq(get(&s, _i), "abc");
	texts[_i].set(&s, "abc", 2);
	ck_assert_str_eq(get(&s, _i), "ab");
	texts[_i].set(&s, "", 0);
	ck_assert_str_eq(get(&s, _i), "");
	submitter_release(&s);
	ck_assert_ptr_null(get(&s, _i));
}
END_TEST

START_TEST(a_copy_is_all_there_is_and_no_more)
{
	struct submitter all = {.uid = 1, .pid = 2, .ppid = 3};
	struct submitter copy = {.uid = 9};

	submitter_set_cwd(&all, "/", 1);
	submitter_set_argv(&all, "a b", 3);
	submitter_set_script(&all, "\xff", 1);
	submitter_copy(&copy, &all);
	submitter_release(&all);
	ck_assert_uint_eq(copy.uid, 1);
	ck_assert_uint_eq(copy.pid, 2);
	ck_assert_uint_eq(copy.ppid, 3);
	ck_assert_str_eq(copy.cwd, "/");
	ck_assert_str_eq(copy.argv, "a b");
	ck_assert_str_eq(copy.script, "\xff");
	submitter_copy(&copy, &all);
	ck_assert_uint_eq(copy.uid, 0);
	ck_assert_ptr_null(copy.cwd);
	ck_assert_ptr_null(copy.argv);
	ck_assert_ptr_null(copy.script);
}
END_TEST

Suite *
submitter_suite(void)
{
	Suite *s = suite_create("submitter");
	TCase *t = tcase_create("submitter");

	tcase_add_loop_test(
	    t, what_is_too_long_says_so, 0, (int)ARRAY_LEN(texts));
	tcase_add_loop_test(
	    t, a_text_ends_at_its_length_or_a_nul, 0, (int)ARRAY_LEN(texts));
	tcase_add_test(t, a_copy_is_all_there_is_and_no_more);
	suite_add_tcase(s, t);
	return s;
}
