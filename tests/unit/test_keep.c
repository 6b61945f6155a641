/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "flushd/keep.h"
#include "mail/queue_id.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

#define HOUR (INT64_C(3600) * 1000)
#define DAY  (24 * HOUR)
/* What the fixture's clock says is the time of the last attempt. */
#define THEN INT64_C(1700000000)
#define NOW  (THEN + 30 * DAY + 1)

static const struct clock_moment now = {
    .wall_ms = NOW, .boot_ms = 90 * DAY, .boot_id = 5};

static void
setup(void)
{
	fixture_setup();
	/* The log goes into a file that the test can read. */
	ck_assert(freopen(fixture_name("log"), "w", stderr) != NULL);
}

static uint64_t
put_failed(const char *text, size_t len, const struct clock_moment *then)
{
	struct message_state state;
	struct envelope e;
	uint64_t id;

	fixture_begin(SPOOL_WRITE);
	id = fixture_put(text, len, THEN - HOUR);
	ck_assert_int_eq(spool_get(fixture_spool, id, &e, &state), 0);
	state.phase = PHASE_FAILED;
	state.recipients[0].status = RECIPIENT_FAILED;
	state.last_attempt_ms = then->wall_ms;
	state.last_attempt_boot_ms = then->boot_ms;
	state.last_attempt_boot_id = then->boot_id;
	ck_assert_int_eq(spool_set_state(fixture_spool, id, &state), 0);
	fixture_commit();
	envelope_release(&e);
	state_release(&state);
	return id;
}

static bool
exists(uint64_t id)
{
	struct message_state state;
	struct envelope e;
	int rc;

	fixture_begin(SPOOL_READ);
	rc = spool_get(fixture_spool, id, &e, &state);
	spool_abort(fixture_spool);
	if (rc < 0)
		return false;
	envelope_release(&e);
	state_release(&state);
	return true;
}

static void
expire(const struct clock_moment *at)
{
	ck_assert_int_eq(
	    keep_expire(fixture_spool, &retry_policy_default, at), 0);
	fixture_check_counters();
}

static size_t
count_log(const char *needle)
{
	char line[1024];
	size_t count = 0;
	FILE *f;

	fflush(stderr);
	f = fopen(fixture_name("log"), "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		count += strstr(line, needle) != NULL;
	fclose(f);
	return count;
}

static const struct {
	const char *name;
	struct clock_moment then, now;
	bool is_kept;
} times[] = {
    {"30 days", {THEN, 0, 1}, {NOW, 30 * DAY + 1, 1}, false},
    {"a moment less", {THEN, 0, 1}, {NOW, 30 * DAY, 1}, true},
    {"the clock was put forward", {THEN, 0, 1}, {NOW + 999 * DAY, HOUR, 1},
	true},
    {"the host was booted", {THEN, 0, 1}, {NOW, HOUR, 2}, false},
    {"it was booted just now", {THEN, 0, 1}, {NOW, HOUR - 1, 2}, true},
    {"the clock was put back", {NOW + 1, 0, 1}, {NOW, HOUR, 2}, true},
    {"the boot is not known", {THEN, 0, 0}, {NOW, HOUR, 0}, false},
};

START_TEST(what_failed_is_kept_for_thirty_days)
{
	const uint64_t id = put_failed("text\n", 5, &times[_i].then);

	expire(&times[_i].now);
	ck_assert_msg(exists(id) == times[_i].is_kept, "%s", times[_i].name);
	ck_assert_uint_eq(count_log("status=removed"), !times[_i].is_kept);
}
END_TEST

START_TEST(only_what_failed_is_removed)
{
	uint64_t ids[PHASE_COUNT];

	for (int i = 0; i < PHASE_COUNT; i++) {
		fixture_begin(SPOOL_CHANGE);
		ids[i] = fixture_put("text\n", 5, THEN);
		fixture_set(ids[i], (enum message_phase)i, 0);
		fixture_commit();
	}
	expire(&now);
	for (int i = 0; i < PHASE_COUNT; i++)
		ck_assert_int_eq(exists(ids[i]), i != PHASE_FAILED);
}
END_TEST

START_TEST(the_log_says_which)
{
	const uint64_t id =
	    put_failed("text\n", 5, &(struct clock_moment){.wall_ms = THEN});
	char name[QUEUE_ID_TEXT_MAX];
	char want[200];

	expire(&now);
	snprintf(want, sizeof(want),
	    "id=%s status=removed reason=\"failed 30 days ago\" "
	    "from=<a@example.org> to=<",
	    queue_id_format(id, name));
	ck_assert_uint_eq(count_log(want), 1);
}
END_TEST

START_TEST(a_message_that_failed_late_is_kept_from_then_on)
{
	const struct clock_moment late = {.wall_ms = NOW - 29 * DAY};
	const uint64_t id = put_failed("text\n", 5, &late);

	expire(&now);
	ck_assert(exists(id));
}
END_TEST

START_TEST(many_are_removed_and_long_ones_too)
{
	enum { MANY = 130, LONG = 3 };
	const struct clock_moment then = {.wall_ms = THEN};
	const size_t len = 3 << 20;
	char *text = calloc(1, len);
	struct census c;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', len);
	for (int i = 0; i < MANY; i++)
		put_failed(text, 100, &then);
	for (int i = 0; i < LONG; i++)
		put_failed(text, len, &then);
	expire(&now);
	ck_assert_uint_eq(count_log("status=removed"), MANY + LONG);
	fixture_census(&c);
	ck_assert_uint_eq(c.count[PHASE_FAILED], 0);
	free(text);
}
END_TEST

START_TEST(a_damaged_one_stays_and_stops_no_other)
{
	const struct clock_moment then = {.wall_ms = THEN};
	const uint64_t damaged = put_failed("text\n", 5, &then);
	const uint64_t other = put_failed("text\n", 5, &then);

	fixture_set_chunk(damaged, 2, 0, "?", 1);
	ck_assert_int_eq(
	    keep_expire(fixture_spool, &retry_policy_default, &now), 0);
	ck_assert(!exists(other));
	ck_assert_uint_eq(count_log("status=removed"), 1);
}
END_TEST

Suite *
keep_suite(void)
{
	Suite *s = suite_create("keep");
	TCase *tc = tcase_create("keep");

	tcase_add_checked_fixture(tc, setup, fixture_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(
	    tc, what_failed_is_kept_for_thirty_days, 0, (int)ARRAY_LEN(times));
	tcase_add_test(tc, only_what_failed_is_removed);
	tcase_add_test(tc, the_log_says_which);
	tcase_add_test(tc, a_message_that_failed_late_is_kept_from_then_on);
	tcase_add_test(tc, many_are_removed_and_long_ones_too);
	tcase_add_test(tc, a_damaged_one_stays_and_stops_no_other);
	suite_add_tcase(s, tc);
	return s;
}
