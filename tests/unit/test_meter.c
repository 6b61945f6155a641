/* SPDX-License-Identifier: ISC */
#include "flushd/meter.h"
#include "unit/suites.h"

enum { SEC = 1000, START = 123456 };

static struct meter meter;

static void
setup(void)
{
	meter = (struct meter){0};
}

START_TEST(what_never_happened_has_no_rate)
{
	ck_assert_uint_eq(meter_per_minute(&meter, START), 0);
	ck_assert_uint_eq(meter.total, 0);
}
END_TEST

START_TEST(what_happened_in_the_last_minute_counts)
{
	for (int64_t n = 0; n < 50; n++)
		meter_add(&meter, 2, START + n * SEC);
	ck_assert_uint_eq(meter.total, 100);
	ck_assert_uint_eq(meter_per_minute(&meter, START + 49 * SEC), 100);
}
END_TEST

/* Seconds since it happened, and whether it still counts. */
static const struct {
	int64_t sec;
	uint64_t times;
} later[] = {{0, 7}, {49, 7}, {61, 0}, {120, 0}, {86400, 0}};

START_TEST(what_is_older_is_forgotten_but_in_the_total)
{
	meter_add(&meter, 7, START);
	ck_assert_uint_eq(meter_per_minute(&meter, START + later[_i].sec * SEC),
	    later[_i].times);
	ck_assert_uint_eq(meter.total, 7);
}
END_TEST

START_TEST(a_steady_rate_is_steady)
{
	for (int64_t n = 0; n < 600; n++) {
		uint64_t now;

		meter_add(&meter, 1, START + n * SEC);
		now = meter_per_minute(&meter, START + n * SEC);
		if (n > 60)
			ck_assert(now >= 50 && now <= 60);
	}
}
END_TEST

START_TEST(asking_changes_nothing)
{
	meter_add(&meter, 7, START);
	ck_assert_uint_eq(meter_per_minute(&meter, START + 90 * SEC), 0);
	ck_assert_uint_eq(meter_per_minute(&meter, START), 7);
}
END_TEST

Suite *
meter_suite(void)
{
	Suite *s = suite_create("meter");
	TCase *t = tcase_create("meter");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, what_never_happened_has_no_rate);
	tcase_add_test(t, what_happened_in_the_last_minute_counts);
	tcase_add_loop_test(
	    t, what_is_older_is_forgotten_but_in_the_total, 0, 5);
	tcase_add_test(t, a_steady_rate_is_steady);
	tcase_add_test(t, asking_changes_nothing);
	suite_add_tcase(s, t);
	return s;
}
