/* SPDX-License-Identifier: ISC */
/*
 * The keeper as a table: whatever a site is at, whatever comes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "flushd/child.h"
#include "flushd/health.h"
#include "unit/keeper_play.h"
#include "unit/suites.h"

enum { SOON_MS = 500 };

/* What the site is at. */
enum state {
	IDLE,	  /* nothing is due, its spool is watched */
	IDLE_DUE, /* something will be due soon */
	POLLED,	  /* it cannot be watched; something is due later */
	POLLED_DUE,
	WAITING, /* for a place: a rival has it */
	WORKING,
	LINKED,	  /* with a connection */
	LOOKING,  /* once more, as nothing was due */
	ACCUSING, /* the relay; no verdict yet */
	LEAVING,  /* as its turn is over; a rival waits */
	DELAYED,  /* a worker has failed */
	OUTAGE,	  /* the relay is down, and the worker has left */
	STOPPING,
	BARRED, /* its file is wrong */
	STATE_COUNT
};

static const char *const state_names[STATE_COUNT] = {
    "idle",
    "idle, due soon",
    "polled",
    "polled, due soon",
    "waiting",
    "working",
    "linked",
    "looking",
    "accusing",
    "leaving",
    "delayed",
    "outage",
    "stopping",
    "barred",
};

/* What comes. */
enum event {
	RUN,	 /* told to look, as after a start */
	TOUCHED, /* somebody submits */
	DUE,	 /* time passes */
	PLACE,	 /* the rival goes */
	TURN,	 /* a rival comes: the turn is over */
	NEED_RELAY,
	SAYS_IDLE,
	COMPLAINT,
	ENDS_AT,
	NONSENSE,
	DONE, /* these four are ends of the worker */
	RELAY_DOWN,
	FAILED,
	CRASHED,
	VERDICT_UP, /* of a probe, somebody else's perhaps */
	VERDICT_DOWN,
	FORGIVE, /* SIGHUP */
	STOP,
	KILL,
	EVENT_COUNT
};

static const char *const event_names[EVENT_COUNT] = {
    "run",
    "touched",
    "due",
    "place",
    "turn over",
    "need relay",
    "says idle",
    "complaint",
    "ends at",
    "nonsense",
    "done",
    "relay down",
    "failed",
    "crashed",
    "verdict up",
    "verdict down",
    "forgive",
    "stop",
    "kill",
};

/* ---- what comes ---------------------------------------------------- */

static void
let_come(enum event e, enum state at)
{
	switch (e) {
	case RUN:
		keeper_run(play_keeper);
		return;
	case TOUCHED:
		play_touch();
		return;
	case DUE:
		return;
	case PLACE:
		slots_leave(play_host.workers, &play_rival);
		return;
	case TURN:
		play_enter_rival();
		return;
	case NEED_RELAY:
		play_say(CHANNEL_NEED_RELAY);
		return;
	case SAYS_IDLE:
		play_say(CHANNEL_IDLE);
		return;
	case COMPLAINT:
		play_say(CHANNEL_COMPLAINT);
		return;
	case ENDS_AT:
		play_say(CHANNEL_ENDS_AT);
		return;
	case NONSENSE:
		puppet_say_nonsense(&play_puppet);
		return;
	case DONE:
		play_end_worker(CHILD_EXIT_DONE);
		return;
	case RELAY_DOWN:
		play_end_worker(CHILD_EXIT_RELAY_DOWN);
		return;
	case FAILED:
		play_end_worker(CHILD_EXIT_FAILED);
		return;
	case CRASHED:
		play_end_worker(-SIGTERM);
		return;
	case VERDICT_UP:
	case VERDICT_DOWN:
		if (at != ACCUSING)
			health_probe(play_host.health, "somebody complains");
		play_give_verdict(e == VERDICT_UP);
		return;
	case FORGIVE:
		keeper_forgive(play_keeper);
		return;
	case STOP:
		keeper_stop(play_keeper);
		return;
	case KILL:
		keeper_kill(play_keeper);
		return;
	case EVENT_COUNT:
	default:
		return;
	}
}

