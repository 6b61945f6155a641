/* SPDX-License-Identifier: ISC */
/*
 * What a transaction promises. The other test_spool_*.c have texts, the
 * schedule, random sequences, damage, bad directories and full disks.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

/* ---- put, get, remove ---------------------------------------------- */

START_TEST(put_survives_reopening)
{
	uint64_t id = fixture_put_one("text\n");
	struct buf text = BUF_INIT;
	struct message_state state;
	struct envelope e;
	uint32_t chunk = 0;

	fixture_reopen();
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get(fixture_spool, id, &e, &state), 0);
	ck_assert_str_eq(e.sender, "a@example.org");
	ck_assert_uint_eq(e.recipient_count, 1);
	ck_assert_str_eq(e.recipients[0].address, "recipient-0@example.org");
	ck_assert_int_eq(e.submitted_ms, FIXTURE_NOW_MS);
	ck_assert_uint_eq(e.text_len, 5);
	ck_assert_uint_eq(e.submitter.uid, 33);
	ck_assert_uint_eq(e.submitter.pid, 4711);
	ck_assert_int_eq(state.phase, PHASE_NEW);
	ck_assert_int_eq(state.due_ms, FIXTURE_NOW_MS);
	ck_assert_uint_eq(state.recipient_count, 1);
	ck_assert_int_eq(
	    spool_read_text(fixture_spool, id, &chunk, 4096, &text), 0);
	ck_assert_str_eq(text.data, "text\n");
	envelope_release(&e);
	state_release(&state);
	buf_release(&text);
}
END_TEST

START_TEST(an_envelope_of_many_chunks_comes_back)
{
	struct message_state state;
	struct envelope e;
	struct envelope got;
	uint64_t id = 0;

	fixture_envelope(&e, 1000, 0);
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(
	    spool_put(fixture_spool, &e, NULL, 0, FIXTURE_NOW_MS, &id), 0);
	fixture_commit();
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get(fixture_spool, id, &got, &state), 0);
	ck_assert_uint_eq(got.recipient_count, 1000);
	ck_assert_uint_eq(state.recipient_count, 1000);
	for (size_t i = 0; i < 1000; i++)
		ck_assert_str_eq(
		    got.recipients[i].address, e.recipients[i].address);
	envelope_release(&e);
	envelope_release(&got);
	state_release(&state);
}
END_TEST

START_TEST(a_state_comes_back_as_it_was_set)
{
	uint64_t id = fixture_put_one("text\n");
	struct message_state state;
	struct envelope e;

	state_init(&state, 1, 0);
	state.attempts = 7;
	state.ambiguous_dots = 2;
	state.last_attempt_ms = 12;
	state.recipients[0].status = RECIPIENT_FAILED;
	state_set_reply(&state, 0, "550 5.1.1 no");
	state_hold(&state, "why");
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(spool_set_state(fixture_spool, id, &state), 0);
	fixture_commit();
	state_release(&state);

	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get(fixture_spool, id, &e, &state), 0);
	ck_assert_int_eq(state.phase, PHASE_HELD);
	ck_assert_uint_eq(state.attempts, 7);
	ck_assert_uint_eq(state.ambiguous_dots, 2);
	ck_assert_int_eq(state.last_attempt_ms, 12);
	ck_assert_str_eq(state.reason, "why");
	ck_assert_int_eq(state.recipients[0].status, RECIPIENT_FAILED);
	ck_assert_str_eq(state.recipients[0].reply, "550 5.1.1 no");
	envelope_release(&e);
	state_release(&state);
}
END_TEST

