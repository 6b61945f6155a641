/* SPDX-License-Identifier: ISC */
/*
 * What delivery.c does besides reading and recording: reports in the same
 * transaction as a state, what a report is made of, and messages that go round
 * in circles.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flushd/delivery.h"
#include "mail/report.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

#define HOST "mx.example.org"

static const struct delivery_from from = {HOST, ""};

static struct delivery d;

static int
try_to_load(uint64_t id)
{
	int rc;

	fixture_begin(SPOOL_CHANGE);
	rc = delivery_load(&d, fixture_spool, id, FIXTURE_NOW_MS, &from);
	spool_abort(fixture_spool);
	return rc;
}

static void
load(uint64_t id)
{
	ck_assert_int_eq(try_to_load(id), 0);
}

static size_t
count_messages(void)
{
	struct census c;
	size_t sum = 0;

	fixture_check_counters();
	fixture_census(&c);
	for (int i = 0; i < PHASE_COUNT; i++)
		sum += c.count[i];
	return sum;
}

/* ---- reports -------------------------------------------------------- */

static const char report_text[] = "Subject: report\n\nwords\n";

/* Record d with a report of this length; what it returns. */
static int
record(bool is_removed, size_t len, uint64_t *report_id)
{
	struct buf text = BUF_INIT;
	struct envelope e;
	int rc;

	buf_add_str(&text, report_text);
	fixture_envelope(&e, 1, len);
	envelope_set_sender(&e, "", 0);
	rc = delivery_report(&d, fixture_spool, is_removed, &e, &text,
	    FIXTURE_NOW_MS, report_id);
	envelope_release(&e);
	buf_release(&text);
	return rc;
}

START_TEST(a_report_takes_the_place_of_its_message)
{
	const uint64_t id = fixture_put_one("text\n");
	uint64_t report_id = 0;

	load(id);
	ck_assert_int_eq(record(true, sizeof(report_text) - 1, &report_id), 0);
	delivery_release(&d);
	fixture_reopen();
	ck_assert_uint_eq(count_messages(), 1);
	ck_assert_int_eq(try_to_load(id), -ENOENT);
	ck_assert_uint_gt(report_id, id);
	load(report_id);
	ck_assert_str_eq(d.envelope.sender, "");
	ck_assert_int_eq(d.state.phase, PHASE_NEW);
	delivery_release(&d);
}
END_TEST

START_TEST(a_report_stands_beside_a_message_that_is_kept)
{
	const uint64_t id = fixture_put_one("text\n");
	uint64_t report_id = 0;

	load(id);
	d.state.phase = PHASE_DEFERRED;
	d.state.attempts = 7;
	ck_assert_int_eq(record(false, sizeof(report_text) - 1, &report_id), 0);
	delivery_release(&d);
	fixture_reopen();
	ck_assert_uint_eq(count_messages(), 2);
	load(id);
	ck_assert_uint_eq(d.state.attempts, 7);
	delivery_release(&d);
	load(report_id);
	delivery_release(&d);
}
END_TEST

START_TEST(without_the_report_nothing_is_recorded)
{
	const uint64_t id = fixture_put_one("text\n");
	uint64_t report_id = 7;

	load(id);
	d.state.attempts = 7;
	/* That is not its length. */
	ck_assert_int_eq(record(_i == 0, 5, &report_id), -EINVAL);
	ck_assert_uint_eq(report_id, 0);
	delivery_release(&d);
	ck_assert_uint_eq(count_messages(), 1);
	load(id);
	ck_assert_uint_eq(d.state.attempts, 0);
	delivery_release(&d);
}
END_TEST

START_TEST(there_is_no_report_on_a_message_that_was_removed_meanwhile)
{
	const uint64_t id = fixture_put_one("text\n");
	uint64_t report_id = 7;

	load(id);
	fixture_begin(SPOOL_CHANGE);
	ck_assert_int_eq(spool_remove(fixture_spool, id), 0);
	fixture_commit();
	ck_assert_int_eq(
	    record(_i == 0, sizeof(report_text) - 1, &report_id), 0);
	ck_assert_uint_eq(report_id, 0);
	ck_assert_uint_eq(count_messages(), 0);
	delivery_release(&d);
}
END_TEST

/* ---- what it is made of --------------------------------------------- */

START_TEST(of_a_short_text_all_is_at_hand)
{
	load(fixture_put_one("Subject: x\n\nbody\n"));
	delivery_begin(&d);
	ck_assert_str_eq(delivery_head(&d)->data, "Subject: x\n\nbody\n");
	delivery_release(&d);
}
END_TEST

