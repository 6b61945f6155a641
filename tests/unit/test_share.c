/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "spool/share.h"
#include "spool/staged.h"
#include "spool/submit.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

#define TEXT "Subject: shared\n\ntext\n"

enum { MANY = 300, PATIENCE_MS = 20000, BRIEF_MS = 300 };

static int incoming;
static struct staged others[MANY];

static void
setup(void)
{
	fixture_setup();
	incoming = fixture_open_incoming();
	for (size_t i = 0; i < MANY; i++)
		others[i] = (struct staged)STAGED_INIT;
}

static void
teardown(void)
{
	for (size_t i = 0; i < MANY; i++)
		staged_close(&others[i]);
	close(incoming);
	fixture_teardown();
}

static void
stage(struct staged *f, const char *text, size_t recipient_count)
{
	fixture_stage(f, incoming, text, recipient_count);
}

static size_t
count_files(void)
{
	return fixture_count_names(fixture_name("spool/" SPOOL_INCOMING));
}

static size_t
count_messages(void)
{
	struct census c;

	fixture_census(&c);
	return c.count[PHASE_NEW];
}

static void
check_text(uint64_t id, const char *want)
{
	struct buf text = BUF_INIT;
	uint32_t chunk = 0;

	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(
	    spool_read_text(fixture_spool, id, &chunk, SIZE_MAX, &text), 0);
	ck_assert_uint_eq(text.len, strlen(want));
	ck_assert_mem_eq(text.data, want, text.len);
	buf_release(&text);
	spool_abort(fixture_spool);
}

/* ---- a commit takes along what waits -------------------------------- */

static const enum spool_access writers[] = {SPOOL_WRITE, SPOOL_CHANGE};

START_TEST(every_commit_takes_along_what_waits)
{
	stage(&others[0], TEXT, 1);
	stage(&others[1], TEXT "more\n", 3);
	fixture_begin(writers[_i]);
	ck_assert_uint_eq(staged_id(&others[0]), 0);
	fixture_commit();
	ck_assert_uint_ne(staged_id(&others[0]), 0);
	ck_assert_uint_ne(staged_id(&others[1]), 0);
	ck_assert_uint_ne(staged_id(&others[0]), staged_id(&others[1]));
	check_text(staged_id(&others[0]), TEXT);
	check_text(staged_id(&others[1]), TEXT "more\n");
	ck_assert_uint_eq(count_files(), 0);
	fixture_check_counters();
	/* And only once. */
	fixture_put_one("another\n");
	ck_assert_uint_eq(count_messages(), 3);
}
END_TEST

