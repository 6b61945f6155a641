/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "flushctl/drain.h"
#include "unit/suites.h"

enum { NOW = 1800000000 }; /* a Friday, 08:00 UTC */

static struct buf out;

static void
setup(void)
{
	setenv("TZ", "UTC0", 1);
	buf_init(&out);
}

static void
teardown(void)
{
	buf_release(&out);
}

static const struct {
	uint64_t waiting, in, out;
	const char *briefly;
	const char *words;
} drains[] = {
    {0, 0, 0, "-", ""},
    {0, 9, 1, "-", ""},
    {1, 0, 0, "steady", "neither grows nor shrinks"},
    {1000, 40, 40, "steady", "neither grows nor shrinks"},
    {1000, 41, 40, "growing", "growing"},
    {1000, UINT64_MAX, 0, "growing", "growing"},
    {10, 0, 600, "1s", "gone in 1s, at 08:00"},
    {1000, 40, 240, "5m", "gone in 5m, at 08:05"},
    {86400, 0, 120, "12h", "gone in 12h, at 20:00"},
    {86400, 0, 40, "36h", "gone in 36h, on Sat at 20:00"},
    {100000, 999, 1000, "69d", "gone in 69d, on 2027-03-25"},
    {UINT64_MAX, 0, 1, "99999d", "gone in 99999d, on 2300-10-30"},
};

START_TEST(a_drain_is_said_in_short_and_in_words)
{
	const struct drain d =
	    drain_estimate(drains[_i].waiting, drains[_i].in, drains[_i].out);

	drain_add_short(&out, &d);
	ck_assert_str_eq(out.data, drains[_i].briefly);
	ck_assert_uint_le(out.len, 7);
	buf_clear(&out);
	drain_add(&out, &d, NOW);
	ck_assert_str_eq(out.data, drains[_i].words);
}
END_TEST

static const struct {
	int64_t sec;
	const char *want;
} durations[] = {{-5, "0s"}, {0, "0s"}, {119, "119s"}, {120, "2m"},
    {7199, "119m"}, {7200, "2h"}, {172799, "47h"}, {172800, "2d"},
    {INT64_C(86400) * 400, "400d"}};

START_TEST(a_duration_is_in_its_greatest_unit)
{
	drain_add_duration(&out, durations[_i].sec);
	ck_assert_str_eq(out.data, durations[_i].want);
}
END_TEST

Suite *
drain_suite(void)
{
	Suite *s = suite_create("drain");
	TCase *t = tcase_create("drain");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_drain_is_said_in_short_and_in_words, 0,
	    (int)ARRAY_LEN(drains));
	tcase_add_loop_test(t, a_duration_is_in_its_greatest_unit, 0,
	    (int)ARRAY_LEN(durations));
	suite_add_tcase(s, t);
	return s;
}
