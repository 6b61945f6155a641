/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "flushctl/size.h"
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
	int rc = size_parse(sizes[_i].text, &bytes);

	ck_assert_msg(rc == sizes[_i].want && bytes == sizes[_i].bytes,
	    "'%s': got %d and %ju, want %d and %ju", sizes[_i].text, rc,
	    (uintmax_t)bytes, sizes[_i].want, (uintmax_t)sizes[_i].bytes);
}
END_TEST

Suite *
size_suite(void)
{
	Suite *s = suite_create("size");
	TCase *tc = tcase_create("size");

	tcase_add_loop_test(
	    tc, a_size_is_read_or_refused, 0, (int)ARRAY_LEN(sizes));
	suite_add_tcase(s, tc);
	return s;
}
