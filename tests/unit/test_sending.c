/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spool/sending.h"
#include "spool/spool.h"
#include "unit/suites.h"

static char base[] = "/tmp/sending-test.XXXXXX";
static int dir_fd;
static int orders[2];
static int answers[2];
static pid_t worker;

struct order {
	uint64_t id;
	bool is_sending;
};

/* What a worker is told to mark, it marks; at the end of orders it ends. */
static void
work(int lock_fd)
{
	struct order o;

	close(orders[1]);
	while (read(orders[0], &o, sizeof(o)) == sizeof(o)) {
		sending_mark(lock_fd, o.id, o.is_sending);
		if (write(answers[1], "", 1) != 1)
			break;
	}
	_exit(0);
}

static void
setup(void)
{
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(base));
	dir_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir_fd, 0);
	fd = openat(dir_fd, SPOOL_WORKER_LOCK, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(pipe(orders), 0);
	ck_assert_int_eq(pipe(answers), 0);
	/* As the supervisor opens it. */
	fd = openat(dir_fd, SPOOL_WORKER_LOCK, O_RDONLY);
	worker = fork();
	ck_assert_int_ge(worker, 0);
	if (worker == 0)
		work(fd);
	close(fd);
}

static void
end_worker(void)
{
	int status;

	close(orders[1]);
	ck_assert_int_eq(waitpid(worker, &status, 0), worker);
}

static void
teardown(void)
{
	unlinkat(dir_fd, SPOOL_WORKER_LOCK, 0);
	close(dir_fd);
	rmdir(base);
}

static void
mark(uint64_t id, bool is_sending)
{
	const struct order o = {.id = id, .is_sending = is_sending};
	char answer;

	ck_assert_int_eq(write(orders[1], &o, sizeof(o)), sizeof(o));
	ck_assert_int_eq(read(answers[0], &answer, 1), 1);
}

static bool
is_marked(uint64_t id)
{
	int fd = sending_open(dir_fd);
	bool is;

	ck_assert_int_ge(fd, 0);
	is = sending_has(fd, id);
	close(fd);
	return is;
}

static const uint64_t ids[] = {1, 7, UINT64_C(3656158440062976), INT64_MAX - 1};

START_TEST(several_are_marked_each_for_itself)
{
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		ck_assert(!is_marked(ids[i]));
		mark(ids[i], true);
		ck_assert(is_marked(ids[i]));
		ck_assert(!is_marked(ids[i] - 1));
		ck_assert(!is_marked(ids[i] + 1));
	}
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		ck_assert(is_marked(ids[i]));
		mark(ids[i], false);
		ck_assert(!is_marked(ids[i]));
	}
	end_worker();
}
END_TEST

/* Of a hostile spool; a length of 0 would be all that there is. */
START_TEST(an_id_that_is_no_place_is_not_marked)
{
	static const uint64_t bad[] = {0, INT64_MAX, UINT64_MAX};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		mark(bad[i], true);
		ck_assert(!is_marked(bad[i]));
		ck_assert(!is_marked(7));
	}
	end_worker();
}
END_TEST

START_TEST(a_worker_that_dies_marks_nothing)
{
	mark(7, true);
	kill(worker, SIGKILL);
	end_worker();
	ck_assert(!is_marked(7));
}
END_TEST

START_TEST(without_the_file_nothing_is_marked)
{
	end_worker();
	ck_assert_int_eq(unlinkat(dir_fd, SPOOL_WORKER_LOCK, 0), 0);
	ck_assert_int_eq(sending_open(dir_fd), -ENOENT);
	/* The owner may have put anything there; nobody waits at it. */
	ck_assert_int_eq(mkfifoat(dir_fd, SPOOL_WORKER_LOCK, 0600), 0);
	ck_assert(!is_marked(7));
}
END_TEST

Suite *
sending_suite(void)
{
	Suite *s = suite_create("sending");
	TCase *tc = tcase_create("sending");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, several_are_marked_each_for_itself);
	tcase_add_test(tc, an_id_that_is_no_place_is_not_marked);
	tcase_add_test(tc, a_worker_that_dies_marks_nothing);
	tcase_add_test(tc, without_the_file_nothing_is_marked);
	suite_add_tcase(s, tc);
	return s;
}