/* ---- what the site is at ------------------------------------------- */

static void
start(void)
{
	keeper_run(play_keeper);
	play_await("start", "working started 50s");
	ck_assert_str_eq(play_puppet.policy.site, "a");
}

/* From a worker that has found nothing due before then. */
static void
become_idle(int64_t due_ms, const char *looking, const char *idle)
{
	start();
	play_say_idle(due_ms);
	play_await("idle", looking);
	play_end_worker(CHILD_EXIT_DONE);
	if (idle)
		play_await("idle", idle);
}

static void
arrange(enum state state)
{
	switch (state) {
	case IDLE:
		become_idle(INT64_MAX, "working watched 50s look-again",
		    "idle watched");
		return;
	case IDLE_DUE:
		become_idle(clock_wall_ms() + SOON_MS,
		    "working watched 50s look-again", NULL);
		return;
	case POLLED:
		play_spoil_watch();
		become_idle(clock_wall_ms() + PLAY_FAR_MS,
		    "working 10s look-again", "idle 10s");
		return;
	case POLLED_DUE:
		play_spoil_watch();
		become_idle(
		    clock_wall_ms() + SOON_MS, "working 1s look-again", NULL);
		return;
	case WAITING:
		play_enter_rival();
		keeper_run(play_keeper);
		play_await("wait", "waiting");
		return;
	case WORKING:
		start();
		return;
	case LINKED:
		start();
		play_say(CHANNEL_NEED_RELAY);
		play_await("link", "working 50s relay");
		return;
	case LOOKING:
		start();
		play_say(CHANNEL_IDLE);
		play_await("look", "working watched 50s look-again");
		return;
	case ACCUSING:
		start();
		play_say(CHANNEL_COMPLAINT);
		play_await("accuse", "working 50s");
		return;
	case LEAVING:
		start();
		play_enter_rival();
		play_await("leave", "working 50s leave");
		return;
	case DELAYED:
		start();
		play_end_worker(CHILD_EXIT_FAILED);
		play_await("delay", "delayed 1s");
		return;
	case OUTAGE:
		start();
		health_take_failure(play_host.health, -ECONNREFUSED);
		play_say(CHANNEL_NEED_RELAY);
		play_await("outage", "working relay-down");
		play_end_worker(CHILD_EXIT_RELAY_DOWN);
		play_await("outage", "idle watched");
		return;
	case STOPPING:
		start();
		keeper_stop(play_keeper);
		play_await("stop", "stopping 50s leave");
		return;
	case BARRED:
		keeper_bar(play_keeper);
		play_await("bar", "delayed");
		return;
	case STATE_COUNT:
	default:
		return;
	}
}

/* ---- the table ----------------------------------------------------- */