START_TEST(what_is_undone_takes_nobody_along)
{
	stage(&others[0], TEXT, 1);
	fixture_begin(SPOOL_WRITE);
	spool_abort(fixture_spool);
	ck_assert_uint_eq(staged_id(&others[0]), 0);
	ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(one_commit_takes_so_many_and_the_next_one_more)
{
	size_t told = 0;

	for (size_t i = 0; i < MANY; i++)
		stage(&others[i], TEXT, 1);
	fixture_begin(SPOOL_CHANGE);
	fixture_commit();
	for (size_t i = 0; i < MANY; i++)
		told += staged_id(&others[i]) != 0;
	ck_assert_uint_eq(told, SHARE_MAX);
	ck_assert_uint_eq(count_messages(), SHARE_MAX);
	fixture_begin(SPOOL_CHANGE);
	fixture_commit();
	ck_assert_uint_eq(count_messages(), MANY);
	ck_assert_uint_eq(count_files(), 0);
	fixture_check_counters();
}
END_TEST

START_TEST(one_commit_takes_so_many_bytes)
{
	enum { LEN = 200 << 10 };
	char *text = malloc(LEN + 1);
	size_t files;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', LEN);
	text[LEN] = '\0';
	for (size_t i = 0; i < 30; i++)
		stage(&others[i], text, 1);
	fixture_begin(SPOOL_CHANGE);
	fixture_commit();
	files = count_files();
	ck_assert_uint_eq(files, 30 - SHARE_BYTES_MAX / LEN - 1);
	for (size_t left = files; left > 0; left = files) {
		fixture_begin(SPOOL_CHANGE);
		fixture_commit();
		files = count_files();
		ck_assert_uint_lt(files, left);
	}
	ck_assert_uint_eq(count_messages(), 30);
	free(text);
}
END_TEST

START_TEST(the_dead_are_not_taken_along)
{
	stage(&others[0], TEXT, 1);
	stage(&others[1], TEXT, 1);
	staged_close(&others[0]);
	fixture_begin(SPOOL_CHANGE);
	fixture_commit();
	ck_assert_uint_eq(count_messages(), 1);
	ck_assert_uint_ne(staged_id(&others[1]), 0);
	ck_assert_uint_eq(count_files(), 0);
}
END_TEST

START_TEST(what_was_withdrawn_before_is_not_taken_along)
{
	stage(&others[0], TEXT, 1);
	ck_assert_int_eq(staged_withdraw(&others[0]), 0);
	fixture_begin(SPOOL_CHANGE);
	fixture_commit();
	ck_assert_uint_eq(count_messages(), 0);
	ck_assert_uint_eq(count_files(), 0);
}
END_TEST

/* Its sender will hear that himself. */
START_TEST(what_is_beyond_a_limit_is_not_taken_along)
{
	struct spool_settings settings = spool_settings_default;

	settings.recipients_max = 2;
	fixture_replace(&settings);
	close(incoming);
	incoming = open(fixture_name("spool/" SPOOL_INCOMING),
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	stage(&others[0], TEXT, 3);
	stage(&others[1], TEXT, 2);
	fixture_begin(SPOOL_CHANGE);
	fixture_commit();
	ck_assert_uint_eq(staged_id(&others[0]), 0);
	ck_assert_uint_ne(staged_id(&others[1]), 0);
	ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(a_text_that_was_changed_is_not_taken_along)
{
	struct stat st;

	stage(&others[0], TEXT, 1);
	ck_assert_int_eq(fstat(others[0].fd, &st), 0);
	ck_assert_int_eq(pwrite(others[0].fd, "X", 1, st.st_size - 2), 1);
	fixture_begin(SPOOL_CHANGE);
	fixture_commit();
	ck_assert_uint_eq(staged_id(&others[0]), 0);
	ck_assert_uint_eq(count_messages(), 0);
}
END_TEST

START_TEST(what_else_is_there_is_left_alone)
{
	static const char *const names[] = {"spool/" SPOOL_INCOMING "/x",
	    "spool/" SPOOL_INCOMING "/0123", "spool/" SPOOL_INCOMING "/.w"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		close(creat(fixture_name(names[i]), 0600));
	stage(&others[0], TEXT, 1);
	fixture_begin(SPOOL_CHANGE);
	fixture_commit();
	ck_assert_uint_eq(count_files(), ARRAY_LEN(names));
	ck_assert_uint_eq(count_messages(), 1);
}
END_TEST

/* ---- whoever committed died before he had told everybody ------------- */

/* As the last commit left it. */
static uint64_t
leave_untold(void)
{
	uint64_t id = fixture_put_one(TEXT);

	stage(&others[0], TEXT, 1);
	fixture_list_as_joined(others[0].name, id);
	return id;
}

static const enum spool_access all[] = {SPOOL_READ, SPOOL_WRITE, SPOOL_CHANGE};

START_TEST(whoever_comes_next_tells_them)
{
	uint64_t id = leave_untold();

	fixture_begin(all[_i]);
	ck_assert_uint_eq(staged_id(&others[0]), id);
	ck_assert_uint_eq(count_files(), 0);
	ck_assert(!spool_is_unsettled(fixture_spool));
	if (all[_i] == SPOOL_READ)
		spool_abort(fixture_spool);
	else
		fixture_commit();
	ck_assert_uint_eq(count_messages(), 1);
}
END_TEST

START_TEST(what_was_withdrawn_since_is_taken_out_again)
{
	leave_untold();
	ck_assert_int_eq(staged_withdraw(&others[0]), 0);
	fixture_begin(SPOOL_READ);
	ck_assert(spool_is_unsettled(fixture_spool));
	spool_abort(fixture_spool);
	ck_assert_uint_eq(count_messages(), 1);
	/* Not for good, so the sign of it stays. */
	fixture_begin(SPOOL_CHANGE);
	spool_abort(fixture_spool);
	ck_assert_uint_eq(count_files(), 1);
	ck_assert_uint_eq(count_messages(), 1);
	fixture_begin(writers[_i]);
	fixture_commit();
	ck_assert_uint_eq(count_files(), 0);
	ck_assert_uint_eq(count_messages(), 0);
	fixture_check_counters();
	fixture_begin(SPOOL_READ);
	ck_assert(!spool_is_unsettled(fixture_spool));
}
END_TEST

START_TEST(it_does_not_matter_if_the_message_is_gone)
{
	uint64_t id = leave_untold();

	fixture_list_as_joined(others[0].name, id + 1);
	ck_assert_int_eq(staged_withdraw(&others[0]), 0);
	fixture_begin(SPOOL_CHANGE);
	fixture_commit();
	ck_assert_uint_eq(count_messages(), 1);
	ck_assert_uint_eq(count_files(), 0);
}
END_TEST

START_TEST(a_list_that_is_none_is_damage)
{
	static char list[(SHARE_MAX + 1) * 16];
	static const size_t lengths[] = {1, 15, 17, sizeof(list)};
	const char key = ENVIRONMENT_JOINED;

	fixture_set_raw(&key, 1, list, lengths[_i]);
	ck_assert_int_eq(
	    spool_begin(fixture_spool, SPOOL_CHANGE, 0, 0), -EBADMSG);
}
END_TEST

/* ---- one who waits --------------------------------------------------- */

/* He waits in a process of his own, and says what came of it. */
static struct outcome {
	atomic_int rc;
	atomic_ullong id;
	atomic_int is_in_doubt;
} * outcome;
static pid_t waiting;
static int turnstile;

static void
wait_in_process(int patience_ms)
{
	const struct spool_piece piece = {TEXT, strlen(TEXT)};
	struct submit_result r;
	struct envelope e;
	struct spool *s;
	int rc;

	fixture_envelope(&e, 1, piece.len);
	rc = spool_open(fixture_path, &s);
	if (rc == 0)
		rc = spool_submit(s, &e, &piece, 1, FIXTURE_NOW_MS,
		    clock_boot_ms() + patience_ms, &r);
	atomic_store(&outcome->rc, rc);
	atomic_store(&outcome->id, r.id);
	atomic_store(&outcome->is_in_doubt, spool_is_in_doubt);
	_exit(0);
}

static void
sleep_ms(int ms)
{
	const struct timespec t = {.tv_nsec = ms * 1000000L};

	nanosleep(&t, NULL);
}

/*
 * Until he has staged his message, which is then complete or soon. We have the
 * lock, and the turnstile.
 */
static void
start_waiting(int patience_ms)
{
	turnstile = open(fixture_name("spool/" SPOOL_INCOMING), O_RDONLY);
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(outcome, MAP_FAILED);
	ck_assert_int_eq(flock(turnstile, LOCK_EX | LOCK_NB), 0);
	fixture_begin(SPOOL_CHANGE);
	waiting = fork();
	ck_assert_int_ge(waiting, 0);
	if (waiting == 0)
		wait_in_process(patience_ms);
	while (count_files() == 0)
		sleep_ms(1);
	sleep_ms(50);
}

/* He has our descriptor too, as a fork leaves it to him. */
static void
open_turnstile(void)
{
	ck_assert_int_eq(flock(turnstile, LOCK_UN), 0);
	close(turnstile);
}

static void
stop_waiting(void)
{
	int status;

	ck_assert_int_eq(waitpid(waiting, &status, 0), waiting);
	ck_assert_int_eq(status, 0);
}

START_TEST(who_waits_hears_that_another_has_committed_his_message)
{
	start_waiting(PATIENCE_MS);
	open_turnstile();
	fixture_commit();
	stop_waiting();
	ck_assert_int_eq(atomic_load(&outcome->rc), 0);
	ck_assert_int_eq(atomic_load(&outcome->is_in_doubt), 0);
	check_text(atomic_load(&outcome->id), TEXT);
	ck_assert_uint_eq(count_messages(), 1);
	ck_assert_uint_eq(count_files(), 0);
}
END_TEST

/* Even while whoever has the turnstile does not move. */
START_TEST(he_hears_it_while_the_turnstile_is_taken)
{
	int64_t before_ms;

	start_waiting(PATIENCE_MS);
	before_ms = clock_boot_ms();
	fixture_commit();
	stop_waiting();
	ck_assert_int_eq(atomic_load(&outcome->rc), 0);
	ck_assert_uint_eq(count_messages(), 1);
	/* Not only when he has lost his patience with that. */
	ck_assert_int_lt(clock_boot_ms() - before_ms, 1500);
	open_turnstile();
}
END_TEST

START_TEST(who_is_not_taken_along_commits_himself)
{
	start_waiting(PATIENCE_MS);
	open_turnstile();
	spool_abort(fixture_spool);
	stop_waiting();
	ck_assert_int_eq(atomic_load(&outcome->rc), 0);
	check_text(atomic_load(&outcome->id), TEXT);
	ck_assert_uint_eq(count_messages(), 1);
	ck_assert_uint_eq(count_files(), 0);
}
END_TEST

START_TEST(who_has_waited_for_too_long_is_not_taken_along)
{
	start_waiting(BRIEF_MS);
	open_turnstile();
	stop_waiting();
	ck_assert_int_eq(atomic_load(&outcome->rc), -ETIMEDOUT);
	ck_assert_int_eq(atomic_load(&outcome->is_in_doubt), 0);
	ck_assert_uint_eq(count_files(), 1);
	fixture_commit();
	ck_assert_uint_eq(count_messages(), 0);
	ck_assert_uint_eq(count_files(), 0);
}
END_TEST

START_TEST(who_finds_no_spool_any_more_withdraws)
{
	start_waiting(PATIENCE_MS);
	open_turnstile();
	ck_assert_int_eq(unlink(fixture_name("spool/" SPOOL_FILE)), 0);
	spool_abort(fixture_spool);
	stop_waiting();
	ck_assert_int_eq(atomic_load(&outcome->rc), -ENOENT);
	ck_assert_uint_eq(count_files(), 1);
}
END_TEST

/* ---- head-room ------------------------------------------------------- */

static off_t
file_len(void)
{
	struct stat st;

	ck_assert_int_eq(stat(fixture_name("spool/" SPOOL_FILE), &st), 0);
	return st.st_size;
}

START_TEST(one_sender_alone_makes_no_head_room)
{
	for (int i = 0; i < 20; i++)
		fixture_put_one(TEXT);
	ck_assert_int_lt(file_len(), 256 << 10);
}
END_TEST

START_TEST(many_at_once_write_over_what_is_there)
{
	off_t len = 0;
	int grown = 0;

	for (int round = 0; round < 10; round++) {
		for (size_t i = 0; i < 20; i++)
			stage(&others[i], TEXT, 1);
		fixture_begin(SPOOL_CHANGE);
		fixture_commit();
		for (size_t i = 0; i < 20; i++)
			staged_close(&others[i]);
		grown += file_len() > len;
		len = file_len();
	}
	ck_assert_int_le(grown, 3);
	ck_assert_uint_eq(count_messages(), 200);
}
END_TEST

/* ---- the suite ----------------------------------------------------- */

Suite *
share_suite(void)
{
	Suite *s = suite_create("share");
	TCase *tc = tcase_create("share");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, every_commit_takes_along_what_waits, 0,
	    (int)ARRAY_LEN(writers));
	tcase_add_test(tc, what_is_undone_takes_nobody_along);
	tcase_add_test(tc, one_commit_takes_so_many_and_the_next_one_more);
	tcase_add_test(tc, one_commit_takes_so_many_bytes);
	tcase_add_test(tc, the_dead_are_not_taken_along);
	tcase_add_test(tc, what_was_withdrawn_before_is_not_taken_along);
	tcase_add_test(tc, what_is_beyond_a_limit_is_not_taken_along);
	tcase_add_test(tc, a_text_that_was_changed_is_not_taken_along);
	tcase_add_test(tc, what_else_is_there_is_left_alone);
	tcase_add_loop_test(
	    tc, whoever_comes_next_tells_them, 0, (int)ARRAY_LEN(all));
	tcase_add_loop_test(tc, what_was_withdrawn_since_is_taken_out_again, 0,
	    (int)ARRAY_LEN(writers));
	tcase_add_test(tc, it_does_not_matter_if_the_message_is_gone);
	tcase_add_loop_test(tc, a_list_that_is_none_is_damage, 0, 4);
	tcase_add_test(
	    tc, who_waits_hears_that_another_has_committed_his_message);
	tcase_add_test(tc, he_hears_it_while_the_turnstile_is_taken);
	tcase_add_test(tc, who_is_not_taken_along_commits_himself);
	tcase_add_test(tc, who_has_waited_for_too_long_is_not_taken_along);
	tcase_add_test(tc, who_finds_no_spool_any_more_withdraws);
	tcase_add_test(tc, one_sender_alone_makes_no_head_room);
	tcase_add_test(tc, many_at_once_write_over_what_is_there);
	suite_add_tcase(s, tc);
	return s;
}
