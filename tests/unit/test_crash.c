/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flushd/caution.h"
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

/* The spool does not say so yet of three, and now of one of them it does. */
static void
die_having_sent(int number)
{
	crash_at(0);
	for (uint64_t id = 1; id <= 3; id++)
		crash_sent(id);
	crash_sent(2);
	crash_recorded(2);
	crash_recorded(4);
	raise(number);
}

static uint64_t
hear_sent(void)
{
	struct channel_message m;

	ck_assert_int_eq(channel_receive(ends[0], &m, NULL), 0);
	ck_assert_int_eq(m.kind, CHANNEL_ENDS_AT);
	ck_assert_int_eq(m.is_sent, 1);
	return m.id;
}

START_TEST(all_that_was_sent_and_not_recorded_is_told)
{
	ck_assert(WIFSIGNALED(run(die_having_sent, SIGBUS, 0, false)));
	ck_assert_uint_eq(hear_sent() + hear_sent(), 1 + 3);
	ck_assert_int_eq(
	    channel_receive(ends[0], &(struct channel_message){0}, NULL),
	    -EAGAIN);
}
END_TEST

/* As many as a worker may have: the supervisor's ear is large enough. */
static void
die_having_sent_many(int number)
{
	crash_at(0);
	for (uint64_t id = 1; id <= CAUTION_SKIP_MAX; id++)
		crash_sent(id);
	raise(number);
}

START_TEST(however_many_they_are)
{
	uint64_t sum = 0;

	ck_assert(WIFSIGNALED(run(die_having_sent_many, SIGBUS, 0, false)));
	for (int i = 0; i < CAUTION_SKIP_MAX; i++)
		sum += hear_sent();
	ck_assert_uint_eq(sum, CAUTION_SKIP_MAX * (CAUTION_SKIP_MAX + 1) / 2);
}
END_TEST

static void
die_at_another(int number)
{
	crash_sent(1);
	ck_assert_uint_eq(crash_at(2), 0);
	ck_assert_uint_eq(crash_at(3), 2);
	raise(number);
}

START_TEST(of_the_one_it_is_at_it_is_told_that_it_was_not_sent)
{
	ck_assert(WIFSIGNALED(run(die_at_another, SIGBUS, 0, false)));
	check_told(3, false);
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
	tcase_add_test(t, all_that_was_sent_and_not_recorded_is_told);
	tcase_add_test(t, however_many_they_are);
	tcase_add_test(t, of_the_one_it_is_at_it_is_told_that_it_was_not_sent);
	suite_add_tcase(s, t);
	return s;
}