/* What is not there cannot come: without a worker nobody says anything. */
static const struct {
	enum state state;
	enum event event;
	const char *want;
} table[] = {
    {IDLE, RUN, "working started 50s"},
    {IDLE, TOUCHED, "working started 50s"},
    {IDLE, VERDICT_UP, "idle watched"},
    {IDLE, VERDICT_DOWN, "idle watched"},
    {IDLE, FORGIVE, "working started 50s"},
    {IDLE, STOP, "ended"},
    {IDLE, KILL, "idle watched"},

    {IDLE_DUE, DUE, "working started 50s"},

    {POLLED, RUN, "working started 50s"},
    {POLLED, TOUCHED, "idle 10s"},
    {POLLED, VERDICT_UP, "idle 10s"},
    {POLLED, FORGIVE, "working started 50s"},
    {POLLED, STOP, "ended"},
    {POLLED, KILL, "idle 10s"},

    {POLLED_DUE, DUE, "working started 50s"},

    {WAITING, RUN, "waiting"},
    {WAITING, TOUCHED, "waiting"},
    {WAITING, PLACE, "working started 50s"},
    {WAITING, VERDICT_UP, "waiting"},
    {WAITING, VERDICT_DOWN, "waiting"},
    {WAITING, FORGIVE, "waiting"},
    {WAITING, STOP, "ended"},
    {WAITING, KILL, "waiting"},

    {WORKING, RUN, "working 50s"},
    {WORKING, TOUCHED, "working 50s"},
    {WORKING, TURN, "working 50s leave"},
    {WORKING, NEED_RELAY, "working 50s relay"},
    {WORKING, SAYS_IDLE, "working watched 50s look-again"},
    {WORKING, COMPLAINT, "working 50s"},
    {WORKING, ENDS_AT, "working 50s"},
    {WORKING, NONSENSE, "delayed 1s killed"},
    {WORKING, DONE, "delayed 1s"},
    {WORKING, RELAY_DOWN, "working started 50s"},
    {WORKING, FAILED, "delayed 1s"},
    {WORKING, CRASHED, "delayed 1s"},
    {WORKING, VERDICT_UP, "working 50s"},
    {WORKING, VERDICT_DOWN, "working"},
    {WORKING, FORGIVE, "working 50s"},
    {WORKING, STOP, "stopping 50s leave"},
    {WORKING, KILL, "delayed 1s killed"},

    {LINKED, TURN, "working 50s leave"},
    {LINKED, NEED_RELAY, "working 50s relay"},
    {LINKED, SAYS_IDLE, "working watched 50s look-again"},
    {LINKED, COMPLAINT, "working 50s"},
    {LINKED, NONSENSE, "delayed 1s killed"},
    {LINKED, DONE, "delayed 1s"},
    {LINKED, RELAY_DOWN, "working started 50s"},
    {LINKED, FAILED, "delayed 1s"},
    {LINKED, CRASHED, "delayed 1s"},
    {LINKED, VERDICT_UP, "working 50s"},
    {LINKED, VERDICT_DOWN, "working"},
    {LINKED, FORGIVE, "working 50s"},
    {LINKED, STOP, "stopping 50s leave"},
    {LINKED, KILL, "delayed 1s killed"},

    {LOOKING, RUN, "working watched 50s"},
    {LOOKING, TOUCHED, "working watched 50s"},
    {LOOKING, TURN, "working watched 50s leave"},
    {LOOKING, NEED_RELAY, "working 50s relay"},
    {LOOKING, SAYS_IDLE, "working watched 50s look-again"},
    {LOOKING, NONSENSE, "delayed 1s killed"},
    {LOOKING, DONE, "idle watched 5min"},
    {LOOKING, RELAY_DOWN, "working started 50s"},
    {LOOKING, FAILED, "delayed 1s"},
    {LOOKING, CRASHED, "delayed 1s"},
    {LOOKING, FORGIVE, "working watched 50s"},
    {LOOKING, STOP, "stopping watched 50s leave"},
    {LOOKING, KILL, "delayed 1s killed"},

    {ACCUSING, TURN, "working 50s leave"},
    {ACCUSING, VERDICT_UP, "working 50s relay-up"},
    {ACCUSING, VERDICT_DOWN, "working relay-down"},
    {ACCUSING, DONE, "delayed 1s"},
    {ACCUSING, FAILED, "delayed 1s"},
    {ACCUSING, CRASHED, "delayed 1s"},
    {ACCUSING, FORGIVE, "working 50s"},
    {ACCUSING, STOP, "stopping 50s leave"},
    {ACCUSING, KILL, "delayed 1s killed"},

    {LEAVING, RUN, "working 50s"},
    {LEAVING, TOUCHED, "working 50s"},
    {LEAVING, NEED_RELAY, "working 50s"},
    {LEAVING, SAYS_IDLE, "working watched 50s"},
    {LEAVING, COMPLAINT, "working 50s"},
    {LEAVING, ENDS_AT, "working 50s"},
    {LEAVING, NONSENSE, "delayed 1s killed"},
    {LEAVING, DONE, "waiting"},
    {LEAVING, RELAY_DOWN, "waiting"},
    {LEAVING, FAILED, "delayed 1s"},
    {LEAVING, CRASHED, "delayed 1s"},
    {LEAVING, VERDICT_UP, "working 50s"},
    {LEAVING, VERDICT_DOWN, "working"},
    {LEAVING, FORGIVE, "working 50s"},
    {LEAVING, STOP, "stopping 50s"},
    {LEAVING, KILL, "delayed 1s killed"},

    {DELAYED, RUN, "delayed 1s"},
    {DELAYED, TOUCHED, "delayed 1s"},
    {DELAYED, DUE, "working started 50s"},
    {DELAYED, VERDICT_UP, "delayed 1s"},
    {DELAYED, VERDICT_DOWN, "delayed"},
    {DELAYED, FORGIVE, "working started 50s"},
    {DELAYED, STOP, "ended"},
    {DELAYED, KILL, "delayed 1s"},

    {OUTAGE, RUN, "idle"},
    {OUTAGE, TOUCHED, "idle"},
    {OUTAGE, VERDICT_UP, "working started 50s"},
    {OUTAGE, VERDICT_DOWN, "idle watched"},
    {OUTAGE, FORGIVE, "idle"},
    {OUTAGE, STOP, "ended"},
    {OUTAGE, KILL, "idle watched"},

    {STOPPING, RUN, "stopping 50s"},
    {STOPPING, TOUCHED, "stopping 50s"},
    {STOPPING, TURN, "stopping 50s"},
    {STOPPING, NEED_RELAY, "stopping 50s"},
    {STOPPING, SAYS_IDLE, "stopping watched 50s"},
    {STOPPING, COMPLAINT, "stopping 50s"},
    {STOPPING, ENDS_AT, "stopping 50s"},
    {STOPPING, NONSENSE, "ended killed"},
    {STOPPING, DONE, "ended"},
    {STOPPING, RELAY_DOWN, "ended"},
    {STOPPING, FAILED, "ended"},
    {STOPPING, CRASHED, "ended"},
    {STOPPING, VERDICT_UP, "stopping 50s"},
    {STOPPING, VERDICT_DOWN, "stopping"},
    {STOPPING, FORGIVE, "stopping 50s"},
    {STOPPING, STOP, "stopping 50s"},
    {STOPPING, KILL, "ended killed"},

    {BARRED, RUN, "delayed"},
    {BARRED, TOUCHED, "delayed"},
    {BARRED, VERDICT_UP, "delayed"},
    {BARRED, VERDICT_DOWN, "delayed"},
    {BARRED, FORGIVE, "delayed"},
    {BARRED, STOP, "ended"},
    {BARRED, KILL, "delayed"},
};

