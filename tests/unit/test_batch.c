/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "flushd/batch.h"
#include "flushd/upkeep.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

static const struct delivery_from from = {"host.test", "site1"};

static struct batch batch;
static struct delivery d;

static void
setup(void)
{
	fixture_setup();
	batch_init(&batch);
	/* What it logs of damaged messages is not the test runner's. */
	ck_assert(freopen("/dev/null", "w", stderr) != NULL);
}

static void
teardown(void)
{
	batch_release(&batch);
	fixture_teardown();
}

/* As batch_next(), and as if the message had been sent. */
static int
take_next(uint64_t *id)
{
	int rc = batch_next(&batch, fixture_spool, &from, &d);

	if (rc <= 0)
		return rc;
	*id = d.id;
	ck_assert_int_eq(delivery_remove(&d, fixture_spool), 0);
	batch_done(&batch, d.id);
	delivery_release(&d);
	return rc;
}

/* The id of the next message, or 0 when nothing is due. */
static uint64_t
next(void)
{
	uint64_t id = 0;

	ck_assert_int_ge(take_next(&id), 0);
	return id;
}

static void
set(uint64_t id, enum message_phase phase, int64_t due_ms)
{
	fixture_begin(SPOOL_WRITE);
	fixture_set(id, phase, due_ms);
	fixture_commit();
}

START_TEST(an_empty_spool_has_nothing_due_ever)
{
	ck_assert_uint_eq(next(), 0);
	ck_assert_int_eq(batch.next_due_ms, INT64_MAX);
	ck_assert_uint_eq(depth_waiting(&batch.depth), 0);
}
END_TEST

START_TEST(messages_come_by_due_time)
{
	const uint64_t first = fixture_put_one("1\n");
	const uint64_t second = fixture_put_one("2\n");
	const uint64_t third = fixture_put_one("3\n");

	set(first, PHASE_DEFERRED, FIXTURE_NOW_MS + 2);
	set(third, PHASE_DEFERRED, FIXTURE_NOW_MS + 1);
	ck_assert_uint_eq(next(), second);
	ck_assert_uint_eq(next(), third);
	ck_assert_uint_eq(next(), first);
	ck_assert_uint_eq(next(), 0);
}
END_TEST

START_TEST(a_backlog_longer_than_a_batch_comes_whole)
{
	enum { COUNT = 2 * BATCH_MAX + 7 };
	uint64_t ids[COUNT];

	for (size_t i = 0; i < COUNT; i++)
		ids[i] = fixture_put_one("text\n");
	for (size_t i = 0; i < COUNT; i++)
		ck_assert_uint_eq(next(), ids[i]);
	ck_assert_uint_eq(next(), 0);
}
END_TEST

START_TEST(what_is_not_due_says_when_it_will_be)
{
	const int64_t later_ms = clock_wall_ms() + 60 * 60 * 1000;
	const uint64_t id = fixture_put_one("text\n");

	set(id, PHASE_DEFERRED, later_ms);
	ck_assert_uint_eq(next(), 0);
	ck_assert_int_eq(batch.next_due_ms, later_ms);
	ck_assert_uint_eq(depth_waiting(&batch.depth), 1);
}
END_TEST

START_TEST(held_and_failed_do_not_wait)
{
	set(fixture_put_one("1\n"), PHASE_HELD, 0);
	set(fixture_put_one("2\n"), PHASE_FAILED, 0);
	ck_assert_uint_eq(next(), 0);
	ck_assert_int_eq(batch.next_due_ms, INT64_MAX);
	ck_assert_uint_eq(depth_waiting(&batch.depth), 0);
}
END_TEST

START_TEST(a_damaged_message_is_held_and_the_next_one_comes)
{
	struct message_state state;
	struct envelope e;
	uint64_t damaged;
	uint64_t sound;

	damaged = fixture_put_one("to be damaged\n");
	/* Before the next commit: that leaves a stale copy in the file. */
	fixture_flip("to be damaged", 3, 1);
	sound = fixture_put_one("text\n");
	ck_assert_uint_eq(next(), sound);
	ck_assert_uint_eq(next(), 0);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get(fixture_spool, damaged, &e, &state), 0);
	spool_abort(fixture_spool);
	ck_assert_int_eq(state.phase, PHASE_HELD);
	envelope_release(&e);
	state_release(&state);
}
END_TEST

