/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "spool/submit.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

static struct submit_result result;

static int
submit(size_t recipient_count, const char *text)
{
	const size_t len = strlen(text);
	const struct spool_piece pieces[] = {
	    {.data = text, .len = len / 2},
	    {.data = text + len / 2, .len = len - len / 2},
	};
	struct envelope e;
	int rc;

	fixture_envelope(&e, recipient_count, len);
	rc = spool_submit(fixture_spool, &e, pieces, 2, FIXTURE_NOW_MS,
	    clock_boot_ms() + 10000, &result);
	envelope_release(&e);
	return rc;
}

/* ---- limits -------------------------------------------------------- */

#define ALL UINT64_MAX
enum { TEN = 11 + SUBMIT_RECEIVED_MAX }; /* ten bytes, as the relay counts */

/* Settings, and what becomes of ten bytes to three recipients. */
static const struct {
	const char *name;
	uint64_t bytes_max;
	uint64_t relay_bytes_max;
	uint64_t recipients_max;
	uint64_t quota;
	bool is_blocked;
	int want;
	enum submit_limit limit;
} limits[] = {
    {"all within", 10, TEN, 3, 10, false, 0, SUBMIT_WITHIN_LIMITS},
    {"no limits", ALL, ALL, ALL, ALL, false, 0, SUBMIT_WITHIN_LIMITS},
    {"a relay without", 10, 0, 3, 10, false, 0, SUBMIT_WITHIN_LIMITS},
    {"a byte too long", 9, TEN, 3, 10, false, -EMSGSIZE, SUBMIT_MESSAGE_BYTES},
    {"a byte too long for the relay", 10, TEN - 1, 3, 10, false, -EMSGSIZE,
	SUBMIT_RELAY_BYTES},
    {"much too long for the relay", ALL, 1, 3, ALL, false, -EMSGSIZE,
	SUBMIT_RELAY_BYTES},
    {"a recipient too many", 10, TEN, 2, 10, false, -E2BIG, SUBMIT_RECIPIENTS},
    {"a byte over the quota", 10, TEN, 3, 9, false, -EDQUOT, SUBMIT_QUOTA},
    {"blocked", 10, TEN, 3, 10, true, -ECANCELED, SUBMIT_BLOCKED},
    {"blocked, whatever else", 0, 1, 0, 0, true, -ECANCELED, SUBMIT_BLOCKED},
    {"nothing allowed", 0, 1, 0, 0, false, -EMSGSIZE, SUBMIT_MESSAGE_BYTES},
};

static void
use_limits(int i)
{
	fixture_replace(&(struct spool_settings){
	    .message_bytes_max = limits[i].bytes_max,
	    .relay_bytes_max = limits[i].relay_bytes_max,
	    .recipients_max = limits[i].recipients_max,
	    .quota_bytes = limits[i].quota,
	    .is_blocked = limits[i].is_blocked,
	});
}

START_TEST(a_message_is_taken_within_the_limits_only)
{
	struct census before;
	struct census after;
	int rc;

	use_limits(_i);
	fixture_census(&before);
	rc = submit(3, "ten bytes\n");
	ck_assert_msg(rc == limits[_i].want, "%s: got %d, want %d",
	    limits[_i].name, rc, limits[_i].want);
	fixture_census(&after);
	if (rc < 0) {
		ck_assert_mem_eq(&before, &after, sizeof(before));
		ck_assert_uint_eq(result.id, 0);
	} else {
		ck_assert_uint_eq(after.count[PHASE_NEW], 1);
		ck_assert_uint_ne(result.id, 0);
	}
	fixture_check_counters();
}
END_TEST

START_TEST(the_result_says_which_limit_it_was)
{
	use_limits(_i);
	(void)!submit(3, "ten bytes\n");
	ck_assert_msg(result.limit == limits[_i].limit, "%s: got %d, want %d",
	    limits[_i].name, (int)result.limit, (int)limits[_i].limit);
	ck_assert_uint_eq(result.relay_bytes, TEN);
	ck_assert_uint_eq(
	    result.settings.message_bytes_max, limits[_i].bytes_max);
	ck_assert_uint_eq(result.settings.quota_bytes, limits[_i].quota);
	ck_assert_uint_eq(result.counters.bytes, 0);
}
END_TEST

/* Line ends become CRLF; dots are doubled, but do not count (RFC 1870). */
START_TEST(the_relay_counts_two_bytes_for_a_line_end)
{
	ck_assert_int_eq(submit(1, ".\n\n..\nx\n"), 0);
	ck_assert_uint_eq(result.relay_bytes, 3 + 2 + 4 + 3 + TEN - 11);
}
END_TEST