START_TEST(whatever_it_is_at_it_does_what_is_right)
{
	char name[64];

	snprintf(name, sizeof(name), "%s, %s", state_names[table[_i].state],
	    event_names[table[_i].event]);
	arrange(table[_i].state);
	let_come(table[_i].event, table[_i].state);
	play_await(name, table[_i].want);
}
END_TEST

/* ---- one after the other ------------------------------------------- */

START_TEST(what_comes_while_a_worker_looks_for_the_last_time_is_not_missed)
{
	arrange(LOOKING);
	play_touch();
	play_await("touch", "working watched 50s");
	play_end_worker(CHILD_EXIT_DONE);
	play_await("end", "working started 50s");
}
END_TEST

START_TEST(who_is_forgiven_at_work_is_followed_by_one_that_knows)
{
	arrange(WORKING);
	keeper_forgive(play_keeper);
	play_say(CHANNEL_NEED_RELAY);
	play_say(CHANNEL_IDLE);
	play_await("work", "working watched 50s look-again");
	play_end_worker(CHILD_EXIT_DONE);
	play_await("end", "working started 50s");
}
END_TEST

START_TEST(a_second_verdict_is_nobody_s_who_had_one)
{
	arrange(ACCUSING);
	play_give_verdict(true);
	play_await("verdict", "working 50s relay-up");
	keeper_take_verdict(play_keeper, false);
	play_await("another", "working 50s");
}
END_TEST

START_TEST(a_second_connection_is_lent_if_there_is_one_to_spare)
{
	slots_set_max(play_host.connections, 2);
	arrange(LINKED);
	play_ask_for_second_line();
	play_await("second", "working 50s relay");
	ck_assert_uint_eq(slots_used(play_host.connections), 2);
	play_say(CHANNEL_IDLE);
	play_await("idle", "working watched 50s look-again");
	ck_assert_uint_eq(slots_used(play_host.connections), 0);
}
END_TEST

