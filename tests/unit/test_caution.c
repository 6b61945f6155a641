/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "flushd/caution.h"
#include "unit/suites.h"

static void
fill(struct caution *c)
{
	for (uint64_t i = 0; i < CAUTION_SKIP_MAX; i++)
		ck_assert(caution_skip(c, UINT64_MAX - i));
}

START_TEST(what_was_added_is_skipped_and_nothing_else)
{
	struct caution c = {0};

	ck_assert(!caution_skips(&c, 7));
	ck_assert(caution_skip(&c, 7));
	ck_assert(caution_skip(&c, 8));
	ck_assert(caution_skips(&c, 7));
	ck_assert(caution_skips(&c, 8));
	ck_assert(!caution_skips(&c, 9));
}
END_TEST

START_TEST(what_is_there_or_has_no_room_is_not_added)
{
	struct caution c = {0};

	fill(&c);
	ck_assert(!caution_skip(&c, UINT64_MAX));
	ck_assert(!caution_skip(&c, 1));
	ck_assert(!caution_skips(&c, 1));
	ck_assert_uint_eq(c.skipped_count, CAUTION_SKIP_MAX);
}
END_TEST

static void
check_round_trip(const struct caution *c)
{
	char text[CAUTION_TEXT_MAX];
	struct caution got;

	memset(text, 'x', sizeof(text));
	ck_assert_uint_lt(strlen(caution_format(c, text)), sizeof(text));
	ck_assert_int_eq(caution_parse(text, &got), 0);
	ck_assert(got.must_prove == c->must_prove);
	ck_assert_uint_eq(got.skipped_count, c->skipped_count);
	for (size_t i = 0; i < c->skipped_count; i++)
		ck_assert_uint_eq(got.skipped[i], c->skipped[i]);
}

START_TEST(what_is_written_is_read)
{
	struct caution c = {0};

	check_round_trip(&c);
	c.must_prove = true;
	check_round_trip(&c);
	fill(&c);
	check_round_trip(&c);
	c.must_prove = false;
	check_round_trip(&c);
}
END_TEST

static const char *const bad_texts[] = {"A", "!A", ",", "A,,", "A,!", "A,A,",
    "0,", "!!", "-,", "AAAAAAAAAAAAAAAAAAAAAAAA,",
    "A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P,Q,R,S,T,U,V,W,X,Y,Z,1,2,3,4,5,6,7,"};

START_TEST(other_text_is_refused)
{
	struct caution c = {.skipped_count = 5};

	ck_assert_msg(caution_parse(bad_texts[_i], &c) == -EINVAL, "%s: taken",
	    bad_texts[_i]);
	ck_assert_uint_eq(c.skipped_count, 5);
}
END_TEST

Suite *
caution_suite(void)
{
	Suite *s = suite_create("caution");
	TCase *t = tcase_create("caution");

	tcase_add_test(t, what_was_added_is_skipped_and_nothing_else);
	tcase_add_test(t, what_is_there_or_has_no_room_is_not_added);
	tcase_add_test(t, what_is_written_is_read);
	tcase_add_loop_test(
	    t, other_text_is_refused, 0, (int)ARRAY_LEN(bad_texts));
	suite_add_tcase(s, t);
	return s;
}
