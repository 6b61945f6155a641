/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "unit/suites.h"

enum { EXIT_OF_HANDLER = 71 };

static void
exit_as_handler(void)
{
	_exit(EXIT_OF_HANDLER);
}

START_TEST(zeroed_memory_is_zero)
{
	unsigned char *p = alloc_zeroed(1000);

	for (size_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(p[i], 0);
	free(p);
}
END_TEST

START_TEST(nothing_can_be_allocated_and_freed)
{
	void *p = alloc_zeroed(0);

	ck_assert_ptr_nonnull(p);
	p = alloc_resize(p, 0, 8);
	ck_assert_ptr_nonnull(p);
	free(p);
}
END_TEST

START_TEST(a_copy_ends_in_a_nul_of_its_own)
{
	char *copy = alloc_copy("abc\0def", 7);

	ck_assert_int_eq(memcmp(copy, "abc\0def", 8), 0);
	free(copy);
	copy = alloc_copy(NULL, 0);
	ck_assert_str_eq(copy, "");
	free(copy);
}
END_TEST

/* The exit status is the test: see tcase_add_exit_test() below. */
START_TEST(a_size_that_overflows_is_a_failure)
{
	alloc_on_failure(exit_as_handler);
	free(alloc_resize(NULL, SIZE_MAX / 2, 4));
}
END_TEST

#ifndef __SANITIZE_ADDRESS__ /* which ends the program by itself */
START_TEST(memory_that_is_not_there_is_a_failure)
{
	alloc_on_failure(exit_as_handler);
	free(alloc_zeroed(SIZE_MAX / 2));
}
END_TEST
#endif

START_TEST(integers_are_big_endian)
{
	unsigned char bytes[8];

	bytes_put_be64(bytes, UINT64_C(0x0102030405060708));
	ck_assert_int_eq(memcmp(bytes, "\1\2\3\4\5\6\7\10", 8), 0);
	ck_assert_uint_eq(bytes_get_be64(bytes), UINT64_C(0x0102030405060708));
	bytes_put_be32(bytes, 0xfffefdfc);
	ck_assert_int_eq(memcmp(bytes, "\xff\xfe\xfd\xfc", 4), 0);
	ck_assert_uint_eq(bytes_get_be32(bytes), 0xfffefdfc);
}
END_TEST

Suite *
alloc_suite(void)
{
	Suite *s = suite_create("alloc");
	TCase *t = tcase_create("alloc");

	tcase_add_test(t, zeroed_memory_is_zero);
	tcase_add_test(t, nothing_can_be_allocated_and_freed);
	tcase_add_test(t, a_copy_ends_in_a_nul_of_its_own);
	tcase_add_exit_test(
	    t, a_size_that_overflows_is_a_failure, EXIT_OF_HANDLER);
#ifndef __SANITIZE_ADDRESS__
	tcase_add_exit_test(
	    t, memory_that_is_not_there_is_a_failure, EXIT_OF_HANDLER);
#endif
	tcase_add_test(t, integers_are_big_endian);
	suite_add_tcase(s, t);
	return s;
}
