/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "flushd/upkeep.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

enum { LONG = 5 << 20 }; /* takes several transactions to remove */

static uint64_t
put_long(void)
{
	char *text = malloc(LONG);
	uint64_t id;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', LONG);
	fixture_begin(SPOOL_WRITE);
	id = fixture_put(text, LONG, FIXTURE_NOW_MS);
	fixture_commit();
	free(text);
	return id;
}

static void
remove_one(uint64_t id)
{
	fixture_begin(SPOOL_CHANGE);
	ck_assert_int_eq(spool_remove(fixture_spool, id), 0);
	fixture_commit();
}

/* How many transactions it takes until all is free. */
static int
sweep_all(void)
{
	int count = 0;
	int rc;

	do {
		fixture_begin(SPOOL_CHANGE);
		rc = spool_sweep(fixture_spool, FIXTURE_NOW_MS);
		ck_assert_int_ge(rc, 0);
		fixture_commit();
		count++;
	} while (rc > 0);
	return count;
}

static int
get(uint64_t id, struct message_state *state)
{
	struct envelope e;
	int rc = spool_get(fixture_spool, id, &e, state);

	if (rc == 0)
		envelope_release(&e);
	return rc;
}

static const char *
reason_of(uint64_t id)
{
	static char reason[STATE_REASON_MAX + 1];
	struct message_state state;

	ck_assert_int_eq(get(id, &state), 0);
	snprintf(reason, sizeof(reason), "%s",
	    state.reason ? state.reason : message_phase_names[state.phase]);
	state_release(&state);
	return reason;
}

static struct stat
file_stat(void)
{
	struct stat st;

	ck_assert_int_eq(stat(fixture_name("spool/" SPOOL_FILE), &st), 0);
	return st;
}

/* ---- removal in steps ---------------------------------------------- */

START_TEST(a_long_message_is_gone_at_once_and_freed_in_steps)
{
	struct message_state state;
	struct census fresh;
	struct census swept;
	uint64_t found = 0;
	uint64_t id;

	fixture_census(&fresh);
	id = put_long();
	remove_one(id);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(get(id, &state), -ENOENT);
	ck_assert_int_eq(spool_next(fixture_spool, &found), -ENOENT);
	spool_abort(fixture_spool);
	fixture_check_counters();
	ck_assert_int_ge(sweep_all(), 3);
	fixture_check_counters();
	fixture_census(&swept);
	ck_assert_mem_eq(&fresh, &swept, sizeof(fresh));
}
END_TEST

START_TEST(what_is_left_of_a_removed_message_hides_no_other)
{
	uint64_t before = fixture_put_one("before\n");
	uint64_t gone = put_long();
	uint64_t behind = fixture_put_one("behind\n");
	uint64_t id = 0;

	remove_one(gone);
	fixture_begin(SPOOL_CHANGE);
	ck_assert_int_eq(spool_next(fixture_spool, &id), 0);
	ck_assert_uint_eq(id, before);
	ck_assert_int_eq(spool_next(fixture_spool, &id), 0);
	ck_assert_uint_eq(id, behind);
	ck_assert_int_eq(spool_remove(fixture_spool, gone), -ENOENT);
	ck_assert_int_eq(spool_hold_damaged(fixture_spool, gone), -ENOENT);
	fixture_commit();
	sweep_all();
	fixture_check_counters();
}
END_TEST

START_TEST(a_short_message_leaves_nothing_to_sweep)
{
	remove_one(fixture_put_one("text\n"));
	ck_assert_int_eq(sweep_all(), 1);
}
END_TEST

/* ---- counters and schedule ----------------------------------------- */

static int
repair(void)
{
	int rc;

	fixture_begin(SPOOL_CHANGE);
	rc = spool_repair(fixture_spool);
	fixture_commit();
	return rc;
}

static void
put_some(void)
{
	fixture_put_one("one\n");
	remove_one(put_long()); /* partly: it still counts */
	fixture_begin(SPOOL_WRITE);
	fixture_set(fixture_put("two\n", 4, 5), PHASE_DEFERRED, 77);
	fixture_set(fixture_put("three\n", 6, 5), PHASE_HELD, 0);
	fixture_set(fixture_put("four\n", 5, 5), PHASE_FAILED, 0);
	fixture_commit();
}

START_TEST(counters_that_are_right_are_left_alone)
{
	put_some();
	ck_assert_int_eq(repair(), 0);
	fixture_check_counters();
}
END_TEST