START_TEST(what_is_aborted_leaves_nothing)
{
	struct census before;
	struct census after;
	uint64_t id = fixture_put_one("stays\n");

	fixture_census(&before);
	fixture_begin(SPOOL_WRITE);
	fixture_put("goes\n", 5, FIXTURE_NOW_MS);
	fixture_set(id, PHASE_FAILED, 0);
	ck_assert_int_eq(spool_remove(fixture_spool, id), 0);
	spool_abort(fixture_spool);
	fixture_census(&after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	fixture_check_counters();
}
END_TEST

START_TEST(abort_and_close_may_come_at_any_time)
{
	spool_abort(fixture_spool);
	fixture_begin(SPOOL_WRITE);
	spool_abort(fixture_spool);
	spool_abort(fixture_spool);
	spool_close(NULL);
	fixture_begin(SPOOL_WRITE);
	fixture_put("goes\n", 5, FIXTURE_NOW_MS);
	fixture_reopen(); /* in the middle of it */
	fixture_check_counters();
}
END_TEST

START_TEST(remove_leaves_no_key_behind)
{
	static const enum message_phase phases[] = {
	    PHASE_NEW, PHASE_DEFERRED, PHASE_HELD, PHASE_FAILED};
	struct census before;
	struct census after;
	char text[20000];
	uint64_t id;

	fixture_put_one("first\n");
	fixture_census(&before);
	memset(text, 'x', sizeof(text));
	fixture_begin(SPOOL_WRITE);
	id = fixture_put(text, sizeof(text), FIXTURE_NOW_MS);
	fixture_set(id, phases[_i], 77);
	fixture_commit();
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(spool_remove(fixture_spool, id), 0);
	fixture_commit();
	fixture_census(&after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	fixture_check_counters();
}
END_TEST

START_TEST(a_message_that_is_not_there_is_enoent)
{
	const uint64_t known = fixture_put_one("text\n");
	const uint64_t ids[] = {0, 1, known - 1, known + 1, UINT64_MAX};
	struct message_state state;
	struct digest *d = digest_new();
	struct envelope e;

	fixture_begin(SPOOL_WRITE);
	state_init(&state, 1, 0);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct message_state got;

		ck_assert_int_eq(
		    spool_get(fixture_spool, ids[i], &e, &got), -ENOENT);
		ck_assert_int_eq(
		    spool_set_state(fixture_spool, ids[i], &state), -ENOENT);
		ck_assert_int_eq(spool_remove(fixture_spool, ids[i]), -ENOENT);
		ck_assert_int_eq(
		    spool_verify(fixture_spool, ids[i], d), -ENOENT);
	}
	fixture_commit();
	fixture_check_counters();
	state_release(&state);
	digest_free(d);
}
END_TEST

/* ---- ids ----------------------------------------------------------- */

START_TEST(ids_increase_though_the_clock_goes_back)
{
	static const int64_t clock_ms[] = {
	    1000, 5000, 5000, 4000, 0, -1, INT64_MIN, 5000, 6000};
	uint64_t last = 0;

	for (size_t i = 0; i < ARRAY_LEN(clock_ms); i++) {
		uint64_t id;

		fixture_begin(SPOOL_WRITE);
		id = fixture_put("x\n", 2, clock_ms[i]);
		fixture_commit();
		ck_assert_msg(id > last, "at %jd: got %ju, want more than %ju",
		    (intmax_t)clock_ms[i], (uintmax_t)id, (uintmax_t)last);
		last = id;
		fixture_reopen();
	}
	ck_assert_uint_eq(last, 6000000);
	fixture_check_counters();
}
END_TEST

START_TEST(an_id_is_not_given_again_when_its_message_is_gone)
{
	uint64_t first = fixture_put_one("x\n");
	uint64_t second;

	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(spool_remove(fixture_spool, first), 0);
	fixture_commit();
	second = fixture_put_one("x\n");
	ck_assert_uint_gt(second, first);
}
END_TEST

START_TEST(messages_are_walked_in_the_order_of_their_ids)
{
	uint64_t want[5];
	uint64_t id = 0;

	fixture_begin(SPOOL_WRITE);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		want[i] = fixture_put("x\n", 2, FIXTURE_NOW_MS);
	fixture_set(want[1], PHASE_HELD, 0);
	fixture_commit();
	fixture_begin(SPOOL_READ);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		ck_assert_int_eq(spool_next(fixture_spool, &id), 0);
		ck_assert_uint_eq(id, want[i]);
	}
	ck_assert_int_eq(spool_next(fixture_spool, &id), -ENOENT);
	id = UINT64_MAX;
	ck_assert_int_eq(spool_next(fixture_spool, &id), -ENOENT);
}
END_TEST

/* ---- the lock ------------------------------------------------------ */

