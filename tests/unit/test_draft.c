/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "spool/draft.h"
#include "spool/submit.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

enum {
	LEN = 2 * SPOOL_PIECE_MAX + 12345, /* takes three transactions */
	UNTIL_MS = FIXTURE_NOW_MS + SPOOL_DRAFT_MS,
};

static char *text;
static struct spool_piece pieces[3];
static struct envelope envelope;
static struct spool_draft draft;
static struct submit_result result;

/* A text that is different everywhere, in pieces of odd lengths. */
static void
setup(void)
{
	fixture_setup();
	text = malloc(LEN);
	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < LEN; i++)
		text[i] = i % 71 == 70 ? '\n' : (char)('0' + i / 71 % 64);
	pieces[0] = (struct spool_piece){text, 777};
	pieces[1] = (struct spool_piece){text + 777, SPOOL_PIECE_MAX};
	pieces[2] = (struct spool_piece){
	    text + 777 + SPOOL_PIECE_MAX, LEN - 777 - SPOOL_PIECE_MAX};
	fixture_envelope(&envelope, 1, LEN);
	ck_assert_int_eq(spool_draft_init(&draft, &envelope, pieces, 3,
			     SPOOL_PIECE_MAX, FIXTURE_NOW_MS),
	    0);
}

static void
teardown(void)
{
	spool_draft_release(&draft);
	envelope_release(&envelope);
	free(text);
	fixture_teardown();
}

static int
put_piece(void)
{
	int rc;

	fixture_begin(SPOOL_WRITE);
	rc = spool_draft_put(fixture_spool, &draft);
	if (rc >= 0)
		fixture_commit();
	else
		spool_abort(fixture_spool);
	return rc;
}

static int
submit(void)
{
	return spool_submit(fixture_spool, &envelope, pieces, 3, FIXTURE_NOW_MS,
	    clock_boot_ms() + 10000, &result);
}

/* How many transactions removed what a sweep at this time removes. */
static int
sweep_at(int64_t now_ms)
{
	int count = 0;
	int rc;

	for (;;) {
		fixture_begin(SPOOL_CHANGE);
		rc = spool_sweep(fixture_spool, now_ms);
		ck_assert_int_ge(rc, 0);
		fixture_commit();
		if (rc == 0)
			return count;
		count++;
	}
}

static bool
is_empty(void)
{
	uint64_t id = 0;
	int64_t due_ms = 0;
	int64_t next_due_ms;
	int rc;

	fixture_begin(SPOOL_READ);
	rc = spool_next(fixture_spool, &id);
	ck_assert_int_eq(spool_next_due(fixture_spool, INT64_MAX / 2, &due_ms,
			     &id, &next_due_ms),
	    rc);
	spool_abort(fixture_spool);
	return rc == -ENOENT;
}

static void
check_text(uint64_t id)
{
	struct digest *d = digest_new();
	struct buf got = BUF_INIT;
	uint32_t chunk = 0;

	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(
	    spool_read_text(fixture_spool, id, &chunk, SIZE_MAX, &got), 0);
	ck_assert_uint_eq(got.len, LEN);
	ck_assert(memcmp(got.data, text, LEN) == 0);
	digest_add(d, got.data, got.len);
	ck_assert_int_eq(spool_verify(fixture_spool, id, d), 0);
	spool_abort(fixture_spool);
	buf_release(&got);
	digest_free(d);
}

/* ---- as it should be ----------------------------------------------- */

START_TEST(a_long_message_becomes_one_with_its_last_piece)
{
	ck_assert_int_eq(put_piece(), 1);
	ck_assert(is_empty());
	fixture_check_counters();
	ck_assert_int_eq(put_piece(), 1);
	ck_assert(is_empty());
	fixture_check_counters();
	ck_assert_int_eq(put_piece(), 0);
	ck_assert(!is_empty());
	fixture_check_counters();
	check_text(draft.id);
	ck_assert_int_eq(sweep_at(INT64_MAX / 2), 0);
}
END_TEST

START_TEST(others_have_their_turns_in_between)
{
	uint64_t other;

	ck_assert_int_eq(put_piece(), 1);
	other = fixture_put_one("other\n");
	ck_assert_uint_gt(other, draft.id);
	ck_assert_int_eq(put_piece(), 1);
	fixture_put_one("one more\n");
	ck_assert_int_eq(put_piece(), 0);
	check_text(draft.id);
	fixture_check_counters();
}
END_TEST

static size_t
last_transaction(void)
{
	struct environment e;
	MDB_envinfo info;

	fixture_open_raw(&e);
	ck_assert_int_eq(mdb_env_info(e.env, &info), 0);
	environment_close(&e);
	return info.me_last_txnid;
}

START_TEST(a_long_message_is_submitted_in_pieces)
{
	size_t before = last_transaction();

	ck_assert_int_eq(submit(), 0);
	ck_assert_uint_eq(last_transaction() - before, 3);
	check_text(result.id);
	fixture_check_counters();
}
END_TEST

START_TEST(one_that_fits_into_a_piece_needs_no_mark)
{
	size_t before = last_transaction();
	struct spool_piece piece = {text, SPOOL_PIECE_MAX};

	envelope.text_len = piece.len;
	ck_assert_int_eq(spool_submit(fixture_spool, &envelope, &piece, 1,
			     FIXTURE_NOW_MS, clock_boot_ms() + 10000, &result),
	    0);
	ck_assert_uint_eq(last_transaction() - before, 1);
	ck_assert(!is_empty());
	envelope.text_len = LEN;
}
END_TEST

/* ---- a signal meanwhile -------------------------------------------- */

