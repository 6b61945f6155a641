/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "unit/suites.h"

START_TEST(empty_buf_reads_as_empty_string)
{
	struct buf b = BUF_INIT;

	ck_assert_uint_eq(b.len, 0);
	ck_assert_str_eq(b.data, "");
	buf_release(&b);
	ck_assert_str_eq(b.data, "");
}
END_TEST

START_TEST(added_pieces_follow_each_other)
{
	struct buf b = BUF_INIT;

	buf_add(&b, "ab", 2);
	buf_add_str(&b, "cd");
	buf_add_char(&b, 'e');
	buf_add_format(&b, "%d%s", 12, "x");
	buf_add(&b, "", 0);
	ck_assert_str_eq(b.data, "abcde12x");
	ck_assert_uint_eq(b.len, 8);
	buf_release(&b);
}
END_TEST

START_TEST(buf_holds_nuls)
{
	struct buf b = BUF_INIT;

	buf_add(&b, "a\0b", 3);
	buf_add_char(&b, '\0');
	ck_assert_uint_eq(b.len, 4);
	ck_assert_int_eq(memcmp(b.data, "a\0b\0", 5), 0);
	buf_release(&b);
}
END_TEST

START_TEST(buf_grows_and_keeps_its_content)
{
	struct buf b = BUF_INIT;

	for (int i = 0; i < 300000; i++)
		buf_add_char(&b, (char)('a' + i % 26));
	ck_assert_uint_eq(b.len, 300000);
	ck_assert_uint_eq(strlen(b.data), b.len);
	for (size_t i = 0; i < b.len; i++) {
		if (b.data[i] != (char)('a' + i % 26))
			ck_abort_msg("got %c at %zu", b.data[i], i);
	}
	buf_release(&b);
}
END_TEST

START_TEST(reserve_leaves_the_content)
{
	struct buf b = BUF_INIT;

	buf_add_str(&b, "abc");
	buf_reserve(&b, 1000);
	ck_assert_str_eq(b.data, "abc");
	ck_assert_uint_ge(b.capacity, 1004);
	buf_release(&b);
}
END_TEST

static const struct {
	const char *name;
	size_t len;
	const char *want;
} consumptions[] = {
    {"nothing", 0, "abc"},
    {"some", 2, "c"},
    {"all", 3, ""},
    {"more_than_there_is", 4, ""},
};

START_TEST(consume_drops_the_front)
{
	struct buf b = BUF_INIT;

	buf_add_str(&b, "abc");
	buf_consume(&b, consumptions[_i].len);
	ck_assert_msg(strcmp(b.data, consumptions[_i].want) == 0,
	    "%s: got %s, want %s", consumptions[_i].name, b.data,
	    consumptions[_i].want);
	ck_assert_uint_eq(b.len, strlen(consumptions[_i].want));
	buf_release(&b);
}
END_TEST

START_TEST(clear_forgets_and_can_go_on)
{
	struct buf b = BUF_INIT;

	buf_clear(&b);
	buf_consume(&b, 1);
	buf_add_str(&b, "abc");
	buf_clear(&b);
	ck_assert_str_eq(b.data, "");
	buf_add_str(&b, "d");
	ck_assert_str_eq(b.data, "d");
	buf_release(&b);
}
END_TEST

START_TEST(detached_content_is_the_callers)
{
	struct buf b = BUF_INIT;
	char *empty = buf_detach(&b), *text;

	buf_add_str(&b, "abc");
	text = buf_detach(&b);
	ck_assert_str_eq(empty, "");
	ck_assert_str_eq(text, "abc");
	ck_assert_uint_eq(b.len, 0);
	free(empty);
	free(text);
}
END_TEST

Suite *
buf_suite(void)
{
	Suite *s = suite_create("buf");
	TCase *t = tcase_create("buf");

	tcase_add_test(t, empty_buf_reads_as_empty_string);
	tcase_add_test(t, added_pieces_follow_each_other);
	tcase_add_test(t, buf_holds_nuls);
	tcase_add_test(t, buf_grows_and_keeps_its_content);
	tcase_add_test(t, reserve_leaves_the_content);
	tcase_add_loop_test(
	    t, consume_drops_the_front, 0, ARRAY_LEN(consumptions));
	tcase_add_test(t, clear_forgets_and_can_go_on);
	tcase_add_test(t, detached_content_is_the_callers);
	suite_add_tcase(s, t);
	return s;
}
