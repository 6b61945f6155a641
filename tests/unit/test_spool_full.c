/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "spool/submit.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

enum { LARGE = 8 << 20 }; /* more than the map has to spare */

static char *large_text; /* of LARGE bytes */

static void
setup(void)
{
	fixture_setup();
	large_text = malloc(LARGE);
	ck_assert_ptr_nonnull(large_text);
	memset(large_text, 'x', LARGE);
}

static void
teardown(void)
{
	free(large_text);
	fixture_teardown();
}

static int
submit(size_t len, uint64_t *id)
{
	const struct spool_piece piece = {.data = large_text, .len = len};
	struct submit_result result;
	struct envelope e;
	int rc;

	fixture_envelope(&e, 1, len);
	rc = spool_submit(fixture_spool, &e, &piece, 1, FIXTURE_NOW_MS,
	    clock_boot_ms() + 10000, &result);
	*id = result.id;
	envelope_release(&e);
	return rc;
}

/* Files may grow up to len bytes: beyond, write(2) fails with EFBIG. */
static void
limit_files(rlim_t len)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = len;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static size_t
file_len(void)
{
	struct stat st;

	ck_assert_int_eq(stat(fixture_name("spool/" SPOOL_FILE), &st), 0);
	return (size_t)st.st_size;
}

START_TEST(a_map_that_is_too_small_is_enospc_and_harms_nothing)
{
	const struct spool_piece piece = {.data = large_text, .len = LARGE};
	struct census before;
	struct census after;
	struct envelope e;
	uint64_t id = fixture_put_one("stays\n");

	fixture_census(&before);
	fixture_envelope(&e, 1, LARGE);
	/* It said that it would add nothing. */
	ck_assert_int_eq(
	    spool_begin(fixture_spool, SPOOL_WRITE, 0, clock_boot_ms() + 10000),
	    0);
	ck_assert_int_eq(
	    spool_put(fixture_spool, &e, &piece, 1, FIXTURE_NOW_MS, &id),
	    -ENOSPC);
	if (_i == 0)
		spool_abort(fixture_spool);
	else /* half a message must not be committed by mistake */
		ck_assert_int_lt(spool_commit(fixture_spool), 0);
	fixture_census(&after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	fixture_check_counters();
	ck_assert_int_eq(submit(LARGE, &id), 0);
	envelope_release(&e);
}
END_TEST

START_TEST(a_full_disk_is_an_error_and_harms_nothing)
{
	static const size_t rooms[] = {0, 4096, 65536, 1 << 20};
	struct census before;
	struct census after;
	uint64_t id = 0;
	int rc;

	fixture_put_one("stays\n");
	fixture_census(&before);
	limit_files(file_len() + rooms[_i]);
	rc = submit(4 << 20, &id);
	ck_assert_msg(rc < 0 && rc != -EINPROGRESS,
	    "room for %zu: got %d, want an error", rooms[_i], rc);
	ck_assert_uint_eq(id, 0);
	fixture_census(&after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	fixture_check_counters();

	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(submit(4 << 20, &id), 0);
	fixture_check_counters();
}
END_TEST

/* With the page that counts refused, nobody can know. */
START_TEST(a_full_spool_can_be_emptied)
{
	uint64_t id = 0;
	uint64_t other = 0;

	fixture_put_one("stays\n");
	ck_assert_int_eq(submit(1 << 20, &id), 0);
	limit_files(file_len());
	ck_assert_int_lt(submit(4 << 20, &other), 0);
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(spool_remove(fixture_spool, id), 0);
	(void)!spool_commit(fixture_spool);
	limit_files(RLIM_INFINITY);
	fixture_check_counters();
}
END_TEST

/* What a submission says it needs is enough, however the file looks inside. */
START_TEST(the_space_of_removed_messages_is_used_again)
{
	uint64_t ids[8] = {0};
	size_t len = 0;

	for (int round = 0; round < 40; round++) {
		uint64_t *id = &ids[round % 8];

		if (*id) {
			fixture_begin(SPOOL_WRITE);
			ck_assert_int_eq(spool_remove(fixture_spool, *id), 0);
			fixture_commit();
		}
		ck_assert_int_eq(
		    submit(100000 + (size_t)round % 7 * 50000, id), 0);
		if (round == 20)
			len = file_len();
	}
	ck_assert_uint_lt(file_len(), len + (2 << 20));
	fixture_check_counters();
}
END_TEST

Suite *
spool_full_suite(void)
{
	Suite *s = suite_create("spool_full");
	TCase *tc = tcase_create("spool_full");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, a_map_that_is_too_small_is_enospc_and_harms_nothing, 0, 2);
	tcase_add_loop_test(
	    tc, a_full_disk_is_an_error_and_harms_nothing, 0, 4);
	tcase_add_test(tc, a_full_spool_can_be_emptied);
	tcase_add_test(tc, the_space_of_removed_messages_is_used_again);
	suite_add_tcase(s, tc);
	return s;
}