static const struct {
	const char *name;
	struct spool_counters counters;
} wrong_counters[] = {
    {"too low", {.last_id = 5}},
    {"too high",
	{.last_id = UINT64_MAX - 1, .bytes = 1 << 30, .count = {9, 9, 9, 9}}},
};

START_TEST(wrong_counters_are_repaired)
{
	struct buf bytes = BUF_INIT;
	struct spool_counters now;
	uint64_t id;

	put_some();
	record_encode_counters(&wrong_counters[_i].counters, &bytes);
	fixture_set_raw("\3", 1, bytes.data, bytes.len);
	buf_release(&bytes);
	ck_assert_int_eq(repair(), 1);
	fixture_check_counters();
	/* No id is given again, whatever the counters said. */
	id = fixture_put_one("new\n");
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get_counters(fixture_spool, &now), 0);
	ck_assert_uint_eq(now.last_id, id);
	ck_assert_uint_gt(id, wrong_counters[_i].counters.last_id);
	ck_assert(!now.is_doubtful);
}
END_TEST

START_TEST(a_sender_repairs_counters_that_cannot_be_read)
{
	struct spool_counters c;
	uint64_t id;

	put_some();
	if (_i == 0)
		fixture_set_raw("\3", 1, NULL, 0);
	else
		fixture_set_raw("\3", 1, "garbage", 7);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get_counters(fixture_spool, &c), 0);
	ck_assert(c.is_doubtful);
	spool_abort(fixture_spool);
	id = fixture_put_one("new\n");
	fixture_check_counters();
	fixture_begin(SPOOL_READ);
	ck_assert_str_eq(reason_of(id), "new");
}
END_TEST

START_TEST(a_message_that_the_schedule_lost_is_found_again)
{
	unsigned char key[17] = {0x11};
	uint64_t id = fixture_put_one("text\n");
	uint64_t found = 0;
	int64_t due_ms = 0;
	int64_t next_ms;

	bytes_put_be64(key + 1, FIXTURE_NOW_MS);
	bytes_put_be64(key + 9, id);
	fixture_set_raw(key, sizeof(key), NULL, 0);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_next_due(fixture_spool, FIXTURE_NOW_MS, &due_ms,
			     &found, &next_ms),
	    -ENOENT);
	spool_abort(fixture_spool);
	ck_assert_int_ge(repair(), 0);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_next_due(fixture_spool, FIXTURE_NOW_MS, &due_ms,
			     &found, &next_ms),
	    0);
	ck_assert_uint_eq(found, id);
}
END_TEST

/* Of the two, one is damaged, and it may be that of the message. */
START_TEST(an_entry_at_another_time_than_the_message_says_leaves_doubt)
{
	struct spool_counters c;
	unsigned char key[17] = {0x11};
	uint64_t id = fixture_put_one("text\n");

	bytes_put_be64(key + 1, FIXTURE_NOW_MS);
	bytes_put_be64(key + 9, id);
	fixture_set_raw(key, sizeof(key), NULL, 0);
	bytes_put_be64(key + 1, FIXTURE_NOW_MS + 1);
	fixture_set_raw(key, sizeof(key), "", 0);
	fixture_begin(SPOOL_CHANGE);
	ck_assert_int_eq(
	    spool_unschedule(fixture_spool, FIXTURE_NOW_MS, id), 0);
	ck_assert_int_eq(spool_get_counters(fixture_spool, &c), 0);
	ck_assert(!c.is_doubtful); /* there was none */
	ck_assert_int_eq(
	    spool_unschedule(fixture_spool, FIXTURE_NOW_MS + 1, id), 0);
	fixture_commit();
	fixture_begin(SPOOL_READ);
	ck_assert(spool_is_doubtful(fixture_spool));
	spool_abort(fixture_spool);
	ck_assert_int_eq(repair(), 1);
	fixture_check_counters();
}
END_TEST

START_TEST(what_replaces_an_unreadable_state_leaves_doubt_until_the_repair)
{
	struct spool_counters c;
	uint64_t id = fixture_put_one("text\n");

	fixture_set_chunk(id, 2, 0, "garbage", 7);
	fixture_begin(SPOOL_CHANGE);
	ck_assert_int_eq(spool_hold_damaged(fixture_spool, id), 0);
	ck_assert_int_eq(
	    spool_unschedule(fixture_spool, FIXTURE_NOW_MS, id), 0);
	fixture_commit();
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get_counters(fixture_spool, &c), 0);
	ck_assert(c.is_doubtful);
	spool_abort(fixture_spool);
	ck_assert_int_eq(repair(), 1);
	fixture_check_counters();
}
END_TEST

