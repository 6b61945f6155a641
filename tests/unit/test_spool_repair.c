/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

/* More than one piece of what the repair reads at once. */
enum { MANY = 3000 };

static void
put_many(void)
{
	fixture_begin(SPOOL_WRITE);
	for (int i = 0; i < MANY; i++)
		fixture_put("text\n", 5, FIXTURE_NOW_MS);
	fixture_commit();
}

static void
forget_counters(void)
{
	fixture_set_raw("\3", 1, NULL, 0);
}

/* Remove the entry of a new message from the schedule. */
static void
unschedule(uint64_t id)
{
	unsigned char key[17] = {0x11};

	bytes_put_be64(key + 1, FIXTURE_NOW_MS);
	bytes_put_be64(key + 9, id);
	fixture_set_raw(key, sizeof(key), NULL, 0);
}

static int
repair(void)
{
	int rc;

	fixture_begin(SPOOL_CHANGE);
	rc = spool_repair(fixture_spool);
	fixture_commit();
	return rc;
}

static bool
is_doubtful(void)
{
	bool is;

	fixture_begin(SPOOL_READ);
	is = spool_is_doubtful(fixture_spool);
	spool_abort(fixture_spool);
	return is;
}

static off_t
file_len(void)
{
	struct stat st;

	ck_assert_int_eq(stat(fixture_name("spool/" SPOOL_FILE), &st), 0);
	return st.st_size;
}

/* ---- the count ----------------------------------------------------- */

START_TEST(many_messages_are_counted_piece_by_piece)
{
	put_many();
	ck_assert_int_eq(repair(), 0);
	forget_counters();
	ck_assert_int_eq(repair(), 1);
	fixture_check_counters();
	ck_assert(!is_doubtful());
}
END_TEST

START_TEST(a_state_of_several_chunks_is_counted)
{
	enum { RECIPIENTS = 1000 };
	const struct spool_piece text = {"text\n", 5};
	struct spool_counters c;
	struct message_state state;
	struct envelope e;
	uint64_t id;

	fixture_envelope(&e, RECIPIENTS, text.len);
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(
	    spool_put(fixture_spool, &e, &text, 1, FIXTURE_NOW_MS, &id), 0);
	state_init(&state, RECIPIENTS, FIXTURE_NOW_MS);
	state.phase = PHASE_DEFERRED;
	ck_assert_int_eq(spool_set_state(fixture_spool, id, &state), 0);
	fixture_commit();
	envelope_release(&e);
	state_release(&state);
	forget_counters();
	ck_assert_int_eq(repair(), 1);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get_counters(fixture_spool, &c), 0);
	spool_abort(fixture_spool);
	ck_assert_uint_eq(c.count[PHASE_DEFERRED], 1);
}
END_TEST

/* A sender has room for one message, and all others wait for it. */
START_TEST(what_is_right_is_not_written_again)
{
	off_t before;

	put_many();
	forget_counters();
	before = file_len();
	ck_assert_int_eq(repair(), 1);
	/* The schedule alone has more pages than that. */
	ck_assert_int_le(file_len() - before, 8 * 4096);
}
END_TEST

START_TEST(a_sender_leaves_the_schedule_to_the_worker)
{
	const uint64_t id = fixture_put_one("text\n");
	struct census c;

	unschedule(id);
	forget_counters();
	fixture_put_one("new\n");
	ck_assert(is_doubtful());
	ck_assert_int_eq(repair(), 1);
	ck_assert(!is_doubtful());
	fixture_check_counters();
	fixture_census(&c);
	ck_assert_uint_eq(c.schedule_count, 2);
}
END_TEST

/* ---- memory -------------------------------------------------------- */

/* What the process had at most, in KiB. */
static long
peak_kib(void)
{
	struct rusage usage;

	ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

/* In a process of its own: KiB that the repair needed, in units of 64. */
static int
measure_repair(void)
{
	struct spool *s = NULL;
	long before = peak_kib();
	int rc = spool_open(fixture_path, &s);

	if (rc == 0)
		rc = spool_begin(s, SPOOL_CHANGE, 0, clock_boot_ms() + 10000);
	if (rc == 0)
		rc = spool_repair(s);
	if (rc < 0)
		return 255;
	spool_close(s);
	rc = (int)((peak_kib() - before) / 64);
	return rc < 254 ? rc : 254;
}

START_TEST(what_was_read_does_not_stay_in_memory)
{
	enum { LEN = 4 << 20, COUNT = 20 };
	char *text = malloc(LEN);

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', LEN);
	for (int i = 0; i < COUNT; i++) {
		fixture_begin(SPOOL_WRITE);
		fixture_put(text, LEN, FIXTURE_NOW_MS);
		fixture_commit();
	}
	free(text);
	/* Each of them has some 20 pages of keys, each in memory with
	 * neighbours: all together are 25 MiB. */
	ck_assert_int_le(fixture_run_as(geteuid(), measure_repair), 10 * 16);
}
END_TEST

/* ---- the suite ----------------------------------------------------- */

Suite *
spool_repair_suite(void)
{
	Suite *s = suite_create("spool_repair");
	TCase *tc = tcase_create("spool_repair");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, many_messages_are_counted_piece_by_piece);
	tcase_add_test(tc, a_state_of_several_chunks_is_counted);
	tcase_add_test(tc, what_is_right_is_not_written_again);
	tcase_add_test(tc, a_sender_leaves_the_schedule_to_the_worker);
	tcase_add_test(tc, what_was_read_does_not_stay_in_memory);
	suite_add_tcase(s, tc);
	return s;
}