/* Else it would be sent as often as a worker looks at it. */
START_TEST(a_message_that_could_not_be_removed_is_held_unsent)
{
	struct message_state state;
	struct envelope e;
	char text[3000];
	uint64_t victim;
	uint64_t sound;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "NEEDLE", 6);
	victim = fixture_put_one(text);
	/* The page of the text says that it is three. */
	fixture_flip("NEEDLE", -4, 2);
	sound = fixture_put_one("text\n");
	ck_assert_uint_eq(next(), sound);
	ck_assert_uint_eq(next(), 0);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get(fixture_spool, victim, &e, &state), 0);
	spool_abort(fixture_spool);
	ck_assert_int_eq(state.phase, PHASE_HELD);
	envelope_release(&e);
	state_release(&state);
}
END_TEST

/* It is of one that was never there, or has left. */
START_TEST(an_entry_without_a_message_is_removed_and_the_next_one_comes)
{
	const uint64_t id = fixture_put_one("text\n");
	unsigned char key[17] = {0x11};
	struct census c;

	bytes_put_be64(key + 1, 1);
	bytes_put_be64(key + 9, id + 1);
	fixture_set_raw(key, sizeof(key), "", 0);
	if (_i == 1)
		batch_gone(&batch, id + 1);
	ck_assert_uint_eq(next(), id);
	ck_assert_uint_eq(next(), 0);
	fixture_census(&c);
	ck_assert_uint_eq(c.schedule_count, 0);
}
END_TEST

/*
 * Keys out of order: a walk comes to the entry, a search by its key does not.
 * It would be due again as soon as it was removed.
 */
START_TEST(an_entry_that_a_search_misses_is_removed)
{
	unsigned char key[17] = {0x11};
	struct environment env;
	struct census c;

	fixture_open_raw(&env);
	for (char n = '0'; n < '7'; n++) {
		key[8] = 1; /* due */
		memcpy(key + 9, "message", 7);
		key[16] = (unsigned char)n;
		fixture_raw_put(&env, key, sizeof(key), "", 0);
	}
	ck_assert_int_eq(environment_commit(&env), 0);
	environment_close(&env);
	fixture_flip("message1", -8, 0x40);
	ck_assert_uint_eq(next(), 0);
	fixture_census(&c);
	ck_assert_uint_eq(c.schedule_count, 0);
}
END_TEST

/* Whatever is wrong with its place, the message comes. */
START_TEST(no_message_is_lost_by_a_bit_of_the_schedule)
{
	enum { COUNT = 7, KEY_LEN = 17 };
	unsigned char key[KEY_LEN] = {0x11};
	uint64_t ids[COUNT];
	size_t came = 0;

	for (size_t i = 0; i < COUNT; i++)
		ids[i] = fixture_put_one("text\n");
	bytes_put_be64(key + 1, FIXTURE_NOW_MS);
	bytes_put_be64(key + 9, ids[COUNT / 2 - 1]);
	fixture_flip_key(key, sizeof(key), 1 + _i / 8, (char)(1 << _i % 8));
	for (int look = 0; look < 2; look++) {
		while (next() != 0)
			came++;
		fixture_begin(SPOOL_CHANGE);
		ck_assert_int_ge(spool_repair(fixture_spool), 0);
		fixture_commit();
	}
	ck_assert_uint_eq(came, COUNT);
}
END_TEST

/* What is then no entry any more may hide those behind it. */
START_TEST(no_message_waits_unsaid_behind_a_bit_of_the_kind)
{
	enum { COUNT = 7, KEY_LEN = 17 };
	unsigned char key[KEY_LEN] = {0x11};
	uint64_t ids[COUNT];
	uint64_t id;
	size_t came = 0;
	int rc = 1;

	for (size_t i = 0; i < COUNT; i++)
		ids[i] = fixture_put_one("text\n");
	bytes_put_be64(key + 1, FIXTURE_NOW_MS);
	bytes_put_be64(key + 9, ids[_i / 8]);
	fixture_flip_key(key, sizeof(key), 0, (char)(1 << _i % 8));
	while (rc > 0) {
		while ((rc = take_next(&id)) > 0)
			came++;
		if (rc == 0)
			rc = upkeep_idle(fixture_spool, &retry_policy_default);
	}
	ck_assert_msg(came == COUNT || rc == -EBADMSG, "%zu came", came);
}
END_TEST

