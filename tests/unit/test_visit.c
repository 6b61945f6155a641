/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sendmail/visit.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

static struct visit visit;
static struct submit_result result;

static void
setup(void)
{
	fixture_setup();
	visit_open(&visit, fixture_path);
}

static void
teardown(void)
{
	visit_close(&visit);
	fixture_teardown();
}

static int
submit(const char *text)
{
	struct composed m = {
	    .pieces = {{text, strlen(text)}},
	    .piece_count = 1,
	};
	int rc;

	fixture_envelope(&m.envelope, 1, strlen(text));
	rc = visit_submit(&visit, &m, &result);
	envelope_release(&m.envelope);
	return rc;
}

START_TEST(first_a_look_and_then_the_message)
{
	ck_assert_int_eq(visit_look(&visit, &result), 0);
	ck_assert_uint_eq(result.settings.recipients_max,
	    spool_settings_default.recipients_max);
	ck_assert_int_eq(submit("text\n"), 0);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_next(fixture_spool, &(uint64_t){0}), 0);
}
END_TEST

/* The first visit has changed the working directory. */
START_TEST(a_spool_with_a_relative_name_can_be_visited_twice)
{
	visit_close(&visit);
	ck_assert_int_eq(chdir(fixture_dir), 0);
	visit_open(&visit, "spool");
	ck_assert_int_eq(visit_look(&visit, &result), 0);
	ck_assert_int_eq(submit("text\n"), 0);
}
END_TEST

START_TEST(a_list_is_read_page_by_page_at_visits_of_its_own)
{
	static struct listing listing;
	int pages = 0;
	int rc;

	for (int i = 0; i <= LISTING_PAGE_MESSAGES; i++)
		ck_assert_int_eq(submit("text\n"), 0);
	do {
		rc = visit_list(&visit, &listing);
		while (listing_next(&listing))
			;
		/* Between the pages the spool is everybody's. */
		fixture_begin(SPOOL_CHANGE);
		spool_abort(fixture_spool);
		pages++;
	} while (rc == 1);
	ck_assert_int_eq(rc, 0);
	ck_assert_int_ge(pages, 2);
	ck_assert_uint_eq(listing.count, LISTING_PAGE_MESSAGES + 1);
	listing_release(&listing);
}
END_TEST

START_TEST(what_is_wrong_with_the_directory_is_said_by_each_visit)
{
	visit_close(&visit);
	visit_open(&visit, fixture_name("missing"));
	ck_assert_int_eq(visit_look(&visit, &result), -ENOENT);
	ck_assert_int_eq(submit("text\n"), -ENOENT);
	ck_assert_int_eq(visit_list(&visit, &(struct listing){0}), -ENOENT);
	ck_assert_int_eq(result.limit, SUBMIT_WITHIN_LIMITS);
}
END_TEST

START_TEST(root_opens_no_spool_of_others)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(fchown(visit.dir_fd, 12345, 0), 0);
	ck_assert_int_eq(fchmod(visit.dir_fd, 02770), 0);
	ck_assert_int_eq(visit_look(&visit, &result), -EPERM);
}
END_TEST

/* ---- waiting ------------------------------------------------------- */

/* Have another process hold the lock for a while. */
static pid_t
hold_lock(int64_t ms)
{
	const struct timespec while_ms = {
	    .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	struct spool *spool;
	char byte = 0;
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (spool_open(fixture_path, &spool) < 0 ||
		    spool_begin(spool, SPOOL_WRITE, 0, 0) < 0 ||
		    write(ends[1], &byte, 1) != 1)
			_exit(1);
		nanosleep(&while_ms, NULL);
		_exit(0);
	}
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

START_TEST(all_visits_share_one_patience)
{
	pid_t pid = hold_lock(300);

	ck_assert_int_eq(visit.patience_ms, 30000);
	ck_assert_int_eq(visit_look(&visit, &result), 0);
	ck_assert_int_lt(visit.patience_ms, 29800);
	ck_assert_int_gt(visit.patience_ms, 25000);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

/* 300 ms are there, and the first visit needs most of them. */
START_TEST(what_one_visit_waited_the_next_does_not)
{
	pid_t first = hold_lock(200);
	pid_t second;
	int64_t begin_ms;

	visit.patience_ms = 300;
	ck_assert_int_eq(visit_look(&visit, &result), 0);
	ck_assert_int_eq(waitpid(first, NULL, 0), first);
	second = hold_lock(10000);
	begin_ms = clock_boot_ms();
	ck_assert_int_eq(submit("text\n"), -ETIMEDOUT);
	ck_assert_int_lt(clock_boot_ms() - begin_ms, 200);
	ck_assert_int_eq(submit("text\n"), -ETIMEDOUT);
	kill(second, SIGKILL);
	ck_assert_int_eq(waitpid(second, NULL, 0), second);
	ck_assert_int_eq(submit("text\n"), 0); /* nobody to wait for */
}
END_TEST

Suite *
visit_suite(void)
{
	Suite *s = suite_create("visit");
	TCase *tc = tcase_create("visit");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, first_a_look_and_then_the_message);
	tcase_add_test(tc, a_spool_with_a_relative_name_can_be_visited_twice);
	tcase_add_test(tc, a_list_is_read_page_by_page_at_visits_of_its_own);
	tcase_add_test(
	    tc, what_is_wrong_with_the_directory_is_said_by_each_visit);
	tcase_add_test(tc, root_opens_no_spool_of_others);
	tcase_add_test(tc, all_visits_share_one_patience);
	tcase_add_test(tc, what_one_visit_waited_the_next_does_not);
	suite_add_tcase(s, tc);
	return s;
}