START_TEST(without_a_transaction_the_result_is_empty)
{
	struct spool *other = NULL;
	struct envelope e;

	ck_assert_int_eq(spool_open(fixture_path, &other), 0);
	fixture_begin(SPOOL_WRITE); /* and so the other one is locked out */
	memset(&result, 0xff, sizeof(result));
	fixture_envelope(&e, 1, 0);
	ck_assert_int_eq(
	    spool_submit(other, &e, NULL, 0, FIXTURE_NOW_MS, 0, &result),
	    -ETIMEDOUT);
	ck_assert_uint_eq(result.settings.quota_bytes, 0);
	ck_assert_int_eq(result.limit, SUBMIT_WITHIN_LIMITS);
	ck_assert_uint_eq(result.id, 0);
	ck_assert_int_eq(spool_look(other, 0, &result), -ETIMEDOUT);
	envelope_release(&e);
	spool_close(other);
}
END_TEST

START_TEST(a_look_tells_the_limits_and_what_waits)
{
	struct spool *other = NULL;
	int rc;

	use_limits(_i);
	fixture_put_one("abc\n");
	rc = spool_look(fixture_spool, clock_boot_ms() + 10000, &result);
	ck_assert_int_eq(rc, limits[_i].is_blocked ? -ECANCELED : 0);
	ck_assert_int_eq(result.limit,
	    limits[_i].is_blocked ? SUBMIT_BLOCKED : SUBMIT_WITHIN_LIMITS);
	ck_assert_uint_eq(
	    result.settings.message_bytes_max, limits[_i].bytes_max);
	ck_assert_uint_eq(result.counters.count[PHASE_NEW], 1);
	/* The lock is free again. */
	ck_assert_int_eq(spool_open(fixture_path, &other), 0);
	ck_assert_int_eq(spool_begin(other, SPOOL_WRITE, 0, 0), 0);
	spool_close(other);
}
END_TEST

START_TEST(the_quota_counts_what_is_there_already)
{
	struct spool_settings settings = spool_settings_default;
	uint64_t first;

	settings.quota_bytes = 200; /* one envelope and text, not two */
	fixture_replace(&settings);
	ck_assert_int_eq(submit(1, "ten bytes\n"), 0);
	first = result.id;
	while (submit(1, "ten bytes\n") == 0)
		continue;
	ck_assert_int_eq(submit(1, "ten bytes\n"), -EDQUOT);
	ck_assert_uint_gt(result.counters.bytes, 190);
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(spool_remove(fixture_spool, first), 0);
	fixture_commit();
	ck_assert_int_eq(submit(1, "ten bytes\n"), 0);
	fixture_check_counters();
}
END_TEST

START_TEST(a_submitted_message_is_due_at_once)
{
	int64_t next_ms;
	int64_t due_ms = 0;
	uint64_t found = 0;

	ck_assert_int_eq(submit(2, "text\n"), 0);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_next_due(fixture_spool, FIXTURE_NOW_MS, &due_ms,
			     &found, &next_ms),
	    0);
	ck_assert_uint_eq(found, result.id);
	ck_assert_int_eq(due_ms, FIXTURE_NOW_MS);
}
END_TEST

/* More than the map has to spare. */
START_TEST(many_addresses_as_long_as_can_be_find_room)
{
	struct spool_settings settings = spool_settings_default;
	char address[ENVELOPE_ADDRESS_MAX];
	struct envelope e;

	settings.recipients_max = 5000;
	fixture_replace(&settings);
	envelope_init(&e);
	memset(address, 'x', sizeof(address));
	for (unsigned int i = 0; i < settings.recipients_max; i++) {
		address[0] = (char)('a' + i % 26);
		address[1] = (char)('a' + i / 26 % 26);
		address[2] = (char)('a' + i / 676);
		envelope_add_recipient(&e, address, sizeof(address));
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
		    spool_submit(fixture_spool, &e, NULL, 0, FIXTURE_NOW_MS,
			clock_boot_ms() + 10000, &result),
		    0);
	envelope_release(&e);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_next(fixture_spool, &(uint64_t){0}), 0);
}
END_TEST

Suite *
submit_suite(void)
{
	Suite *s = suite_create("submit");
	TCase *tc = tcase_create("submit");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_loop_test(tc, a_message_is_taken_within_the_limits_only, 0,
	    (int)ARRAY_LEN(limits));
	tcase_add_loop_test(
	    tc, the_result_says_which_limit_it_was, 0, (int)ARRAY_LEN(limits));
	tcase_add_test(tc, the_relay_counts_two_bytes_for_a_line_end);
	tcase_add_test(tc, without_a_transaction_the_result_is_empty);
	tcase_add_loop_test(tc, a_look_tells_the_limits_and_what_waits, 0,
	    (int)ARRAY_LEN(limits));
	tcase_add_test(tc, the_quota_counts_what_is_there_already);
	tcase_add_test(tc, a_submitted_message_is_due_at_once);
	tcase_add_test(tc, many_addresses_as_long_as_can_be_find_room);
	suite_add_tcase(s, tc);
	return s;
}
