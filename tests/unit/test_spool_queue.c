/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>

#include "unit/spool_fixture.h"
#include "unit/suites.h"

#define NOW	INT64_C(1000000000)
#define HORIZON SPOOL_DUE_HORIZON_MS
#define NEVER	INT64_MAX

enum { MESSAGES_MAX = 5 };

/*
 * Messages by phase and due time, and what spool_next_due() finds at NOW: their
 * indexes in order, and the next due time.
 */
static const struct {
	const char *name;
	struct {
		enum message_phase phase;
		int64_t due_ms;
	} messages[MESSAGES_MAX];
	int count;
	int due[MESSAGES_MAX];
	int due_count;
	int64_t next_due_ms;
} queues[] = {
    {"nothing", {{0}}, 0, {0}, 0, NEVER},
    {"due now", {{PHASE_NEW, NOW}}, 1, {0}, 1, NEVER},
    {"due in a millisecond", {{PHASE_NEW, NOW + 1}}, 1, {0}, 0, NOW + 1},
    {"by due time, not by age",
	{{PHASE_NEW, 30}, {PHASE_DEFERRED, 10}, {PHASE_NEW, 20}}, 3, {1, 2, 0},
	3, NEVER},
    {"the older first at the same time",
	{{PHASE_DEFERRED, 10}, {PHASE_NEW, 10}, {PHASE_DEFERRED, 10}}, 3,
	{0, 1, 2}, 3, NEVER},
    {"held and failed are never due",
	{{PHASE_HELD, 0}, {PHASE_FAILED, 1}, {PHASE_NEW, 2}}, 3, {2}, 1, NEVER},
    {"some due, some not",
	{{PHASE_DEFERRED, NOW + 60}, {PHASE_NEW, 5}, {PHASE_NEW, NOW + 50}}, 3,
	{1}, 1, NOW + 50},
    {"due at the horizon", {{PHASE_DEFERRED, NOW + HORIZON}}, 1, {0}, 0,
	NOW + HORIZON},
    {"the clock was set back", {{PHASE_DEFERRED, NOW + HORIZON + 1}}, 1, {0}, 1,
	NEVER},
    {"set back by very much",
	{{PHASE_DEFERRED, INT64_MAX}, {PHASE_DEFERRED, INT64_MAX - 1}}, 2,
	{1, 0}, 2, NEVER},
    {"set back, and one that waits",
	{{PHASE_DEFERRED, NOW + HORIZON + 1}, {PHASE_DEFERRED, NOW + 70}}, 2,
	{0}, 1, NOW + 70},
    {"due, waiting, set back",
	{{PHASE_DEFERRED, NOW + HORIZON + 9}, {PHASE_DEFERRED, NOW + 70},
	    {PHASE_NEW, 1}, {PHASE_DEFERRED, NOW + HORIZON}},
	4, {2, 0}, 2, NOW + 70},
};

START_TEST(the_schedule_finds_what_is_due_in_order)
{
	const char *name = queues[_i].name;
	uint64_t ids[MESSAGES_MAX];
	int64_t next_ms = -1;
	int64_t due_ms = 0;
	uint64_t id = 0;
	int rc;

	fixture_begin(SPOOL_WRITE);
	for (int i = 0; i < queues[_i].count; i++) {
		ids[i] = fixture_put("x\n", 2, FIXTURE_NOW_MS);
		fixture_set(ids[i], queues[_i].messages[i].phase,
		    queues[_i].messages[i].due_ms);
	}
	fixture_commit();
	fixture_begin(SPOOL_READ);
	for (int i = 0; i < queues[_i].due_count; i++) {
		int want = queues[_i].due[i];

		rc = spool_next_due(fixture_spool, NOW, &due_ms, &id, &next_ms);
		ck_assert_msg(
		    rc == 0, "%s: got %d, want message %d", name, rc, want);
		ck_assert_msg(id == ids[want], "%s: got %ju, want message %d",
		    name, (uintmax_t)(id - ids[0]), want);
		ck_assert_int_eq(due_ms, queues[_i].messages[want].due_ms);
	}
	rc = spool_next_due(fixture_spool, NOW, &due_ms, &id, &next_ms);
	ck_assert_msg(rc == -ENOENT, "%s: got %d, want %d", name, rc, -ENOENT);
	ck_assert_msg(next_ms == queues[_i].next_due_ms,
	    "%s: got %jd, want %jd", name, (intmax_t)next_ms,
	    (intmax_t)queues[_i].next_due_ms);
	spool_abort(fixture_spool);
	fixture_check_counters();
}
END_TEST

START_TEST(a_message_stays_in_the_schedule_at_its_last_time_only)
{
	uint64_t id = fixture_put_one("x\n");
	struct census c;

	fixture_begin(SPOOL_WRITE);
	for (int64_t due_ms = 1; due_ms < 50; due_ms++)
		fixture_set(id, PHASE_DEFERRED, due_ms);
	fixture_set(id, PHASE_DEFERRED, 49); /* no change at all */
	fixture_commit();
	fixture_census(&c); /* fails if entry and state differ */
	ck_assert_uint_eq(c.schedule_count, 1);
	fixture_check_counters();
}
END_TEST

START_TEST(a_released_message_is_due_again)
{
	static const enum message_phase phases[] = {PHASE_HELD, PHASE_FAILED};
	uint64_t id = fixture_put_one("x\n");
	int64_t next_ms;
	int64_t due_ms = 0;
	uint64_t found = 0;

	fixture_begin(SPOOL_WRITE);
	fixture_set(id, phases[_i], 0);
	fixture_commit();
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(
	    spool_next_due(fixture_spool, NOW, &due_ms, &found, &next_ms),
	    -ENOENT);
	fixture_set(id, PHASE_NEW, NOW);
	ck_assert_int_eq(
	    spool_next_due(fixture_spool, NOW, &due_ms, &found, &next_ms), 0);
	ck_assert_uint_eq(found, id);
	fixture_commit();
	fixture_check_counters();
}
END_TEST

START_TEST(unschedule_takes_the_entry_and_leaves_the_message)
{
	uint64_t id = fixture_put_one("x\n");
	struct message_state state;
	struct envelope e;
	int64_t next_ms;
	int64_t due_ms = 0;
	uint64_t found = 0;

	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(
	    spool_unschedule(fixture_spool, FIXTURE_NOW_MS, id), 0);
	ck_assert_int_eq(
	    spool_unschedule(fixture_spool, FIXTURE_NOW_MS, id), 0);
	ck_assert_int_eq(
	    spool_next_due(fixture_spool, INT64_MAX, &due_ms, &found, &next_ms),
	    -ENOENT);
	ck_assert_int_eq(spool_get(fixture_spool, id, &e, &state), 0);
	envelope_release(&e);
	state_release(&state);
}
END_TEST

Suite *
spool_queue_suite(void)
{
	Suite *s = suite_create("spool_queue");
	TCase *tc = tcase_create("spool_queue");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_loop_test(tc, the_schedule_finds_what_is_due_in_order, 0,
	    (int)ARRAY_LEN(queues));
	tcase_add_test(
	    tc, a_message_stays_in_the_schedule_at_its_last_time_only);
	tcase_add_loop_test(tc, a_released_message_is_due_again, 0, 2);
	tcase_add_test(tc, unschedule_takes_the_entry_and_leaves_the_message);
	suite_add_tcase(s, tc);
	return s;
}
