/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "base/quantity.h"
#include "unit/suites.h"

static const struct {
	const char *text;
	int want;
	uint64_t bytes;
} sizes[] = {
    {"1", 0, 1},
    {"1048576", 0, 1048576},
    {"10k", 0, 10240},
    {"10K", 0, 10240},
    {"5M", 0, 5 << 20},
    {"1g", 0, 1 << 30},
    {"2T", 0, UINT64_C(2) << 40},
    {"18446744073709551615", 0, UINT64_MAX},
    {"18446744073709551616", -ERANGE, 0},
    {"16777216T", -ERANGE, 0},
    {"16777215T", 0, UINT64_C(16777215) << 40},
    {"0", -EINVAL, 0},
    {"0K", -EINVAL, 0},
    {"", -EINVAL, 0},
    {"K", -EINVAL, 0},
    {"-1", -EINVAL, 0},
    {"+1", -EINVAL, 0},
    {" 1", -EINVAL, 0},
    {"1 ", -EINVAL, 0},
    {"1KB", -EINVAL, 0},
    {"1x", -EINVAL, 0},
    {"1.5G", -EINVAL, 0},
    {"0x10", -EINVAL, 0},
};

START_TEST(a_size_is_read_or_refused)
{
	uint64_t bytes = 0;
	int rc = quantity_parse_size(sizes[_i].text, &bytes);

	ck_assert_msg(rc == sizes[_i].want && bytes == sizes[_i].bytes,
	    "'%s': got %d and %ju, want %d and %ju", sizes[_i].text, rc,
	    (uintmax_t)bytes, sizes[_i].want, (uintmax_t)sizes[_i].bytes);
}
END_TEST

static const struct {
	const char *text;
	int want;
	int64_t ms;
} durations[] = {
    {"1s", 0, 1000},
    {"90s", 0, 90 * 1000},
    {"5m", 0, 5 * 60 * 1000},
    {"4h", 0, 4 * 3600 * 1000},
    {"30d", 0, INT64_C(30) * 24 * 3600 * 1000},
    {"106751991167d", 0, INT64_C(106751991167) * 24 * 3600 * 1000},
    {"106751991168d", -ERANGE, 0},
    {"99999999999999999999s", -ERANGE, 0},
    {"5", -EINVAL, 0},
    {"0s", -EINVAL, 0},
    {"", -EINVAL, 0},
    {"d", -EINVAL, 0},
    {"1D", -EINVAL, 0},
    {"1ms", -EINVAL, 0},
    {"-1s", -EINVAL, 0},
    {"1 d", -EINVAL, 0},
};

START_TEST(a_duration_is_read_or_refused)
{
	int64_t ms = 0;
	int rc = quantity_parse_duration(durations[_i].text, &ms);

	ck_assert_msg(rc == durations[_i].want && ms == durations[_i].ms,
	    "'%s': got %d and %jd", durations[_i].text, rc, (intmax_t)ms);
}
END_TEST

START_TEST(a_count_is_read_or_refused)
{
	uint64_t n = 7;

	ck_assert_int_eq(quantity_parse_count("0", &n), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(quantity_parse_count("1000", &n), 0);
	ck_assert_uint_eq(n, 1000);
	ck_assert_int_eq(quantity_parse_count("1K", &n), -EINVAL);
	ck_assert_int_eq(quantity_parse_count("", &n), -EINVAL);
	ck_assert_int_eq(
	    quantity_parse_count("18446744073709551616", &n), -ERANGE);
	ck_assert_uint_eq(n, 1000);
}
END_TEST

START_TEST(what_is_written_is_short_and_reads_the_same)
{
	static const uint64_t numbers[] = {1, 1000, 1023, 1024, 1536, 10 << 20,
	    UINT64_C(1) << 30, (UINT64_C(1) << 30) + 1024};
	char text[QUANTITY_TEXT_MAX];
	uint64_t bytes;
	int64_t ms;

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		quantity_format_size(numbers[i], text);
		ck_assert_int_eq(quantity_parse_size(text, &bytes), 0);
		ck_assert_uint_eq(bytes, numbers[i]);
		quantity_format_duration((int64_t)numbers[i] * 1000, text);
		ck_assert_int_eq(quantity_parse_duration(text, &ms), 0);
		ck_assert_int_eq(ms, (int64_t)numbers[i] * 1000);
	}
	ck_assert_str_eq(quantity_format_size(50 << 20, text), "50M");
	ck_assert_str_eq(quantity_format_size(10240000, text), "10000K");
	ck_assert_str_eq(quantity_format_size(999, text), "999");
	ck_assert_str_eq(
	    quantity_format_duration(5 * 24 * 3600 * 1000, text), "5d");
	ck_assert_str_eq(quantity_format_duration(90 * 1000, text), "90s");
}
END_TEST

Suite *
quantity_suite(void)
{
	Suite *s = suite_create("quantity");
	TCase *tc = tcase_create("quantity");

	tcase_add_loop_test(
	    tc, a_size_is_read_or_refused, 0, (int)ARRAY_LEN(sizes));
	tcase_add_loop_test(
	    tc, a_duration_is_read_or_refused, 0, (int)ARRAY_LEN(durations));
	tcase_add_test(tc, a_count_is_read_or_refused);
	tcase_add_test(tc, what_is_written_is_short_and_reads_the_same);
	suite_add_tcase(s, tc);
	return s;
}
