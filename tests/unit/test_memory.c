/* SPDX-License-Identifier: ISC */
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/memory.h"
#include "unit/suites.h"

enum { LIMIT = 64 << 20 };

static bool
can_map(size_t len, int protection, int fd)
{
	const int kind = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *p = mmap(NULL, len, protection, kind, fd, 0);

	return p != MAP_FAILED && munmap(p, len) == 0;
}

#ifndef __SANITIZE_ADDRESS__ /* which has more already */
START_TEST(more_than_the_limit_is_not_to_be_had)
{
	ck_assert(can_map(2 * LIMIT, PROT_READ | PROT_WRITE, -1));
	memory_limit(LIMIT);
	ck_assert(!can_map(2 * LIMIT, PROT_READ | PROT_WRITE, -1));
	ck_assert(can_map(LIMIT / 4, PROT_READ | PROT_WRITE, -1));
}
END_TEST

START_TEST(a_lower_limit_stays)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_DATA, &limit), 0);
	limit.rlim_cur = LIMIT;
	ck_assert_int_eq(setrlimit(RLIMIT_DATA, &limit), 0);
	memory_limit(4 * LIMIT);
	ck_assert_int_eq(getrlimit(RLIMIT_DATA, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, LIMIT);
}
END_TEST
#endif

START_TEST(a_file_that_is_read_does_not_count)
{
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(ftruncate(fileno(f), 4 * LIMIT), 0);
	memory_limit(LIMIT);
	ck_assert(can_map(4 * LIMIT, PROT_READ, fileno(f)));
	fclose(f);
}
END_TEST

START_TEST(a_process_that_has_more_can_go_on)
{
	memory_limit(4096);
	ck_assert(can_map(4096, PROT_READ | PROT_WRITE, -1));
}
END_TEST

Suite *
memory_suite(void)
{
	Suite *s = suite_create("memory");
	TCase *t = tcase_create("memory");

#ifndef __SANITIZE_ADDRESS__
	tcase_add_test(t, more_than_the_limit_is_not_to_be_had);
	tcase_add_test(t, a_lower_limit_stays);
#endif
	tcase_add_test(t, a_file_that_is_read_does_not_count);
	tcase_add_test(t, a_process_that_has_more_can_go_on);
	suite_add_tcase(s, t);
	return s;
}
