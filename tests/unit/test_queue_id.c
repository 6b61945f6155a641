/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "mail/queue_id.h"
#include "unit/suites.h"

static const struct {
	const char *text;
	uint64_t id;
} ids[] = {
    {"1", 1},
    {"9", 9},
    {"A", 10},
    {"Z", 35},
    {"10", 36},
    {"ZZ", 1295},
    {"HOE8UA94BS", 1795342244905000},
    {"3W5E11264SGSF", UINT64_MAX},
};

START_TEST(id_is_written_in_base_36)
{
	char text[QUEUE_ID_TEXT_MAX];

	queue_id_format(ids[_i].id, text);
	ck_assert_msg(strcmp(text, ids[_i].text) == 0, "%ju: got %s, want %s",
	    (uintmax_t)ids[_i].id, text, ids[_i].text);
}
END_TEST

START_TEST(id_is_read_as_it_was_written)
{
	uint64_t got = 0;

	ck_assert_int_eq(queue_id_parse(ids[_i].text, &got), 0);
	ck_assert_msg(got == ids[_i].id, "%s: got %ju, want %ju", ids[_i].text,
	    (uintmax_t)got, (uintmax_t)ids[_i].id);
}
END_TEST

START_TEST(lower_case_and_leading_zeros_are_read)
{
	uint64_t id = 0;

	ck_assert_int_eq(queue_id_parse("0zZ", &id), 0);
	ck_assert_uint_eq(id, 1295);
}
END_TEST

static const char *const bad_ids[] = {"", "0", "000", "-1", "+1", " 1", "1 ",
    "1/2", "A-B", "\xc3\xb6", "3W5E11264SGSG", "3W5E11264SGSF0",
    "ZZZZZZZZZZZZZ", "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ"};

START_TEST(anything_else_is_no_id)
{
	uint64_t id = 7;
	int got = queue_id_parse(bad_ids[_i], &id);

	ck_assert_msg(
	    got == -EINVAL, "%s: got %d, want %d", bad_ids[_i], got, -EINVAL);
	ck_assert_uint_eq(id, 7);
}
END_TEST

Suite *
queue_id_suite(void)
{
	Suite *s = suite_create("queue_id");
	TCase *t = tcase_create("queue_id");

	tcase_add_loop_test(t, id_is_written_in_base_36, 0, ARRAY_LEN(ids));
	tcase_add_loop_test(t, id_is_read_as_it_was_written, 0, ARRAY_LEN(ids));
	tcase_add_test(t, lower_case_and_leading_zeros_are_read);
	tcase_add_loop_test(t, anything_else_is_no_id, 0, ARRAY_LEN(bad_ids));
	suite_add_tcase(s, t);
	return s;
}