/* ---- copies -------------------------------------------------------- */

/* In the fixture's directory. */
static void
run_shell(const char *command)
{
	ck_assert_int_eq(chdir(fixture_dir), 0);
	ck_assert_int_eq(system(command), 0); /* NOLINT(cert-env33-c) */
}

enum copy { COPY_DIRECTORY, COPY_FILE, COPY_COUNT };

/* Go on with a copy: as a clone has it, or as a backup brings it back. */
static void
become_copy(enum copy how)
{
	static const char *const commands[COPY_COUNT] = {
	    "cp -a spool copy && mv spool original && mv copy spool",
	    "cp -a spool/data.mdb copy && mv copy spool/data.mdb",
	};

	spool_close(fixture_spool);
	fixture_spool = NULL;
	run_shell(commands[how]);
	ck_assert_int_eq(spool_open(fixture_path, &fixture_spool), 0);
}

/* How many messages one call after another holds, at most max at a time. */
static size_t
hold_copied(size_t max)
{
	uint64_t after = 0;
	size_t sum = 0;
	size_t held;
	int rc;

	do {
		fixture_begin(SPOOL_CHANGE);
		rc = spool_hold_copied(fixture_spool, &after, max, &held);
		ck_assert_int_ge(rc, 0);
		fixture_commit();
		sum += held;
	} while (rc > 0);
	return sum;
}

START_TEST(what_came_with_a_copy_is_held_and_what_came_later_is_not)
{
	uint64_t old = fixture_put_one("old\n");
	uint64_t failed;
	uint64_t later;
	uint64_t new;

	fixture_begin(SPOOL_WRITE);
	failed = fixture_put("failed\n", 7, FIXTURE_NOW_MS);
	fixture_set(failed, PHASE_FAILED, 0);
	later = fixture_put("later\n", 6, FIXTURE_NOW_MS);
	fixture_set(later, PHASE_DEFERRED, INT64_MAX);
	fixture_commit();
	become_copy((enum copy)(_i % COPY_COUNT));
	new = fixture_put_one("new\n");
	ck_assert_uint_eq(hold_copied(_i < COPY_COUNT ? 1 : 100), 2);
	fixture_begin(SPOOL_READ);
	ck_assert_str_eq(reason_of(old), "copied spool");
	ck_assert_str_eq(reason_of(later), "copied spool");
	ck_assert_str_eq(reason_of(failed), "failed");
	ck_assert_str_eq(reason_of(new), "new");
	spool_abort(fixture_spool);
	fixture_check_counters();
}
END_TEST

START_TEST(a_copy_is_held_once)
{
	uint64_t id = fixture_put_one("old\n");

	become_copy(COPY_DIRECTORY);
	ck_assert_uint_eq(hold_copied(10), 1);
	fixture_begin(SPOOL_CHANGE);
	fixture_set(id, PHASE_DEFERRED, 0); /* released */
	fixture_commit();
	fixture_reopen();
	ck_assert_uint_eq(hold_copied(10), 0);
	fixture_begin(SPOOL_READ);
	ck_assert_str_eq(reason_of(id), "deferred");
}
END_TEST

static void
name_site(const char *site)
{
	fixture_begin(SPOOL_CHANGE);
	ck_assert_int_eq(spool_name_site(fixture_spool, site), 0);
	ck_assert(spool_is_of(fixture_spool, site));
	fixture_commit();
}

/* As a disk that was cloned has it, with all inodes. */
START_TEST(a_spool_of_another_site_is_a_copy)
{
	uint64_t id = fixture_put_one("old\n");
	uint64_t new;

	name_site("site");
	ck_assert_uint_eq(hold_copied(10), 0);
	name_site("site");
	ck_assert_uint_eq(hold_copied(10), 0);
	name_site("clone");
	new = fixture_put_one("new\n");
	ck_assert_uint_eq(hold_copied(10), 1);
	fixture_begin(SPOOL_READ);
	ck_assert(!spool_is_of(fixture_spool, "site"));
	ck_assert_str_eq(reason_of(id), "copied spool");
	ck_assert_str_eq(reason_of(new), "new");
	spool_abort(fixture_spool);
	fixture_check_counters();
}
END_TEST

