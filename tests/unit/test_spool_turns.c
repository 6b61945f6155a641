/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

enum { PATIENCE_MS = 10000, TRIES = 10 };

/* ---- somebody else ------------------------------------------------- */

static atomic_int *turns; /* that he has taken */
static pid_t other;

static void
setup(void)
{
	fixture_setup();
	turns = mmap(NULL, sizeof(*turns), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(turns, MAP_FAILED);
}

static void
stop_other(void)
{
	if (other > 0) {
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
	other = 0;
}

static void
teardown(void)
{
	stop_other();
	munmap(turns, sizeof(*turns));
	fixture_teardown();
}

static void
sleep_ms(int ms)
{
	const struct timespec t = {.tv_nsec = ms * 1000000L};

	nanosleep(&t, NULL);
}

/* Wait for the lock, and keep it until the end. */
static void
take_turn(enum spool_access access)
{
	struct spool *s;

	if (spool_open(fixture_path, &s) < 0 ||
	    spool_begin(s, access, 0, clock_boot_ms() + PATIENCE_MS) < 0)
		_exit(1);
	atomic_fetch_add(turns, 1);
	spool_abort(s);
	for (;;)
		pause();
}

static bool
is_in_turnstile(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return true;
	flock(fd, LOCK_UN);
	return false;
}

static void
start_other(void body(enum spool_access), enum spool_access access)
{
	other = fork();
	ck_assert_int_ge(other, 0);
	if (other == 0)
		body(access);
}

static const enum spool_access accesses[] = {
    SPOOL_READ, SPOOL_WRITE, SPOOL_CHANGE};

/* ---- one who waits ------------------------------------------------- */

/* Not whoever lets go and is back before the other has woken up. */
START_TEST(who_waits_comes_before_who_comes_again)
{
	int fd = open(fixture_name("spool/" SPOOL_INCOMING), O_RDONLY);

	for (int i = 0; i < TRIES; i++) {
		fixture_begin(SPOOL_WRITE);
		start_other(take_turn, accesses[_i]);
		while (!is_in_turnstile(fd))
			sleep_ms(1);
		spool_abort(fixture_spool);
		fixture_begin(SPOOL_WRITE);
		ck_assert_int_eq(atomic_load(turns), i + 1);
		spool_abort(fixture_spool);
		stop_other();
	}
	close(fd);
}
END_TEST

/* ---- somebody who stands in the turnstile -------------------------- */

static void
stand_in_the_way(enum spool_access access)
{
	int fd = open(fixture_name("spool/" SPOOL_INCOMING), O_RDONLY);

	(void)access;
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		_exit(1);
	atomic_fetch_add(turns, 1);
	for (;;)
		pause();
}

START_TEST(nobody_waits_for_ever_at_the_turnstile)
{
	int64_t before_ms = clock_boot_ms();

	start_other(stand_in_the_way, SPOOL_READ);
	while (atomic_load(turns) == 0)
		sched_yield();
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_lt(clock_boot_ms() - before_ms, PATIENCE_MS / 2);
}
END_TEST

/* Not where that would be longer than he is ready to wait at all. */
START_TEST(who_cannot_wait_does_not_wait_at_the_turnstile)
{
	int64_t before_ms;

	start_other(stand_in_the_way, SPOOL_READ);
	while (atomic_load(turns) == 0)
		sched_yield();
	before_ms = clock_boot_ms();
	ck_assert_int_eq(
	    spool_begin(fixture_spool, SPOOL_WRITE, 0, before_ms), 0);
	ck_assert_int_lt(clock_boot_ms() - before_ms, 1000);
}
END_TEST

START_TEST(a_spool_without_a_turnstile_works)
{
	ck_assert_int_eq(rmdir(fixture_name("spool/" SPOOL_INCOMING)), 0);
	fixture_reopen();
	fixture_put_one("text\n");
}
END_TEST

/* ---- the suite ----------------------------------------------------- */

Suite *
spool_turns_suite(void)
{
	Suite *s = suite_create("spool_turns");
	TCase *tc = tcase_create("spool_turns");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, who_waits_comes_before_who_comes_again, 0,
	    (int)ARRAY_LEN(accesses));
	tcase_add_test(tc, nobody_waits_for_ever_at_the_turnstile);
	tcase_add_test(tc, who_cannot_wait_does_not_wait_at_the_turnstile);
	tcase_add_test(tc, a_spool_without_a_turnstile_works);
	suite_add_tcase(s, tc);
	return s;
}