START_TEST(without_one_nobody_waits_for_it)
{
	arrange(LINKED);
	play_ask_for_second_line();
	play_await("second", "working 50s");
	ck_assert_uint_eq(slots_waiting(play_host.connections), 0);
}
END_TEST

/* Another site's need comes before that. */
START_TEST(who_has_a_second_connection_leaves_when_another_waits)
{
	struct slots_guest other = play_rival;

	slots_set_max(play_host.connections, 2);
	arrange(LINKED);
	play_ask_for_second_line();
	play_await("second", "working 50s relay");
	ck_assert(!slots_enter(play_host.connections, &other));
	play_await("asked", "working 50s leave");
	play_end_worker(CHILD_EXIT_DONE);
	play_await("end", "working started 50s");
	slots_leave(play_host.connections, &other);
}
END_TEST

/* It may have as many as it takes. */
START_TEST(a_second_connection_that_is_refused_is_not_the_relay_s_fault)
{
	slots_set_max(play_host.connections, 2);
	arrange(LINKED);
	play_close_relay();
	play_ask_for_second_line();
	play_await("second", "working 50s");
	ck_assert(health_is_up(play_host.health));
	ck_assert_uint_eq(slots_used(play_host.connections), 1);
}
END_TEST

START_TEST(whose_turn_is_over_works_on_when_the_others_had_theirs)
{
	arrange(LEAVING);
	play_end_worker(CHILD_EXIT_DONE);
	play_await("end", "waiting");
	slots_leave(play_host.workers, &play_rival);
	play_await("place", "working started 50s");
}
END_TEST

START_TEST(the_next_worker_goes_by_the_new_policy)
{
	struct site site = {.name = alloc_copy("a", 1),
	    .path = alloc_copy(play_dir, strlen(play_dir))};
	struct policy policy;

	arrange(IDLE);
	policy_init(&policy);
	snprintf(policy.site, sizeof(policy.site), "b");
	keeper_update(play_keeper, &site, &policy);
	keeper_run(play_keeper);
	play_await("run", "working started 50s");
	ck_assert_str_eq(play_puppet.policy.site, "b");
}
END_TEST

START_TEST(a_spool_that_is_gone_is_looked_for_again)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/worker", play_dir);
	ck_assert_int_eq(unlink(path), 0);
	keeper_run(play_keeper);
	play_await("gone", "delayed 1s");
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	play_await("back", "working started 50s");
}
END_TEST

Suite *
keeper_suite(void)
{
	Suite *s = suite_create("keeper");
	TCase *tc = tcase_create("table");

	tcase_add_checked_fixture(tc, play_setup, play_teardown);
	tcase_add_loop_test(tc, whatever_it_is_at_it_does_what_is_right, 0,
	    (int)ARRAY_LEN(table));
	suite_add_tcase(s, tc);

	tc = tcase_create("sequences");
	tcase_add_checked_fixture(tc, play_setup, play_teardown);
	tcase_add_test(tc,
	    what_comes_while_a_worker_looks_for_the_last_time_is_not_missed);
	tcase_add_test(
	    tc, who_is_forgiven_at_work_is_followed_by_one_that_knows);
	tcase_add_test(tc, a_second_verdict_is_nobody_s_who_had_one);
	tcase_add_test(
	    tc, a_second_connection_is_lent_if_there_is_one_to_spare);
	tcase_add_test(tc, without_one_nobody_waits_for_it);
	tcase_add_test(
	    tc, who_has_a_second_connection_leaves_when_another_waits);
	tcase_add_test(
	    tc, a_second_connection_that_is_refused_is_not_the_relay_s_fault);
	tcase_add_test(
	    tc, whose_turn_is_over_works_on_when_the_others_had_theirs);
	tcase_add_test(tc, the_next_worker_goes_by_the_new_policy);
	tcase_add_test(tc, a_spool_that_is_gone_is_looked_for_again);
	suite_add_tcase(s, tc);
	return s;
}