START_TEST(an_empty_one_is_just_renamed)
{
	name_site("site");
	name_site("clone");
	ck_assert_uint_eq(hold_copied(10), 0);
	fixture_begin(SPOOL_READ);
	ck_assert(!spool_is_copy(fixture_spool));
	spool_abort(fixture_spool);
}
END_TEST

START_TEST(half_held_is_held_on_after_a_crash)
{
	uint64_t first = fixture_put_one("one\n");
	uint64_t second = fixture_put_one("two\n");
	uint64_t after = 0;
	size_t held;

	become_copy(COPY_DIRECTORY);
	fixture_begin(SPOOL_CHANGE);
	ck_assert_int_eq(spool_hold_copied(fixture_spool, &after, 1, &held), 1);
	fixture_commit();
	fixture_reopen();
	ck_assert_uint_eq(hold_copied(10), 1);
	fixture_begin(SPOOL_READ);
	ck_assert_str_eq(reason_of(first), "copied spool");
	ck_assert_str_eq(reason_of(second), "copied spool");
}
END_TEST

START_TEST(the_original_is_no_copy)
{
	uint64_t id = fixture_put_one("text\n");

	fixture_reopen();
	ck_assert_uint_eq(hold_copied(10), 0);
	fixture_begin(SPOOL_READ);
	ck_assert_str_eq(reason_of(id), "new");
}
END_TEST

/* ---- a smaller file ------------------------------------------------ */

static int
shrink(void)
{
	fixture_begin(SPOOL_CHANGE);
	return spool_shrink(fixture_spool);
}

static void
grow(void)
{
	remove_one(put_long());
	sweep_all();
}

START_TEST(an_emptied_spool_that_had_grown_is_replaced)
{
	uint64_t id;

	grow();
	ck_assert_int_gt(file_stat().st_size, LONG);
	ck_assert_int_eq(chmod(fixture_name("spool/" SPOOL_FILE), 0660), 0);
	ck_assert_int_eq(shrink(), 1);
	ck_assert_int_lt(file_stat().st_size, 1 << 16);
	ck_assert_uint_eq(file_stat().st_mode & 0777, 0660);
	ck_assert_uint_eq(fixture_count_names(fixture_path), 3);
	fixture_check_counters();
	id = fixture_put_one("new\n");
	ck_assert_uint_eq(hold_copied(10), 0); /* it is no copy */
	fixture_begin(SPOOL_READ);
	ck_assert_str_eq(reason_of(id), "new");
	spool_abort(fixture_spool);
	ck_assert_int_eq(shrink(), 0);
}
END_TEST

