/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flushd/channel.h"
#include "flushd/child.h"
#include "flushd/crash.h"
#include "unit/suites.h"

static int ends[2];

static void
setup(void)
{
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
}

/* Run body as a worker at this message; returns its status. */
static int
run(void (*body)(int), int number, uint64_t id, bool is_sent)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0});
		if (dup2(ends[1], CHILD_CHANNEL) < 0)
			_exit(1);
		crash_catch();
		if (is_sent)
			crash_sent(id);
		crash_at(id);
		body(number);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void
die(int number)
{
	raise(number);
}

static void
tell(int number)
{
	(void)number;
	crash_tell();
}

static void
check_told(uint64_t id, bool is_sent)
{
	struct channel_message m;

	ck_assert_int_eq(channel_receive(ends[0], &m, NULL), 0);
	ck_assert_int_eq(m.kind, CHANNEL_ENDS_AT);
	ck_assert_uint_eq(m.id, id);
	ck_assert_int_eq(m.is_sent, is_sent);
	ck_assert_int_eq(channel_receive(ends[0], &m, NULL), -EAGAIN);
}

static const int signals[] = {
    SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU, SIGXFSZ};

START_TEST(a_death_is_told_and_is_one)
{
	const int status = run(die, signals[_i], 42, _i % 2);

	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), signals[_i]);
	check_told(42, _i % 2);
}
END_TEST

START_TEST(an_end_in_order_can_be_told_too)
{
	ck_assert_int_eq(run(tell, 0, UINT64_MAX, true), 0);
	check_told(UINT64_MAX, true);
}
END_TEST

START_TEST(a_death_at_no_message_is_not_told)
{
	struct channel_message m;

	ck_assert(WIFSIGNALED(run(die, SIGSEGV, 0, false)));
	ck_assert_int_eq(channel_receive(ends[0], &m, NULL), -EAGAIN);
}
END_TEST

Suite *
crash_suite(void)
{
	Suite *s = suite_create("crash");
	TCase *t = tcase_create("crash");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(
	    t, a_death_is_told_and_is_one, 0, (int)ARRAY_LEN(signals));
	tcase_add_test(t, an_end_in_order_can_be_told_too);
	tcase_add_test(t, a_death_at_no_message_is_not_told);
	suite_add_tcase(s, t);
	return s;
}
