/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <unistd.h>

#include "flushd/turn.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

/* Of who has staged a message, which joined the commit of one who died. */
static struct staged sender;
static int incoming;
static uint64_t id;

static void
setup(void)
{
	fixture_setup();
	incoming = fixture_open_incoming();
	id = fixture_put_one("text\n");
	fixture_stage(&sender, incoming, "text\n", 1);
	fixture_list_as_joined(sender.name, id);
}

static void
teardown(void)
{
	staged_close(&sender);
	close(incoming);
	fixture_teardown();
}

/* What a worker finds who wants to send it. */
static int
find(void)
{
	struct message_state state;
	struct envelope e;
	int rc;

	ck_assert_int_eq(turn_begin(fixture_spool, SPOOL_READ), 0);
	rc = spool_get(fixture_spool, id, &e, &state);
	if (rc == 0) {
		envelope_release(&e);
		state_release(&state);
	}
	spool_abort(fixture_spool);
	return rc;
}

START_TEST(what_is_read_its_sender_is_told_of)
{
	ck_assert_int_eq(find(), 0);
	ck_assert_uint_eq(staged_id(&sender), id);
	ck_assert_int_eq(staged_withdraw(&sender), 1);
}
END_TEST

START_TEST(what_was_withdrawn_is_not_read)
{
	ck_assert_int_eq(staged_withdraw(&sender), 0);
	ck_assert_int_eq(find(), -ENOENT);
	ck_assert_uint_eq(
	    fixture_count_names(fixture_name("spool/" SPOOL_INCOMING)), 0);
}
END_TEST

Suite *
turn_suite(void)
{
	Suite *s = suite_create("turn");
	TCase *t = tcase_create("turn");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_is_read_its_sender_is_told_of);
	tcase_add_test(t, what_was_withdrawn_is_not_read);
	suite_add_tcase(s, t);
	return s;
}
