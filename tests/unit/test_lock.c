/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "spool/lock.h"
#include "unit/suites.h"

enum { SHORT_MS = 120, LONG_MS = 10000, FAR_TOO_LONG_MS = 5000 };

static char dir[64];
static int dir_fd;

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/lock-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir_fd, 0);
}

static void
teardown(void)
{
	close(dir_fd);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* ---- another process ----------------------------------------------- */

struct other {
	pid_t pid;
	int fd; /* one byte comes: it has the lock, or is about to wait */
};

/* A process that holds the lock until it is killed. */
static struct other
start_holder(int operation)
{
	struct other o;
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	o.pid = fork();
	ck_assert_int_ge(o.pid, 0);
	if (o.pid == 0) {
		int fd = open(dir, O_RDONLY | O_DIRECTORY);

		if (flock(fd, operation) < 0 || write(ends[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	o.fd = ends[0];
	ck_assert_int_eq(read(o.fd, &byte, 1), 1);
	return o;
}

/* A process that takes the lock with lock_take() and exits 0 if it gets it. */
static struct other
start_waiter(enum lock_kind kind)
{
	struct other o;
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	o.pid = fork();
	ck_assert_int_ge(o.pid, 0);
	if (o.pid == 0) {
		int fd = open(dir, O_RDONLY | O_DIRECTORY);

		if (write(ends[1], "", 1) != 1)
			_exit(1);
		_exit(lock_take(fd, kind, clock_boot_ms() + LONG_MS) == 0 ? 0
									  : 2);
	}
	close(ends[1]);
	o.fd = ends[0];
	ck_assert_int_eq(read(o.fd, &byte, 1), 1);
	return o;
}

static void
kill_holder(struct other o)
{
	kill(o.pid, SIGKILL);
	ck_assert_int_eq(waitpid(o.pid, NULL, 0), o.pid);
	close(o.fd);
}

/* Until it sleeps, which after its byte only the lock makes it do. */
static void
await_sleep(pid_t pid)
{
	char path[64];
	char state = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	while (state != 'S') {
		FILE *f = fopen(path, "re");

		ck_assert_ptr_nonnull(f);
		ck_assert_int_eq(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
		fclose(f);
		sched_yield();
	}
}

/* ---- who excludes whom --------------------------------------------- */

static const struct {
	const char *name;
	int held;
	enum lock_kind wanted;
	int want;
} pairs[] = {
    {"shared, then shared", LOCK_SH, LOCK_SHARED, 0},
    {"shared, then exclusive", LOCK_SH, LOCK_EXCLUSIVE, -ETIMEDOUT},
    {"exclusive, then shared", LOCK_EX, LOCK_SHARED, -ETIMEDOUT},
    {"exclusive, then exclusive", LOCK_EX, LOCK_EXCLUSIVE, -ETIMEDOUT},
};

START_TEST(only_shared_locks_go_together)
{
	struct other o = start_holder(pairs[_i].held);
	int rc = lock_take(dir_fd, pairs[_i].wanted, clock_boot_ms() + 10);

	ck_assert_msg(rc == pairs[_i].want, "%s: got %d, want %d",
	    pairs[_i].name, rc, pairs[_i].want);
	kill_holder(o);
}
END_TEST

START_TEST(a_free_lock_is_taken_though_the_deadline_is_over)
{
	ck_assert_int_eq(lock_take(dir_fd, LOCK_EXCLUSIVE, 0), 0);
	lock_release(dir_fd);
	ck_assert_int_eq(lock_take(dir_fd, LOCK_SHARED, INT64_MIN), 0);
}
END_TEST

START_TEST(a_released_lock_is_free)
{
	struct other o;

	ck_assert_int_eq(lock_take(dir_fd, LOCK_EXCLUSIVE, 0), 0);
	lock_release(dir_fd);
	o = start_holder(LOCK_EX); /* does not return before it has it */
	kill_holder(o);
}
END_TEST

START_TEST(the_lock_of_a_dead_process_is_free)
{
	kill_holder(start_holder(LOCK_EX));
	ck_assert_int_eq(lock_take(dir_fd, LOCK_EXCLUSIVE, 0), 0);
}
END_TEST

START_TEST(a_closed_descriptor_is_an_error)
{
	int fd = dup(dir_fd);

	close(fd);
	ck_assert_int_eq(
	    lock_take(fd, LOCK_EXCLUSIVE, clock_boot_ms() + LONG_MS), -EBADF);
}
END_TEST

/* ---- waiting ------------------------------------------------------- */

START_TEST(whoever_waits_gets_the_lock_when_it_is_released)
{
	struct other waiter;
	int status;

	ck_assert_int_eq(lock_take(dir_fd, LOCK_EXCLUSIVE, 0), 0);
	waiter = start_waiter(_i ? LOCK_EXCLUSIVE : LOCK_SHARED);
	await_sleep(waiter.pid);
	lock_release(dir_fd);
	ck_assert_int_eq(waitpid(waiter.pid, &status, 0), waiter.pid);
	ck_assert_int_eq(status, 0);
	close(waiter.fd);
}
END_TEST

/* How a caller of ours may have left SIGALRM. */
static const struct {
	const char *name;
	void (*handler)(int);
	bool is_blocked;
	bool is_pending; /* sent to itself while it is blocked */
} dispositions[] = {
    {"default", SIG_DFL, false, false},
    {"blocked", SIG_DFL, true, false},
    {"ignored", SIG_IGN, false, false},
    {"ignored and blocked", SIG_IGN, true, false},
    {"blocked and pending", SIG_DFL, true, true},
};

static void
set_disposition(int row, sigset_t *mask)
{
	signal(SIGALRM, dispositions[row].handler);
	sigemptyset(mask);
	sigaddset(mask, SIGALRM);
	sigprocmask(
	    dispositions[row].is_blocked ? SIG_BLOCK : SIG_UNBLOCK, mask, NULL);
	if (dispositions[row].is_pending)
		raise(SIGALRM);
}

START_TEST(the_deadline_ends_the_wait_whatever_becomes_of_sigalrm)
{
	const char *name = dispositions[_i].name;
	struct other o = start_holder(LOCK_EX);
	struct sigaction action;
	sigset_t mask;
	int64_t start_ms;
	int64_t took_ms;
	int rc;

	set_disposition(_i, &mask);
	start_ms = clock_boot_ms();
	rc = lock_take(dir_fd, LOCK_EXCLUSIVE, start_ms + SHORT_MS);
	took_ms = clock_boot_ms() - start_ms;

	ck_assert_msg(
	    rc == -ETIMEDOUT, "%s: got %d, want %d", name, rc, -ETIMEDOUT);
	ck_assert_msg(took_ms >= SHORT_MS && took_ms < FAR_TOO_LONG_MS,
	    "%s: took %jd ms, want %d", name, (intmax_t)took_ms, SHORT_MS);
	sigaction(SIGALRM, NULL, &action);
	ck_assert_msg(action.sa_handler == dispositions[_i].handler,
	    "%s: another handler", name);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	ck_assert_msg(
	    sigismember(&mask, SIGALRM) == dispositions[_i].is_blocked,
	    "%s: another mask", name);
	kill_holder(o);
}
END_TEST

static volatile sig_atomic_t alarm_count;

static void
count_alarm(int signal_number)
{
	(void)signal_number;
	alarm_count = alarm_count + 1;
}

START_TEST(the_callers_timer_and_handler_come_back)
{
	const struct sigaction own = {.sa_handler = count_alarm};
	const struct itimerval hour = {
	    .it_value = {.tv_sec = 3600}, .it_interval = {.tv_sec = 7}};
	struct other o = start_holder(LOCK_EX);
	struct sigaction action;
	struct itimerval timer;

	sigaction(SIGALRM, &own, NULL);
	setitimer(ITIMER_REAL, &hour, NULL);
	ck_assert_int_eq(
	    lock_take(dir_fd, LOCK_SHARED, clock_boot_ms() + SHORT_MS),
	    -ETIMEDOUT);

	sigaction(SIGALRM, NULL, &action);
	ck_assert(action.sa_handler == count_alarm);
	getitimer(ITIMER_REAL, &timer);
	ck_assert_int_gt(timer.it_value.tv_sec, 3500);
	ck_assert_int_eq(timer.it_interval.tv_sec, 7);
	ck_assert_int_eq(alarm_count, 0);
	kill_holder(o);
}
END_TEST

START_TEST(no_alarm_comes_after_the_wait)
{
	const struct sigaction own = {.sa_handler = count_alarm};
	struct other o = start_holder(LOCK_EX);
	struct itimerval timer;

	sigaction(SIGALRM, &own, NULL);
	ck_assert_int_eq(
	    lock_take(dir_fd, LOCK_EXCLUSIVE, clock_boot_ms() + SHORT_MS),
	    -ETIMEDOUT);
	getitimer(ITIMER_REAL, &timer);
	ck_assert_int_eq(timer.it_value.tv_sec, 0);
	ck_assert_int_eq(timer.it_value.tv_usec, 0);
	ck_assert_int_eq(timer.it_interval.tv_usec, 0);
	ck_assert_int_eq(alarm_count, 0);
	kill_holder(o);
}
END_TEST

START_TEST(a_deadline_in_the_past_does_not_wait)
{
	struct other o = start_holder(LOCK_EX);
	int64_t start_ms = clock_boot_ms();

	ck_assert_int_eq(
	    lock_take(dir_fd, LOCK_EXCLUSIVE, start_ms - 1), -ETIMEDOUT);
	ck_assert_int_eq(lock_take(dir_fd, LOCK_SHARED, 0), -ETIMEDOUT);
	ck_assert_int_lt(clock_boot_ms() - start_ms, 1000);
	kill_holder(o);
}
END_TEST

Suite *
lock_suite(void)
{
	Suite *s = suite_create("lock");
	TCase *tc = tcase_create("lock");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, only_shared_locks_go_together, 0, (int)ARRAY_LEN(pairs));
	tcase_add_test(tc, a_free_lock_is_taken_though_the_deadline_is_over);
	tcase_add_test(tc, a_released_lock_is_free);
	tcase_add_test(tc, the_lock_of_a_dead_process_is_free);
	tcase_add_test(tc, a_closed_descriptor_is_an_error);
	tcase_add_loop_test(
	    tc, whoever_waits_gets_the_lock_when_it_is_released, 0, 2);
	tcase_add_loop_test(tc,
	    the_deadline_ends_the_wait_whatever_becomes_of_sigalrm, 0,
	    (int)ARRAY_LEN(dispositions));
	tcase_add_test(tc, the_callers_timer_and_handler_come_back);
	tcase_add_test(tc, no_alarm_comes_after_the_wait);
	tcase_add_test(tc, a_deadline_in_the_past_does_not_wait);
	suite_add_tcase(s, tc);
	return s;
}
