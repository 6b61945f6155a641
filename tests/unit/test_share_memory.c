/* SPDX-License-Identifier: ISC */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "spool/submit.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

#define TEXT "Subject: own\n\ntext\n"

enum {
	STEP = 256 << 10,
	STEPS = 64,
	OTHER_LEN = 200 << 10,
	OTHER_COUNT = 5,
	PATIENCE_MS = 10000,
	NO_MEMORY = 71,
};

#ifndef __SANITIZE_ADDRESS__ /* which has taken all addresses before */

static void
give_up(void)
{
	_exit(NO_MEMORY);
}

static void
limit_memory(size_t more)
{
	FILE *statm = fopen("/proc/self/statm", "re");
	struct rlimit limit;
	unsigned long pages;

	if (!statm || fscanf(statm, "%lu", &pages) != 1)
		_exit(1);
	fclose(statm);
	limit.rlim_cur = pages * (size_t)sysconf(_SC_PAGESIZE) + more;
	limit.rlim_max = limit.rlim_cur;
	if (setrlimit(RLIMIT_AS, &limit) < 0)
		_exit(1);
}

/* True if one can who gets so much more memory than we have. */
static bool
can_submit(size_t more)
{
	const struct spool_piece piece = {TEXT, strlen(TEXT)};
	struct submit_result result;
	struct envelope e;
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		fixture_envelope(&e, 1, piece.len);
		alloc_on_failure(give_up);
		malloc_trim(0); /* of what was used before */
		limit_memory(more);
		_exit(spool_submit(fixture_spool, &e, &piece, 1, FIXTURE_NOW_MS,
			  clock_boot_ms() + PATIENCE_MS, &result) < 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status == 0;
}

/* A quarter of a megabyte more makes up for what grows meanwhile. */
START_TEST(the_messages_of_others_cost_nobody_his_own)
{
	static char text[OTHER_LEN + 1];
	struct staged others[OTHER_COUNT];
	int incoming = fixture_open_incoming();
	size_t successes = 0;

	memset(text, 'x', OTHER_LEN);
	for (size_t more = 0; more < (size_t)STEPS * STEP; more += STEP) {
		if (!can_submit(more))
			continue;
		for (size_t i = 0; i < OTHER_COUNT; i++)
			fixture_stage(&others[i], incoming, text, 1);
		ck_assert_msg(
		    can_submit(more + STEP), "not with %zu bytes", more);
		for (size_t i = 0; i < OTHER_COUNT; i++)
			staged_take_back(&others[i]);
		successes++;
	}
	ck_assert_uint_gt(successes, 0);
	ck_assert_uint_lt(successes, STEPS);
	close(incoming);
}
END_TEST

#endif

Suite *
share_memory_suite(void)
{
	Suite *s = suite_create("share_memory");
	TCase *t = tcase_create("share_memory");

	tcase_add_checked_fixture(t, fixture_setup, fixture_teardown);
#ifndef __SANITIZE_ADDRESS__
	tcase_add_test(t, the_messages_of_others_cost_nobody_his_own);
#endif
	suite_add_tcase(s, t);
	return s;
}
