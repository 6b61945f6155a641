/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "spool/submit.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

static int
submit(size_t recipient_count, const char *text, uint64_t *id)
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
	    clock_boot_ms() + 10000, id);
	envelope_release(&e);
	return rc;
}

/* Settings, and what becomes of ten bytes to three recipients. */
static const struct {
	const char *name;
	uint64_t bytes_max;
	uint64_t recipients_max;
	uint64_t quota;
	bool is_blocked;
	int want;
} limits[] = {
    {"all within", 10, 3, 10, false, 0},
    {"no limits", UINT64_MAX, UINT64_MAX, UINT64_MAX, false, 0},
    {"a byte too long", 9, 3, 10, false, -EMSGSIZE},
    {"a recipient too many", 10, 2, 10, false, -E2BIG},
    {"a byte over the quota", 10, 3, 9, false, -EDQUOT},
    {"blocked", 10, 3, 10, true, -ECANCELED},
    {"blocked, whatever else", 0, 0, 0, true, -ECANCELED},
    {"nothing allowed", 0, 0, 0, false, -EMSGSIZE},
};

START_TEST(a_message_is_taken_within_the_limits_only)
{
	const struct spool_settings settings = {
	    .message_bytes_max = limits[_i].bytes_max,
	    .recipients_max = limits[_i].recipients_max,
	    .quota_bytes = limits[_i].quota,
	    .is_blocked = limits[_i].is_blocked,
	};
	struct census before;
	struct census after;
	uint64_t id = 0;
	int rc;

	fixture_replace(&settings);
	fixture_census(&before);
	rc = submit(3, "ten bytes\n", &id);
	ck_assert_msg(rc == limits[_i].want, "%s: got %d, want %d",
	    limits[_i].name, rc, limits[_i].want);
	fixture_census(&after);
	if (rc < 0) {
		ck_assert_mem_eq(&before, &after, sizeof(before));
		ck_assert_uint_eq(id, 0);
	} else {
		ck_assert_uint_eq(after.count[PHASE_NEW], 1);
		ck_assert_uint_ne(id, 0);
	}
	fixture_check_counters();
}
END_TEST

START_TEST(the_quota_counts_what_is_there_already)
{
	struct spool_settings settings = spool_settings_default;
	uint64_t id = 0;
	uint64_t first = 0;

	settings.quota_bytes = 200; /* one envelope and text, not two */
	fixture_replace(&settings);
	ck_assert_int_eq(submit(1, "ten bytes\n", &first), 0);
	while (submit(1, "ten bytes\n", &id) == 0)
		continue;
	ck_assert_int_eq(submit(1, "ten bytes\n", &id), -EDQUOT);
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(spool_remove(fixture_spool, first), 0);
	fixture_commit();
	ck_assert_int_eq(submit(1, "ten bytes\n", &id), 0);
	fixture_check_counters();
}
END_TEST

START_TEST(a_submitted_message_is_due_at_once)
{
	int64_t next_ms;
	int64_t due_ms = 0;
	uint64_t found = 0;
	uint64_t id = 0;

	ck_assert_int_eq(submit(2, "text\n", &id), 0);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_next_due(fixture_spool, FIXTURE_NOW_MS, &due_ms,
			     &found, &next_ms),
	    0);
	ck_assert_uint_eq(found, id);
	ck_assert_int_eq(due_ms, FIXTURE_NOW_MS);
}
END_TEST

/* More than the map has to spare. */
START_TEST(many_addresses_as_long_as_can_be_find_room)
{
	struct spool_settings settings = spool_settings_default;
	char address[ENVELOPE_ADDRESS_MAX];
	struct envelope e;
	uint64_t id;

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
			clock_boot_ms() + 10000, &id),
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
	tcase_set_timeout(tc, 20);
	tcase_add_loop_test(tc, a_message_is_taken_within_the_limits_only, 0,
	    (int)ARRAY_LEN(limits));
	tcase_add_test(tc, the_quota_counts_what_is_there_already);
	tcase_add_test(tc, a_submitted_message_is_due_at_once);
	tcase_add_test(tc, many_addresses_as_long_as_can_be_find_room);
	suite_add_tcase(s, tc);
	return s;
}
