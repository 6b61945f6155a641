/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "flushd/crash.h"
#include "flushd/ledger.h"
#include "flushd/turn.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

enum { PATIENCE_MS = 20 * 1000, NOTHING = 4711 };

static const struct delivery_from from = {"host.test", "site1"};

static sd_event *event;
static struct ledger *ledger;
static struct settled counts;
static size_t recorded;	    /* times that it was called */
static int settled;	    /* what it was called with */
static struct rlimit files; /* as it was */

static void
on_recorded(void *context, const struct outcome *o)
{
	(void)context;
	(void)o;
	recorded++;
}

static void
on_settled(void *context, int rc)
{
	(void)context;
	settled = rc;
}

static void
setup(void)
{
	static const struct ledger_user user = {
	    .recorded = on_recorded, .settled = on_settled, .counts = &counts};

	fixture_setup();
	ck_assert(freopen("/dev/null", "w", stderr) != NULL);
	ck_assert_int_ge(sd_event_new(&event), 0);
	ledger = ledger_new(event, fixture_spool, &user);
	settled = NOTHING;
}

static void
teardown(void)
{
	ledger_free(ledger);
	sd_event_unref(event);
	fixture_teardown();
}

/* The message was sent: to everybody, unless keep is to become of it. */
static void
make(struct outcome *o, uint64_t id, enum attempt_verdict verdict)
{
	*o = (struct outcome){.verdict = verdict};
	ck_assert_int_eq(turn_begin(fixture_spool, SPOOL_CHANGE), 0);
	ck_assert_int_eq(delivery_load(&o->delivery, fixture_spool, id,
			     FIXTURE_NOW_MS, &from),
	    0);
	spool_abort(fixture_spool);
}

static int
take(uint64_t id, bool is_alone)
{
	struct outcome o;

	make(&o, id, ATTEMPT_REMOVE);
	return ledger_take(ledger, &o, is_alone);
}

/* Take so many that need not be recorded at once. */
static void
take_some(size_t count)
{
	while (count-- > 0)
		ck_assert_int_eq(take(fixture_put_one("text\n"), false), 0);
}

static size_t
waiting(void)
{
	struct spool_counters c;

	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get_counters(fixture_spool, &c), 0);
	spool_abort(fixture_spool);
	return c.count[PHASE_NEW];
}

/* Until so many were recorded. */
static void
run_until_recorded(size_t count)
{
	const int64_t end_ms = clock_boot_ms() + PATIENCE_MS;

	while (recorded < count) {
		ck_assert(clock_boot_ms() < end_ms);
		ck_assert_int_ge(sd_event_run(event, 1000), 0);
	}
}

/* No file can be opened: a turn at the spool fails. */
static void
forbid_files(void)
{
	int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct rlimit r;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	r = (struct rlimit){(rlim_t)lowest, files.rlim_max};
	close(lowest);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
}

static void
allow_files(void)
{
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
}

/* A message whose removal fails, as its page says that it is three. */
static uint64_t
put_irremovable(struct outcome *o)
{
	char text[3000];
	uint64_t id;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "NEEDLE", 6);
	id = fixture_put_one(text);
	make(o, id, ATTEMPT_REMOVE);
	fixture_flip("NEEDLE", -4, 2);
	return id;
}

START_TEST(one_that_is_alone_is_recorded_at_once)
{
	ck_assert_int_eq(take(fixture_put_one("text\n"), true), 0);
	ck_assert_uint_eq(recorded, 1);
	ck_assert_uint_eq(ledger_count(ledger), 0);
	ck_assert_uint_eq(waiting(), 0);
}
END_TEST

START_TEST(several_are_gathered_until_their_time_comes)
{
	take_some(3);
	ck_assert_uint_eq(recorded, 0);
	ck_assert_uint_eq(ledger_count(ledger), 3);
	ck_assert_uint_eq(waiting(), 3);
	run_until_recorded(3);
	ck_assert_uint_eq(ledger_count(ledger), 0);
	ck_assert_uint_eq(waiting(), 0);
	/* Nobody waited for it. */
	ck_assert_int_eq(settled, NOTHING);
}
END_TEST

START_TEST(they_are_recorded_with_one_that_is_alone)
{
	take_some(3);
	ck_assert_int_eq(take(fixture_put_one("text\n"), true), 0);
	ck_assert_uint_eq(recorded, 4);
	ck_assert_uint_eq(waiting(), 0);
}
END_TEST

START_TEST(no_more_are_gathered_than_there_may_be)
{
	take_some(LEDGER_MAX - 1);
	ck_assert_uint_eq(recorded, 0);
	take_some(1);
	ck_assert_uint_eq(recorded, LEDGER_MAX);
	ck_assert_uint_eq(ledger_count(ledger), 0);
}
END_TEST

/* It may need a report, and room for it. */
START_TEST(one_that_is_not_plain_is_recorded_at_once_with_the_others)
{
	struct outcome o;

	take_some(2);
	make(&o, fixture_put_one("text\n"), ATTEMPT_KEEP);
	ck_assert_int_eq(ledger_take(ledger, &o, false), 0);
	ck_assert_uint_eq(recorded, 3);
	ck_assert_uint_eq(waiting(), 1);
}
END_TEST

