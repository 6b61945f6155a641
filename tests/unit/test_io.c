/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "unit/suites.h"

/* A pipe that holds len bytes of 'a' and then ends. */
static int
filled_pipe(size_t len)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	for (; len > 0; len--)
		ck_assert_int_eq(write(ends[1], "a", 1), 1);
	close(ends[1]);
	return ends[0];
}

static const struct {
	const char *name;
	size_t len, limit;
	int want;
	size_t want_len;
} reads[] = {
    {"below_the_limit", 10, 100, 0, 10},
    {"at_the_limit", 10, 10, 0, 10},
    {"above_the_limit", 11, 10, -EMSGSIZE, 11},
    {"far_above_the_limit", 1000, 10, -EMSGSIZE, 11},
    {"no_limit", 1000, SIZE_MAX, 0, 1000},
    {"nothing", 0, 10, 0, 0},
    {"nothing_wanted", 10, 0, -EMSGSIZE, 1},
    {"nothing_wanted_nor_there", 0, 0, 0, 0},
};

START_TEST(read_all_stops_at_the_limit)
{
	int fd = filled_pipe(reads[_i].len);
	struct buf b = BUF_INIT;
	int got = io_read_all(fd, reads[_i].limit, &b);
	uint64_t rest = 0;

	ck_assert_msg(got == reads[_i].want, "%s: got %d, want %d",
	    reads[_i].name, got, reads[_i].want);
	ck_assert_msg(b.len == reads[_i].want_len, "%s: got %zu, want %zu",
	    reads[_i].name, b.len, reads[_i].want_len);
	ck_assert_int_eq(io_drain(fd, &rest), 0);
	ck_assert_uint_eq(b.len + rest, reads[_i].len);
	close(fd);
	buf_release(&b);
}
END_TEST

START_TEST(read_all_appends)
{
	int fd = filled_pipe(2);
	struct buf b = BUF_INIT;

	buf_add_str(&b, "x");
	ck_assert_int_eq(io_read_all(fd, 10, &b), 0);
	ck_assert_str_eq(b.data, "xaa");
	close(fd);
	buf_release(&b);
}
END_TEST

START_TEST(read_all_goes_on_where_it_stopped)
{
	int fd = filled_pipe(30);
	struct buf b = BUF_INIT;

	ck_assert_int_eq(io_read_all(fd, 10, &b), -EMSGSIZE);
	ck_assert_int_eq(io_read_all(fd, 10, &b), -EMSGSIZE);
	ck_assert_uint_eq(b.len, 11);
	ck_assert_int_eq(io_read_all(fd, 30, &b), 0);
	ck_assert_uint_eq(b.len, 30);
	close(fd);
	buf_release(&b);
}
END_TEST

START_TEST(drain_counts_what_it_forgets)
{
	int fd = filled_pipe(10000);
	uint64_t count = 5;

	ck_assert_int_eq(io_drain(fd, &count), 0);
	ck_assert_uint_eq(count, 10005);
	close(fd);
}
END_TEST

START_TEST(read_error_is_returned)
{
	struct buf b = BUF_INIT;
	uint64_t count = 0;
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(io_read_all(fd, 10, &b), -EISDIR);
	ck_assert_int_eq(io_drain(fd, &count), -EISDIR);
	ck_assert_uint_eq(count, 0);
	close(fd);
	buf_release(&b);
}
END_TEST

START_TEST(write_all_writes_more_than_a_pipe_holds)
{
	enum { LEN = 300000 };
	struct buf sent = BUF_INIT, got = BUF_INIT;
	int ends[2], status;
	pid_t pid;

	for (int i = 0; i < LEN; i++)
		buf_add_char(&sent, 'x');
	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(io_write_all(ends[1], sent.data, sent.len) != 0);
	close(ends[1]);
	ck_assert_int_eq(io_read_all(ends[0], 2 * LEN, &got), 0);
	ck_assert_uint_eq(got.len, LEN);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(ends[0]);
	buf_release(&sent);
	buf_release(&got);
}
END_TEST

/* A pipe with this end of it set not to block. */
static void
pipe_that_does_not_block(int *ends, int which)
{
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(fcntl(ends[which], F_SETFL, O_NONBLOCK), 0);
}

