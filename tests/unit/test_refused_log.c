/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "site/refused_log.h"
#include "unit/suites.h"

static char base[] = "/tmp/refused-test.XXXXXX";
static int dir_fd;
static struct refused_mark mark;

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(base));
	dir_fd = open(base, O_RDONLY | O_DIRECTORY);
	mark = (struct refused_mark){0};
}

static void
teardown(void)
{
	char command[64];

	close(dir_fd);
	snprintf(command, sizeof(command), "rm -r %s", base);
	ck_assert_int_eq(system(command), 0);
}

static void
append(const char *text)
{
	int fd = openat(dir_fd, REFUSED_LOG,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
}

/* As a sender does it that finds the file long enough. */
static void
make_old(void)
{
	ck_assert_int_eq(
	    renameat(dir_fd, REFUSED_LOG, dir_fd, REFUSED_LOG_OLD), 0);
}

static void
counts(uint64_t want)
{
	ck_assert_uint_eq(refused_log_count(dir_fd, &mark), want);
}

START_TEST(what_was_there_at_first_does_not_count)
{
	append("1\n2\n");
	counts(0);
	counts(0);
}
END_TEST

START_TEST(where_there_was_no_log_all_of_it_does)
{
	counts(0);
	append("1\n2\n");
	counts(2);
	counts(0);
}
END_TEST

START_TEST(lines_count_once)
{
	counts(0);
	append("1\n2\n");
	counts(2);
	append("3\n");
	counts(1);
	append("4\n5\n6\n");
	counts(3);
}
END_TEST

START_TEST(a_line_counts_when_it_is_whole)
{
	counts(0);
	append("1\n2");
	counts(1);
	append("\n");
	counts(1);
	append("\n\n3\n\n");
	counts(1);
	append("\n4\n");
	counts(1);
}
END_TEST

START_TEST(it_goes_on_in_the_next_file)
{
	append("1\n");
	counts(0);
	append("2\n3\n");
	make_old();
	append("4\n");
	counts(3);
	append("5\n");
	counts(1);
}
END_TEST

START_TEST(the_next_file_may_not_be_there_yet)
{
	append("1\n");
	counts(0);
	append("2\n3\n");
	make_old();
	counts(0);
	append("4\n");
	counts(3);
}
END_TEST

START_TEST(what_was_counted_is_not_counted_again_when_a_file_goes)
{
	append("1\n");
	make_old();
	append("2\n");
	counts(0);
	unlinkat(dir_fd, REFUSED_LOG, 0);
	counts(0);
	append("3\n");
	counts(1);
	make_old();
	append("4\n5\n");
	make_old();
	append("6\n");
	/* Of what lies between nothing is known. */
	counts(1);
}
END_TEST

START_TEST(a_file_that_was_emptied_begins_anew)
{
	append("1\n2\n3\n");
	counts(0);
	close(openat(dir_fd, REFUSED_LOG, O_WRONLY | O_TRUNC | O_CLOEXEC));
	append("4\n");
	counts(1);
}
END_TEST

START_TEST(of_a_huge_one_only_the_end_is_read)
{
	int fd;

	append("1\n");
	counts(0);
	fd = openat(dir_fd, REFUSED_LOG, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	counts(0);
	append("\n2\n");
	counts(2);
}
END_TEST

/* A site's worker made it up, and the next one gets it. */
START_TEST(whatever_the_mark_no_more_count_than_there_are)
{
	append("1\n2\n");
	counts(0);
	mark.offset = INT64_MAX;
	counts(2);
	mark.offset = INT64_MIN;
	counts(2);
	mark = (struct refused_mark){
	    .file = {UINT64_MAX, UINT64_MAX}, .offset = -1, .is_set = -1};
	counts(2);
	counts(0);
}
END_TEST

static void
make_fifo(void)
{
	ck_assert_int_eq(mkfifoat(dir_fd, REFUSED_LOG, 0600), 0);
}

static void
make_link(void)
{
	ck_assert_int_eq(symlinkat("/etc/passwd", dir_fd, REFUSED_LOG), 0);
}

static void
make_hard_link(void)
{
	append("1\n");
	ck_assert_int_eq(linkat(dir_fd, REFUSED_LOG, dir_fd, "another", 0), 0);
}

static void
make_directory(void)
{
	ck_assert_int_eq(mkdirat(dir_fd, REFUSED_LOG, 0700), 0);
}

static void (*const others[])(void) = {
    make_fifo, make_link, make_hard_link, make_directory};

START_TEST(what_is_no_file_of_its_own_has_no_lines)
{
	struct refused_file file;
	off_t len;

	counts(0);
	others[_i]();
	ck_assert_int_eq(
	    refused_log_open(dir_fd, REFUSED_LOG, &file, &len), -EINVAL);
	counts(0);
}
END_TEST

Suite *
refused_log_suite(void)
{
	Suite *s = suite_create("refused_log");
	TCase *t = tcase_create("count");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_was_there_at_first_does_not_count);
	tcase_add_test(t, where_there_was_no_log_all_of_it_does);
	tcase_add_test(t, lines_count_once);
	tcase_add_test(t, a_line_counts_when_it_is_whole);
	tcase_add_test(t, it_goes_on_in_the_next_file);
	tcase_add_test(t, the_next_file_may_not_be_there_yet);
	tcase_add_test(
	    t, what_was_counted_is_not_counted_again_when_a_file_goes);
	tcase_add_test(t, a_file_that_was_emptied_begins_anew);
	tcase_add_test(t, of_a_huge_one_only_the_end_is_read);
	tcase_add_test(t, whatever_the_mark_no_more_count_than_there_are);
	tcase_add_loop_test(t, what_is_no_file_of_its_own_has_no_lines, 0,
	    (int)ARRAY_LEN(others));
	suite_add_tcase(s, t);
	return s;
}