START_TEST(of_a_long_text_its_beginning_is_at_hand_to_the_end)
{
	const size_t len = 3 * DELIVERY_PIECE;
	char *text = malloc(len);
	const char *piece;
	size_t piece_len;
	uint64_t id;

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + i / 7 % 26);
	fixture_begin(SPOOL_WRITE);
	id = fixture_put(text, len, FIXTURE_NOW_MS);
	fixture_commit();
	load(id);
	delivery_begin(&d);
	while (delivery_read(&d, fixture_spool, &piece, &piece_len) > 0)
		;
	ck_assert(!d.is_whole);
	ck_assert_uint_eq(delivery_head(&d)->len, REPORT_HEADER_MAX);
	ck_assert_mem_eq(delivery_head(&d)->data, text, REPORT_HEADER_MAX);
	delivery_release(&d);
	free(text);
}
END_TEST

START_TEST(the_domain_of_the_site_is_known)
{
	struct spool_settings settings = spool_settings_default;

	snprintf(settings.domain, sizeof(settings.domain), "site.test");
	fixture_replace(&settings);
	load(fixture_put_one("text\n"));
	ck_assert_str_eq(d.domain, "site.test");
	delivery_release(&d);
}
END_TEST

/* ---- circles --------------------------------------------------------- */

static uint64_t
put_with_received(int count, const char *name)
{
	struct buf text = BUF_INIT;
	uint64_t id;

	for (int i = 0; i < count; i++)
		buf_add_format(&text, "%s: from a by b;\n\tid %d\n", name, i);
	/* Neither what is folded nor what is in the body counts. */
	buf_add_str(&text, "Subject: x\n Received: y\n\nReceived: z\n");
	id = fixture_put_one(text.data);
	buf_release(&text);
	return id;
}

START_TEST(a_message_that_goes_round_in_circles_is_not_sent)
{
	ck_assert_int_eq(
	    try_to_load(put_with_received(31, "Received")), -ELOOP);
	ck_assert_int_eq(
	    try_to_load(put_with_received(31, "rEcEiVeD ")), -ELOOP);
	load(put_with_received(30, "Received"));
	delivery_release(&d);
	load(put_with_received(99, "X-Received"));
	delivery_release(&d);
}
END_TEST

static void
check_held(uint64_t id)
{
	struct message_state state;
	struct envelope e;

	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get(fixture_spool, id, &e, &state), 0);
	spool_abort(fixture_spool);
	ck_assert_int_eq(state.phase, PHASE_HELD);
	ck_assert_ptr_nonnull(strstr(state.reason, "circles"));
	envelope_release(&e);
	state_release(&state);
}

START_TEST(it_is_held_until_somebody_releases_it)
{
	const uint64_t id = put_with_received(31, "Received");
	struct message_state state;
	struct envelope e;

	ck_assert_int_eq(try_to_load(id), -ELOOP);
	ck_assert_int_eq(delivery_hold(fixture_spool, id, "circles"), 0);
	check_held(id);
	ck_assert_uint_eq(count_messages(), 1);
	fixture_begin(SPOOL_CHANGE);
	ck_assert_int_eq(spool_get(fixture_spool, id, &e, &state), 0);
	state_resume(&state, FIXTURE_NOW_MS);
	ck_assert_int_eq(spool_set_state(fixture_spool, id, &state), 0);
	fixture_commit();
	envelope_release(&e);
	state_release(&state);
	load(id);
	delivery_release(&d);
}
END_TEST

Suite *
delivery_report_suite(void)
{
	Suite *s = suite_create("delivery_report");
	TCase *tc = tcase_create("delivery_report");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, a_report_takes_the_place_of_its_message);
	tcase_add_test(tc, a_report_stands_beside_a_message_that_is_kept);
	tcase_add_loop_test(tc, without_the_report_nothing_is_recorded, 0, 2);
	tcase_add_loop_test(tc,
	    there_is_no_report_on_a_message_that_was_removed_meanwhile, 0, 2);
	tcase_add_test(tc, of_a_short_text_all_is_at_hand);
	tcase_add_test(tc, of_a_long_text_its_beginning_is_at_hand_to_the_end);
	tcase_add_test(tc, the_domain_of_the_site_is_known);
	tcase_add_test(tc, a_message_that_goes_round_in_circles_is_not_sent);
	tcase_add_test(tc, it_is_held_until_somebody_releases_it);
	suite_add_tcase(s, tc);
	return s;
}