/* A process that flocks the spool and holds that until it is killed. */
static pid_t
start_holder(int operation)
{
	int ends[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int fd = open(fixture_path, O_RDONLY | O_DIRECTORY);

		if (flock(fd, operation) < 0 || write(ends[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	return pid;
}

static const struct {
	const char *name;
	int held;
	enum spool_access access;
	int want;
} openers[] = {
    {"reader beside a reader", LOCK_SH, SPOOL_READ, 0},
    {"writer beside a reader", LOCK_SH, SPOOL_WRITE, -ETIMEDOUT},
    {"reader beside a writer", LOCK_EX, SPOOL_READ, -ETIMEDOUT},
    {"writer beside a writer", LOCK_EX, SPOOL_WRITE, -ETIMEDOUT},
};

START_TEST(a_second_opener_waits_until_its_deadline)
{
	const int64_t start_ms = clock_boot_ms();
	pid_t pid = start_holder(openers[_i].held);
	int rc;

	rc = spool_begin(
	    fixture_spool, openers[_i].access, 0, clock_boot_ms() + 100);
	ck_assert_msg(rc == openers[_i].want, "%s: got %d, want %d",
	    openers[_i].name, rc, openers[_i].want);
	ck_assert_int_lt(clock_boot_ms() - start_ms, 5000);
	spool_abort(fixture_spool);

	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	fixture_put_one("the lock died with its owner\n");
}
END_TEST

static int
try_lock(void)
{
	int fd = open(fixture_path, O_RDONLY | O_DIRECTORY);

	return flock(fd, LOCK_EX | LOCK_NB) < 0 ? errno : 0;
}

START_TEST(the_lock_is_held_from_begin_to_the_end)
{
	fixture_begin(_i ? SPOOL_WRITE : SPOOL_READ);
	ck_assert_int_eq(fixture_run_as(geteuid(), try_lock), EWOULDBLOCK);
	spool_abort(fixture_spool);
	ck_assert_int_eq(fixture_run_as(geteuid(), try_lock), 0);
	fixture_begin(SPOOL_WRITE);
	fixture_commit();
	ck_assert_int_eq(fixture_run_as(geteuid(), try_lock), 0);
}
END_TEST

START_TEST(a_transaction_that_cannot_begin_lets_go_of_the_lock)
{
	ck_assert_int_eq(spool_begin(fixture_spool, SPOOL_WRITE, UINT64_MAX,
			     clock_boot_ms()),
	    -ENOMEM);
	ck_assert_int_eq(fixture_run_as(geteuid(), try_lock), 0);
	ck_assert_int_eq(
	    unlinkat(AT_FDCWD, fixture_name("spool/" SPOOL_FILE), 0), 0);
	ck_assert_int_eq(
	    spool_begin(fixture_spool, SPOOL_WRITE, 0, clock_boot_ms()),
	    -ENOENT);
	ck_assert_int_eq(fixture_run_as(geteuid(), try_lock), 0);
}
END_TEST

Suite *
spool_suite(void)
{
	Suite *s = suite_create("spool");
	TCase *tc = tcase_create("spool");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, put_survives_reopening);
	tcase_add_test(tc, an_envelope_of_many_chunks_comes_back);
	tcase_add_test(tc, a_state_comes_back_as_it_was_set);
	tcase_add_test(tc, what_is_aborted_leaves_nothing);
	tcase_add_test(tc, abort_and_close_may_come_at_any_time);
	tcase_add_loop_test(tc, remove_leaves_no_key_behind, 0, PHASE_COUNT);
	tcase_add_test(tc, a_message_that_is_not_there_is_enoent);
	tcase_add_test(tc, ids_increase_though_the_clock_goes_back);
	tcase_add_test(tc, an_id_is_not_given_again_when_its_message_is_gone);
	tcase_add_test(tc, messages_are_walked_in_the_order_of_their_ids);
	tcase_add_loop_test(tc, a_second_opener_waits_until_its_deadline, 0,
	    (int)ARRAY_LEN(openers));
	tcase_add_loop_test(tc, the_lock_is_held_from_begin_to_the_end, 0, 2);
	tcase_add_test(tc, a_transaction_that_cannot_begin_lets_go_of_the_lock);
	suite_add_tcase(s, tc);
	return s;
}
