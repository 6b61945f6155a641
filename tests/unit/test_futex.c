/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "unit/suites.h"

enum {
	AT = 16,
	FILE_LEN = 64,
	SHORT_US = 30 * 1000,
	LONG_US = 20 * 1000 * 1000
};

static int fd;
static const char *page;

static void
setup(void)
{
	char path[] = "/tmp/futex-test.XXXXXX";

	fd = mkostemp(path, O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(ftruncate(fd, FILE_LEN), 0);
	page = futex_map(fd);
	ck_assert_ptr_nonnull(page);
}

static void
teardown(void)
{
	futex_unmap(page);
	close(fd);
}

/* Microseconds. */
static int64_t
time_wait(const char *p, unsigned int us)
{
	int64_t begun = clock_boot_us();

	futex_wait(p, AT, us);
	return clock_boot_us() - begun;
}

START_TEST(nobody_waits_for_what_is_written)
{
	ck_assert_int_eq(pwrite(fd, "\1", 1, AT), 1);
	ck_assert_int_lt(time_wait(page, LONG_US), LONG_US / 2);
}
END_TEST

START_TEST(a_wait_ends_when_its_time_is_over)
{
	ck_assert_int_ge(time_wait(page, SHORT_US), SHORT_US / 2);
}
END_TEST

/* As it sleeps in the kernel, or only after that, which ends it as well. */
START_TEST(who_waits_is_woken)
{
	int64_t begun = clock_boot_us();
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		futex_wait(page, AT, LONG_US);
		_exit(0);
	}
	usleep(SHORT_US);
	ck_assert_int_eq(pwrite(fd, "\1", 1, AT), 1);
	futex_wake(page, AT);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_lt(clock_boot_us() - begun, LONG_US / 2);
}
END_TEST

START_TEST(a_file_that_is_cut_off_harms_nobody)
{
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	futex_wake(page, AT);
	ck_assert_int_ge(time_wait(page, SHORT_US), SHORT_US / 2);
}
END_TEST

START_TEST(what_cannot_be_mapped_is_waited_for_all_the_same)
{
	ck_assert_ptr_null(futex_map(-1));
	futex_unmap(NULL);
	futex_wake(NULL, AT);
	ck_assert_int_ge(time_wait(NULL, SHORT_US), SHORT_US / 2);
}
END_TEST

Suite *
futex_suite(void)
{
	Suite *s = suite_create("futex");
	TCase *t = tcase_create("futex");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nobody_waits_for_what_is_written);
	tcase_add_test(t, a_wait_ends_when_its_time_is_over);
	tcase_add_test(t, who_waits_is_woken);
	tcase_add_test(t, a_file_that_is_cut_off_harms_nobody);
	tcase_add_test(t, what_cannot_be_mapped_is_waited_for_all_the_same);
	suite_add_tcase(s, t);
	return s;
}