START_TEST(read_all_waits_though_the_descriptor_does_not)
{
	struct buf got = BUF_INIT;
	uint64_t count = 0;
	int ends[2];
	pid_t pid;

	pipe_that_does_not_block(ends, 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	for (int i = 0; pid == 0 && i < 2; i++) {
		usleep(20000); /* so that there is something to wait for */
		if (write(ends[1], "abc", 3) != 3)
			_exit(1);
	}
	if (pid == 0)
		_exit(0);
	close(ends[1]);
	ck_assert_int_eq(io_read_all(ends[0], 2, &got), -EMSGSIZE);
	ck_assert_str_eq(got.data, "abc");
	ck_assert_int_eq(io_drain(ends[0], &count), 0);
	ck_assert_uint_eq(count, 3);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	close(ends[0]);
	buf_release(&got);
}
END_TEST

START_TEST(write_all_waits_though_the_descriptor_does_not)
{
	static char sent[300000];
	uint64_t count = 0;
	int ends[2];
	pid_t pid;

	pipe_that_does_not_block(ends, 1);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(ends[1]);
		usleep(20000);
		_exit(io_drain(ends[0], &count) != 0);
	}
	close(ends[0]);
	ck_assert_int_eq(io_write_all(ends[1], sent, sizeof(sent)), 0);
	close(ends[1]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(write_error_is_returned)
{
	ck_assert_int_eq(io_write_all(-1, "a", 1), -EBADF);
	ck_assert_int_eq(io_write_all(-1, "", 0), 0);
}
END_TEST

/* Run check in a child whose descriptors may be played with; its exit code. */
static int
in_child(int (*check)(void))
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(check());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static int
check_secured(void)
{
	char c;

	close(0);
	close(1);
	close(2);
	if (io_secure_standard_fds() != 0)
		return 1;
	if (fcntl(0, F_GETFD) < 0 || fcntl(1, F_GETFD) < 0 ||
	    fcntl(2, F_GETFD) < 0)
		return 2;
	/* Not an empty file: that would be an empty message. */
	return read(0, &c, 1) < 0 && write(2, "a", 1) < 0 ? 0 : 3;
}

static int
check_left_alone(void)
{
	int ends[2];

	if (pipe(ends) != 0 || dup2(ends[1], 1) != 1)
		return 1;
	close(2);
	if (io_secure_standard_fds() != 0 || write(1, "a", 1) != 1)
		return 2;
	return 0;
}

static int
check_closed(void)
{
	if (dup2(0, 20) != 20 || dup2(0, 3) != 3)
		return 1;
	io_close_from(4);
	return fcntl(3, F_GETFD) < 0 || fcntl(20, F_GETFD) >= 0;
}

START_TEST(missing_standard_descriptors_are_made)
{
	ck_assert_int_eq(in_child(check_secured), 0);
}
END_TEST

START_TEST(present_standard_descriptors_are_left_alone)
{
	ck_assert_int_eq(in_child(check_left_alone), 0);
}
END_TEST

START_TEST(close_from_closes_that_and_all_above)
{
	ck_assert_int_eq(in_child(check_closed), 0);
}
END_TEST

Suite *
io_suite(void)
{
	Suite *s = suite_create("io");
	TCase *t = tcase_create("io");

	tcase_add_loop_test(
	    t, read_all_stops_at_the_limit, 0, ARRAY_LEN(reads));
	tcase_add_test(t, read_all_appends);
	tcase_add_test(t, read_all_goes_on_where_it_stopped);
	tcase_add_test(t, drain_counts_what_it_forgets);
	tcase_add_test(t, read_error_is_returned);
	tcase_add_test(t, write_all_writes_more_than_a_pipe_holds);
	tcase_add_test(t, read_all_waits_though_the_descriptor_does_not);
	tcase_add_test(t, write_all_waits_though_the_descriptor_does_not);
	tcase_add_test(t, write_error_is_returned);
	tcase_add_test(t, missing_standard_descriptors_are_made);
	tcase_add_test(t, present_standard_descriptors_are_left_alone);
	tcase_add_test(t, close_from_closes_that_and_all_above);
	suite_add_tcase(s, t);
	return s;
}