START_TEST(a_skipped_message_stays_and_the_others_come)
{
	const uint64_t first = fixture_put_one("1\n");
	const uint64_t second = fixture_put_one("2\n");
	struct census c;

	ck_assert(caution_skip(&batch.caution, first));
	ck_assert_uint_eq(next(), second);
	ck_assert_uint_eq(next(), 0);
	ck_assert_uint_eq(depth_waiting(&batch.depth), 1);
	fixture_census(&c);
	ck_assert_uint_eq(c.schedule_count, 1);
}
END_TEST

START_TEST(what_is_due_before_the_damage_comes)
{
	const uint64_t id = fixture_put_one("text\n");
	unsigned char key[12] = {0x11, 1}; /* too short, and due later */

	fixture_set_raw(key, sizeof(key), "", 0);
	ck_assert_uint_eq(next(), id);
	ck_assert_int_eq(
	    batch_next(&batch, fixture_spool, &from, &d), -EBADMSG);
}
END_TEST

START_TEST(a_message_submitted_meanwhile_comes_too)
{
	const uint64_t first = fixture_put_one("1\n");
	uint64_t second;

	ck_assert_uint_eq(next(), first);
	second = fixture_put_one("2\n");
	ck_assert_uint_eq(next(), second);
}
END_TEST

START_TEST(a_damaged_spool_is_an_error)
{
	ck_assert_int_eq(truncate(fixture_name("spool/data.mdb"), 0), 0);
	ck_assert_int_eq(
	    batch_next(&batch, fixture_spool, &from, &d), -EBADMSG);
}
END_TEST

/* Take the next one out, and leave it so. */
static uint64_t
take_out(void)
{
	uint64_t id;

	ck_assert_int_eq(batch_next(&batch, fixture_spool, &from, &d), 1);
	id = d.id;
	delivery_release(&d);
	return id;
}

static size_t
ahead_left(void)
{
	return batch.ahead_count - batch.ahead_at;
}

START_TEST(several_are_read_in_one_turn)
{
	uint64_t ids[BATCH_AHEAD_MAX + 1];

	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		ids[i] = fixture_put_one("text\n");
	ck_assert_uint_eq(take_out(), ids[0]);
	ck_assert_uint_eq(ahead_left(), BATCH_AHEAD_MAX - 1);
	for (size_t i = 1; i < ARRAY_LEN(ids); i++)
		ck_assert_uint_eq(take_out(), ids[i]);
	ck_assert_uint_eq(next(), 0);
}
END_TEST

/* By which a commit puts one message at risk, not a dozen. */
START_TEST(one_at_a_time_for_who_must_prove_that_he_can_record)
{
	batch.caution.must_prove = true;
	for (size_t i = 0; i < BATCH_AHEAD_MAX; i++)
		fixture_put_one("text\n");
	for (size_t i = 0; i < BATCH_AHEAD_MAX; i++) {
		ck_assert_uint_ne(take_out(), 0);
		ck_assert_uint_eq(ahead_left(), 0);
	}
}
END_TEST

START_TEST(what_is_out_is_not_given_out_again)
{
	const uint64_t first = fixture_put_one("1\n");
	const uint64_t second = fixture_put_one("2\n");

	ck_assert_uint_eq(take_out(), first);
	ck_assert_uint_eq(take_out(), second);
	ck_assert_uint_eq(next(), 0);
	batch_done(&batch, first);
	ck_assert_uint_eq(take_out(), first);
	ck_assert_uint_eq(next(), 0);
}
END_TEST

/* A damaged tree may show again what was removed. */
START_TEST(what_has_left_and_is_there_again_is_held)
{
	const uint64_t id = fixture_put_one("text\n");
	struct message_state state;
	struct envelope e;

	ck_assert_uint_eq(take_out(), id);
	batch_gone(&batch, id);
	batch_done(&batch, id);
	ck_assert_uint_eq(next(), 0);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get(fixture_spool, id, &e, &state), 0);
	spool_abort(fixture_spool);
	ck_assert_int_eq(state.phase, PHASE_HELD);
	envelope_release(&e);
	state_release(&state);
}
END_TEST

START_TEST(it_is_known_when_more_must_be_read)
{
	ck_assert(batch_must_read(&batch));
	fixture_put_one("text\n");
	fixture_put_one("text\n");
	take_out();
	ck_assert(!batch_must_read(&batch));
	take_out();
	ck_assert(batch_must_read(&batch));
}
END_TEST