START_TEST(what_is_left_in_the_spool_moves_along)
{
	uint64_t first = fixture_put_one("first\n");
	struct spool_counters c;
	struct census before;
	struct census after;
	uint64_t last_id;
	uint64_t last;

	grow();
	last = fixture_put_one("last\n");
	fixture_begin(SPOOL_CHANGE);
	fixture_set(first, PHASE_HELD, 0);
	fixture_commit();
	fixture_census(&before);
	ck_assert_int_eq(shrink(), 1);
	fixture_census(&after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	fixture_check_counters();
	fixture_begin(SPOOL_READ);
	ck_assert_str_eq(reason_of(first), "the test says so");
	ck_assert_str_eq(reason_of(last), "new");
	ck_assert_int_eq(spool_get_counters(fixture_spool, &c), 0);
	last_id = c.last_id;
	spool_abort(fixture_spool);
	ck_assert_uint_gt(fixture_put_one("new\n"), last_id);
}
END_TEST

START_TEST(a_file_in_use_or_small_is_left_as_it_is)
{
	ino_t inode;

	fixture_put_one("text\n");
	inode = file_stat().st_ino;
	ck_assert_int_eq(shrink(), 0);
	put_long();
	ck_assert_int_eq(shrink(), 0);
	ck_assert_uint_eq(file_stat().st_ino, inode);
}
END_TEST

/* What a worker that died has left, or somebody has put there. */
static const char *const obstacles[] = {
    "echo garbage > spool/data.mdb.new",
    "ln -s /etc/passwd spool/data.mdb.new",
    "mkfifo spool/data.mdb.new",
};

START_TEST(a_new_file_that_is_there_already_is_replaced)
{
	grow();
	run_shell(obstacles[_i]);
	ck_assert_int_eq(shrink(), 1);
	fixture_check_counters();
	ck_assert_uint_eq(fixture_count_names(fixture_path), 3);
}
END_TEST

START_TEST(one_that_is_there_is_removed_though_nothing_is_replaced)
{
	run_shell(obstacles[_i]);
	ck_assert_int_eq(upkeep_idle(fixture_spool, &retry_policy_default), 0);
	ck_assert_uint_eq(fixture_count_names(fixture_path), 3);
	fixture_put_one("text\n");
	fixture_check_counters();
}
END_TEST

START_TEST(a_directory_in_the_way_leaves_all_as_it_was)
{
	grow();
	ck_assert_int_eq(mkdir(fixture_name("spool/data.mdb.new"), 0700), 0);
	ck_assert_int_lt(shrink(), 0);
	fixture_put_one("text\n");
	fixture_check_counters();
}
END_TEST

START_TEST(a_copy_is_not_replaced_before_it_is_held)
{
	uint64_t id = fixture_put_one("old\n");

	grow();
	become_copy(COPY_FILE);
	ck_assert_int_eq(shrink(), 0);
	ck_assert_uint_eq(hold_copied(10), 1);
	ck_assert_int_eq(shrink(), 1);
	fixture_begin(SPOOL_READ);
	ck_assert_str_eq(reason_of(id), "copied spool");
}
END_TEST

/* ---- room on the disk ---------------------------------------------- */

START_TEST(whoever_adds_leaves_room_to_remove)
{
	for (int i = 0; i < 100; i++) {
		struct stat st;

		ck_assert_int_eq(spool_begin(fixture_spool, SPOOL_WRITE, 10000,
				     clock_boot_ms() + 10000),
		    0);
		fixture_put("text\n", 5, i);
		fixture_commit();
		st = file_stat();
		ck_assert_int_ge(st.st_blocks * 512 - st.st_size, 256 << 10);
		ck_assert_int_lt(st.st_blocks * 512 - st.st_size, 1 << 20);
	}
}
END_TEST

/* ---- the suite ----------------------------------------------------- */

Suite *
spool_upkeep_suite(void)
{
	Suite *s = suite_create("spool_upkeep");
	TCase *tc = tcase_create("spool_upkeep");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, a_long_message_is_gone_at_once_and_freed_in_steps);
	tcase_add_test(tc, what_is_left_of_a_removed_message_hides_no_other);
	tcase_add_test(tc, a_short_message_leaves_nothing_to_sweep);
	tcase_add_test(tc, counters_that_are_right_are_left_alone);
	tcase_add_loop_test(
	    tc, wrong_counters_are_repaired, 0, (int)ARRAY_LEN(wrong_counters));
	tcase_add_loop_test(
	    tc, a_sender_repairs_counters_that_cannot_be_read, 0, 2);
	tcase_add_test(tc, a_message_that_the_schedule_lost_is_found_again);
	tcase_add_test(
	    tc, an_entry_at_another_time_than_the_message_says_leaves_doubt);
	tcase_add_test(tc,
	    what_replaces_an_unreadable_state_leaves_doubt_until_the_repair);
	tcase_add_loop_test(tc,
	    what_came_with_a_copy_is_held_and_what_came_later_is_not, 0,
	    2 * COPY_COUNT);
	tcase_add_test(tc, a_copy_is_held_once);
	tcase_add_test(tc, a_spool_of_another_site_is_a_copy);
	tcase_add_test(tc, an_empty_one_is_just_renamed);
	tcase_add_test(tc, half_held_is_held_on_after_a_crash);
	tcase_add_test(tc, the_original_is_no_copy);
	tcase_add_test(tc, an_emptied_spool_that_had_grown_is_replaced);
	tcase_add_test(tc, what_is_left_in_the_spool_moves_along);
	tcase_add_test(tc, a_file_in_use_or_small_is_left_as_it_is);
	tcase_add_loop_test(tc, a_new_file_that_is_there_already_is_replaced, 0,
	    (int)ARRAY_LEN(obstacles));
	tcase_add_loop_test(tc,
	    one_that_is_there_is_removed_though_nothing_is_replaced, 0,
	    (int)ARRAY_LEN(obstacles));
	tcase_add_test(tc, a_directory_in_the_way_leaves_all_as_it_was);
	tcase_add_test(tc, a_copy_is_not_replaced_before_it_is_held);
	tcase_add_test(tc, whoever_adds_leaves_room_to_remove);
	suite_add_tcase(s, tc);
	return s;
}