START_TEST(what_was_removed_meanwhile_is_no_error)
{
	struct outcome o;
	const uint64_t id = fixture_put_one("text\n");

	make(&o, id, ATTEMPT_REMOVE);
	fixture_begin(SPOOL_CHANGE);
	ck_assert_int_eq(spool_remove(fixture_spool, id), 0);
	fixture_commit();
	take_some(2);
	ck_assert_int_eq(ledger_take(ledger, &o, true), 0);
	ck_assert_uint_eq(recorded, 3);
	ck_assert_uint_eq(waiting(), 0);
}
END_TEST

START_TEST(what_fails_for_now_is_tried_again)
{
	take_some(3);
	forbid_files();
	ck_assert_int_eq(ledger_record(ledger), 1);
	ck_assert(ledger_is_stuck(ledger));
	ck_assert_uint_eq(ledger_count(ledger), 3);
	allow_files();
	run_until_recorded(3);
	ck_assert(!ledger_is_stuck(ledger));
	ck_assert_uint_eq(waiting(), 0);
	ck_assert_int_eq(settled, 0);
}
END_TEST

/* A lane may have had it under way. */
START_TEST(what_comes_while_it_is_stuck_is_recorded_with_the_rest)
{
	struct outcome o;

	make(&o, fixture_put_one("text\n"), ATTEMPT_REMOVE);
	take_some(2);
	forbid_files();
	ck_assert_int_eq(ledger_record(ledger), 1);
	ck_assert_int_eq(ledger_take(ledger, &o, true), 1);
	ck_assert_uint_eq(recorded, 0);
	allow_files();
	run_until_recorded(3);
	ck_assert_int_eq(settled, 0);
}
END_TEST

START_TEST(when_it_is_stuck_there_is_room_for_what_is_under_way)
{
	struct outcome o[3];

	for (size_t i = 0; i < ARRAY_LEN(o); i++)
		make(&o[i], fixture_put_one("text\n"), ATTEMPT_REMOVE);
	take_some(LEDGER_MAX - 1);
	forbid_files();
	for (size_t i = 0; i < ARRAY_LEN(o); i++)
		ck_assert_int_eq(ledger_take(ledger, &o[i], true), 1);
	allow_files();
	run_until_recorded(LEDGER_MAX - 1 + ARRAY_LEN(o));
}
END_TEST

/* Each by itself: only it is sent again. */
START_TEST(one_that_cannot_be_recorded_keeps_none_of_the_others)
{
	struct outcome o;

	put_irremovable(&o);
	take_some(5);
	ck_assert_int_eq(ledger_take(ledger, &o, false), 0);
	take_some(5);
	ck_assert_int_eq(ledger_record(ledger), -EBADMSG);
	ck_assert_uint_eq(recorded, 10);
	ck_assert_uint_eq(ledger_count(ledger), 1);
	ck_assert(!ledger_is_stuck(ledger));
	ck_assert_uint_eq(waiting(), 1);
}
END_TEST

START_TEST(a_spool_that_is_gone_is_an_error_for_good)
{
	take_some(3);
	ck_assert_int_eq(unlink(fixture_name("spool/data.mdb")), 0);
	ck_assert_int_eq(ledger_record(ledger), -ENOENT);
	ck_assert(!ledger_is_stuck(ledger));
	ck_assert_uint_eq(ledger_count(ledger), 3);
	ck_assert_uint_eq(recorded, 0);
}
END_TEST

/* Who gathered must hear of it, as nobody asked. */
START_TEST(an_error_for_good_is_said_when_the_time_has_come)
{
	const int64_t end_ms = clock_boot_ms() + PATIENCE_MS;

	take_some(3);
	ck_assert_int_eq(unlink(fixture_name("spool/data.mdb")), 0);
	while (settled == NOTHING) {
		ck_assert(clock_boot_ms() < end_ms);
		ck_assert_int_ge(sd_event_run(event, 1000), 0);
	}
	ck_assert_int_eq(settled, -ENOENT);
}
END_TEST

Suite *
ledger_suite(void)
{
	Suite *s = suite_create("ledger");
	TCase *t = tcase_create("ledger");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, one_that_is_alone_is_recorded_at_once);
	tcase_add_test(t, several_are_gathered_until_their_time_comes);
	tcase_add_test(t, they_are_recorded_with_one_that_is_alone);
	tcase_add_test(t, no_more_are_gathered_than_there_may_be);
	tcase_add_test(
	    t, one_that_is_not_plain_is_recorded_at_once_with_the_others);
	tcase_add_test(t, what_was_removed_meanwhile_is_no_error);
	tcase_add_test(t, what_fails_for_now_is_tried_again);
	tcase_add_test(
	    t, what_comes_while_it_is_stuck_is_recorded_with_the_rest);
	tcase_add_test(t, when_it_is_stuck_there_is_room_for_what_is_under_way);
	tcase_add_test(t, one_that_cannot_be_recorded_keeps_none_of_the_others);
	tcase_add_test(t, a_spool_that_is_gone_is_an_error_for_good);
	tcase_add_test(t, an_error_for_good_is_said_when_the_time_has_come);
	suite_add_tcase(s, t);
	return s;
}