START_TEST(damage_among_what_is_read_ahead_stops_nothing)
{
	uint64_t ids[5];
	uint64_t damaged = 0;
	struct message_state state;
	struct envelope e;

	for (size_t i = 0; i < 3; i++)
		ids[i] = fixture_put_one("text\n");
	damaged = fixture_put_one("to be damaged\n");
	fixture_flip("to be damaged", 3, 1);
	for (size_t i = 3; i < 5; i++)
		ids[i] = fixture_put_one("text\n");
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(next(), ids[i]);
	ck_assert_uint_eq(next(), 0);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get(fixture_spool, damaged, &e, &state), 0);
	spool_abort(fixture_spool);
	ck_assert_int_eq(state.phase, PHASE_HELD);
	envelope_release(&e);
	state_release(&state);
}
END_TEST

/* The text is in memory. */
START_TEST(no_more_is_read_behind_much_text)
{
	const size_t len = BATCH_AHEAD_BYTES / 2;
	char *text = alloc_zeroed(len + 1);

	memset(text, 'x', len);
	for (size_t i = 63; i < len; i += 64)
		text[i] = '\n';
	for (size_t i = 0; i < BATCH_AHEAD_MAX; i++)
		fixture_put_one(text);
	free(text);
	ck_assert_uint_ne(take_out(), 0);
	ck_assert_uint_eq(ahead_left(), 1);
}
END_TEST

START_TEST(how_many_are_left_is_known_about)
{
	ck_assert_uint_eq(batch_left(&batch), 0);
	for (size_t i = 0; i < BATCH_MAX - 1; i++)
		fixture_put_one("text\n");
	ck_assert_uint_ne(take_out(), 0);
	ck_assert_uint_eq(batch_left(&batch), BATCH_MAX - 2);
}
END_TEST

START_TEST(of_a_long_queue_there_are_many)
{
	for (size_t i = 0; i < BATCH_MAX + 1; i++)
		fixture_put_one("text\n");
	for (size_t i = 0; i < BATCH_MAX; i++) {
		ck_assert_uint_ne(next(), 0);
		ck_assert_uint_ge(batch_left(&batch), BATCH_MAX);
	}
	ck_assert_uint_ne(next(), 0);
	ck_assert_uint_eq(batch_left(&batch), 0);
}
END_TEST

Suite *
batch_suite(void)
{
	Suite *s = suite_create("batch");
	TCase *t = tcase_create("batch");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_empty_spool_has_nothing_due_ever);
	tcase_add_test(t, messages_come_by_due_time);
	tcase_add_test(t, a_backlog_longer_than_a_batch_comes_whole);
	tcase_add_test(t, what_is_not_due_says_when_it_will_be);
	tcase_add_test(t, held_and_failed_do_not_wait);
	tcase_add_test(t, a_damaged_message_is_held_and_the_next_one_comes);
	tcase_add_test(t, a_message_that_could_not_be_removed_is_held_unsent);
	tcase_add_loop_test(t,
	    an_entry_without_a_message_is_removed_and_the_next_one_comes, 0, 2);
	tcase_add_test(t, an_entry_that_a_search_misses_is_removed);
	tcase_add_loop_test(
	    t, no_message_is_lost_by_a_bit_of_the_schedule, 0, 16 * 8);
	tcase_add_loop_test(
	    t, no_message_waits_unsaid_behind_a_bit_of_the_kind, 0, 7 * 8);
	tcase_add_test(t, a_skipped_message_stays_and_the_others_come);
	tcase_add_test(t, what_is_due_before_the_damage_comes);
	tcase_add_test(t, a_message_submitted_meanwhile_comes_too);
	tcase_add_test(t, a_damaged_spool_is_an_error);
	suite_add_tcase(s, t);

	t = tcase_create("ahead");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, several_are_read_in_one_turn);
	tcase_add_test(t, one_at_a_time_for_who_must_prove_that_he_can_record);
	tcase_add_test(t, what_is_out_is_not_given_out_again);
	tcase_add_test(t, what_has_left_and_is_there_again_is_held);
	tcase_add_test(t, it_is_known_when_more_must_be_read);
	tcase_add_test(t, damage_among_what_is_read_ahead_stops_nothing);
	tcase_add_test(t, no_more_is_read_behind_much_text);
	tcase_add_test(t, how_many_are_left_is_known_about);
	tcase_add_test(t, of_a_long_queue_there_are_many);
	suite_add_tcase(s, t);
	return s;
}