START_TEST(only_the_last_commit_leaves_a_doubt)
{
	ck_assert_int_eq(put_piece(), 1);
	ck_assert(!spool_is_in_doubt);
	ck_assert_int_eq(put_piece(), 1);
	ck_assert(!spool_is_in_doubt);
	ck_assert_int_eq(put_piece(), 0);
	ck_assert(spool_is_in_doubt);
}
END_TEST

/* ---- a sender that dies -------------------------------------------- */

START_TEST(what_a_dead_sender_put_is_removed_when_its_time_is_over)
{
	struct census fresh;
	struct census swept;

	fixture_census(&fresh);
	ck_assert_int_eq(put_piece(), 1);
	ck_assert_int_eq(put_piece(), 1);
	ck_assert_int_eq(sweep_at(FIXTURE_NOW_MS), 0);
	ck_assert_int_eq(sweep_at(UNTIL_MS - 1), 0);
	ck_assert_int_ge(sweep_at(UNTIL_MS), 3);
	fixture_check_counters();
	fixture_census(&swept);
	ck_assert_mem_eq(&fresh, &swept, sizeof(fresh));
}
END_TEST

START_TEST(or_when_the_clock_was_put_back_by_more)
{
	ck_assert_int_eq(put_piece(), 1);
	ck_assert_int_ge(sweep_at(FIXTURE_NOW_MS - 1), 3);
}
END_TEST

START_TEST(one_that_is_alive_does_not_keep_what_others_left)
{
	ck_assert_int_eq(put_piece(), 1);
	ck_assert_int_eq(submit(), 0);
	fixture_begin(SPOOL_CHANGE);
	ck_assert_int_eq(spool_remove(fixture_spool, result.id), 0);
	fixture_commit();
	fixture_begin(SPOOL_READ);
	ck_assert(spool_has_leftovers(fixture_spool, FIXTURE_NOW_MS));
	spool_abort(fixture_spool);
	ck_assert_int_ge(sweep_at(FIXTURE_NOW_MS), 3);
	fixture_check_counters();
	ck_assert_int_eq(put_piece(), 1);
	ck_assert_int_eq(put_piece(), 0);
	check_text(draft.id);
}
END_TEST

START_TEST(the_repair_knows_what_is_being_put)
{
	struct spool_counters c;

	ck_assert_int_eq(put_piece(), 1);
	fixture_begin(SPOOL_CHANGE);
	ck_assert(!spool_is_doubtful(fixture_spool));
	ck_assert_int_eq(spool_repair(fixture_spool), 0);
	ck_assert_int_eq(spool_get_counters(fixture_spool, &c), 0);
	ck_assert_uint_eq(c.last_id, draft.id);
	spool_abort(fixture_spool);
}
END_TEST

/* How many pieces of it were swept. */
static const int sweeps[] = {1, 100};

START_TEST(who_is_late_cannot_go_on)
{
	ck_assert_int_eq(put_piece(), 1);
	ck_assert_int_eq(put_piece(), 1);
	for (int i = 0; i < sweeps[_i]; i++) {
		fixture_begin(SPOOL_CHANGE);
		ck_assert_int_ge(spool_sweep(fixture_spool, UNTIL_MS), 0);
		fixture_commit();
	}
	ck_assert_int_eq(put_piece(), -ETIMEDOUT);
	ck_assert(is_empty());
	fixture_check_counters();
}
END_TEST

START_TEST(what_is_given_up_is_removed_at_once)
{
	ck_assert_int_eq(put_piece(), 1);
	fixture_begin(SPOOL_CHANGE);
	ck_assert_int_eq(spool_draft_discard(fixture_spool, &draft), 0);
	fixture_commit();
	ck_assert_int_eq(put_piece(), -ETIMEDOUT);
	ck_assert_int_ge(sweep_at(FIXTURE_NOW_MS), 3);
	fixture_check_counters();
}
END_TEST

/* ---- limits -------------------------------------------------------- */

/* Its own pieces must not count as what was there before. */
START_TEST(the_quota_has_room_for_all_of_it_or_refuses_it_at_once)
{
	struct spool_settings settings = spool_settings_default;
	size_t before;

	settings.quota_bytes = LEN;
	fixture_replace(&settings);
	ck_assert_int_eq(submit(), 0);
	before = last_transaction();
	ck_assert_int_eq(submit(), -EDQUOT);
	ck_assert_int_eq(result.limit, SUBMIT_QUOTA);
	ck_assert_uint_eq(last_transaction(), before);
	fixture_check_counters();
}
END_TEST

/* ---- the suite ----------------------------------------------------- */

Suite *
draft_suite(void)
{
	Suite *s = suite_create("draft");
	TCase *tc = tcase_create("draft");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_long_message_becomes_one_with_its_last_piece);
	tcase_add_test(tc, others_have_their_turns_in_between);
	tcase_add_test(tc, a_long_message_is_submitted_in_pieces);
	tcase_add_test(tc, one_that_fits_into_a_piece_needs_no_mark);
	tcase_add_test(tc, only_the_last_commit_leaves_a_doubt);
	tcase_add_test(
	    tc, what_a_dead_sender_put_is_removed_when_its_time_is_over);
	tcase_add_test(tc, or_when_the_clock_was_put_back_by_more);
	tcase_add_test(tc, one_that_is_alive_does_not_keep_what_others_left);
	tcase_add_test(tc, the_repair_knows_what_is_being_put);
	tcase_add_loop_test(
	    tc, who_is_late_cannot_go_on, 0, (int)ARRAY_LEN(sweeps));
	tcase_add_test(tc, what_is_given_up_is_removed_at_once);
	tcase_add_test(
	    tc, the_quota_has_room_for_all_of_it_or_refuses_it_at_once);
	suite_add_tcase(s, tc);
	return s;
}
