/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "flushd/smtp.h"
#include "unit/smtp_matrix.h"
#include "unit/smtp_play.h"
#include "unit/smtp_script.h"
#include "unit/suites.h"

START_TEST(conversation_goes_by_the_script)
{
	for (int cut = 0; cut < PLAY_CUTS; cut++)
		smtp_script_play(_i, cut);
}
END_TEST

static void
check_cell(struct matrix *m, const char *want, int cut)
{
	struct buf got = BUF_INIT;

	matrix_describe(m, &got);
	ck_assert_msg(strcmp(got.data, want) == 0,
	    "%s at %s, %s, cut %d: got %s, want %s", m->fault->name,
	    reply_phase_names[m->phase],
	    m->is_pipelining ? "pipelined" : "in turns", cut, got.data, want);
	buf_release(&got);
}

/* No byte that comes in between makes the client wait for longer. */
static void
check_patience(const struct matrix *m)
{
	const char *says = m->fault->says;
	long want = 0;

	if (m->phase != REPLY_AFTER &&
	    (strstr(says, "{hang}") || strstr(says, "{drip}")))
		want = reply_timeout_ms(m->phase);
	ck_assert_msg(m->waited_ms == want, "%s at %s: waited %jd, want %ld",
	    m->fault->name, reply_phase_names[m->phase], (intmax_t)m->waited_ms,
	    want);
}

START_TEST(fault_has_the_outcome_of_the_table)
{
	for (int i = 0; i < 2 * PLAY_CUTS; i++) {
		struct matrix m;

		matrix_play(&m, _i, &play_message, i % 2 == 0, i / 2);
		check_cell(&m, m.fault->want[m.phase], i / 2);
		check_patience(&m);
		matrix_release(&m);
	}
}
END_TEST

START_TEST(soft_bounce_defers_what_else_is_failed_or_held)
{
	struct smtp_message message = play_message;
	char want[16];
	struct matrix m;

	message.is_soft_bounce = true;
	matrix_play(&m, _i, &message, _i % 2 == 0, PLAY_WHOLE);
	snprintf(want, sizeof(want), "%s", m.fault->want[m.phase]);
	for (char *p = want; *p; p++)
		if (*p == 'F' || *p == 'H')
			*p = 'D';
	check_cell(&m, want, PLAY_WHOLE);
	matrix_release(&m);
}
END_TEST

/* ---- what a script cannot say ----------------------------------------- */

static void
say(struct play *p, const char *line)
{
	play_feed(p, line, strlen(line));
}

static const char greeting[] = "220 mx\r\n";
static const char pipelining[] = "250-mx\r\n250 PIPELINING\r\n";
static const char accepted[] = "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n";

/* Greet, and send one message up to the text; the test moves the bytes. */
static void
begin_text(struct play *p)
{
	play_init(p, &play_message, 0, PLAY_WHOLE);
	say(p, greeting);
	say(p, pipelining);
	smtp_start(p->s, &play_message);
	play_pump(p);
	smtp_input(p->s, accepted, strlen(accepted));
	ck_assert_int_eq(smtp_want(p->s), SMTP_WANT_TEXT);
	smtp_text(p->s, "hello\n", 6);
}

static void
check_describes(struct play *p, const char *want)
{
	struct buf got = BUF_INIT;

	play_describe(p, &got);
	ck_assert_str_eq(got.data, want);
	ck_assert(!p->violation);
	buf_release(&got);
}

START_TEST(lost_before_the_whole_dot_was_written_is_not_ambiguous)
{
	size_t whole = strlen("hello\r\n.\r\n");

	for (size_t written = 0; written <= whole; written++) {
		struct play p;

		begin_text(&p);
		smtp_text_end(p.s);
		smtp_written(p.s, written);
		smtp_lost(p.s, "connection reset");
		check_describes(
		    &p, written < whole ? "DD up over" : "AA up over");
		play_release(&p);
	}
}
END_TEST

START_TEST(reply_before_the_whole_dot_was_written_is_not_its_own)
{
	struct play p;

	begin_text(&p);
	smtp_text_end(p.s);
	smtp_written(p.s, 9);
	smtp_input(p.s, "250 ok\r\n", 8);
	check_describes(&p, "DD up over");
	play_release(&p);
}
END_TEST

START_TEST(lost_in_the_text_is_deferred)
{
	struct play p;

	begin_text(&p);
	ck_assert_int_eq(smtp_timeout_ms(p.s), 180 * 1000);
	play_pump(&p);
	play_release(&p);
	begin_text(&p);
	smtp_lost(p.s, "timed out");
	ck_assert_str_eq(smtp_result(p.s)->replies[0], "text: timed out");
	check_describes(&p, "DD up over");
	play_release(&p);
}
END_TEST

START_TEST(reply_to_a_command_that_was_not_written_is_none)
{
	const char *data;
	struct play p;

	play_init(&p, &play_message, 0, PLAY_WHOLE);
	say(&p, greeting);
	say(&p, pipelining);
	smtp_start(p.s, &play_message);
	ck_assert_uint_gt(smtp_output(p.s, &data), 30);
	smtp_written(p.s, strlen("MAIL FROM:<a@x>\r\n"));
	smtp_input(p.s, "250 ok\r\n", 8); /* this one was */
	ck_assert_str_eq(smtp_phase_name(p.s), "RCPT");
	smtp_input(p.s, "2", 1);
	check_describes(&p, "DD up over");
	play_release(&p);
}
END_TEST

START_TEST(eight_errors_end_the_connection_after_the_message)
{
	struct play p;

	play_init(&p, &play_message, 100, PLAY_WHOLE);
	say(&p, greeting);
	say(&p, "250 mx\r\n");
	for (int i = 1; i <= SMTP_ERRORS_MAX; i++) {
		buf_clear(&p.sent);
		ck_assert_int_eq(smtp_want(p.s), SMTP_WANT_REPLY);
		say(&p, "450 later\r\n");
	}
	check_describes(&p, "DD up over");
	ck_assert_str_eq(p.sent.data, "QUIT\r\n");
	play_release(&p);
}
END_TEST

START_TEST(hundred_messages_end_the_connection)
{
	struct play p;

	play_init(&p, &play_message, 1000, PLAY_WHOLE);
	say(&p, greeting);
	say(&p, pipelining);
	for (int i = 1; i <= SMTP_MESSAGES_MAX; i++) {
		ck_assert_int_eq(smtp_want(p.s), SMTP_WANT_REPLY);
		say(&p, accepted);
		buf_clear(&p.sent);
		say(&p, "250 queued\r\n");
	}
	check_describes(&p, "SS up over");
	ck_assert_str_eq(p.sent.data, "QUIT\r\n");
	play_release(&p);
}
END_TEST

START_TEST(most_recipients_fit_into_one_transaction)
{
	const struct recipient somebody = {.address = (char[]){"somebody@x"}};
	const struct recipient *recipients[SMTP_RECIPIENTS_MAX];
	struct smtp_message m = {.sender = "a@x",
	    .recipients = recipients,
	    .recipient_count = SMTP_RECIPIENTS_MAX,
	    .wire_len = 7};
	struct play p;

	for (size_t i = 0; i < SMTP_RECIPIENTS_MAX; i++)
		recipients[i] = &somebody;
	play_init(&p, &m, 1, PLAY_WHOLE);
	say(&p, greeting);
	say(&p, pipelining);
	say(&p, "250 ok\r\n");
	for (size_t i = 0; i < SMTP_RECIPIENTS_MAX; i++)
		say(&p, i % 2 ? "550 5.1.1 no\r\n" : "250 ok\r\n");
	say(&p, "354 go\r\n");
	say(&p, "250 queued\r\n");
	for (size_t i = 0; i < SMTP_RECIPIENTS_MAX; i++)
		ck_assert_int_eq(smtp_result(p.s)->outcomes[i],
		    i % 2 ? SMTP_FAILED : SMTP_SENT);
	play_release(&p);
}
END_TEST

START_TEST(result_says_what_was_said)
{
	struct play p;

	play_init(&p, &play_message, 1, PLAY_WHOLE);
	say(&p, greeting);
	say(&p, pipelining);
	say(&p, "250 ok\r\n550-5.1.1 nobody\r\n550 5.1.1 here\r\n250 ok\r\n");
	say(&p, "354 go\r\n");
	say(&p, "250 2.0.0 queued as 1\r\n");
	ck_assert_str_eq(
	    smtp_result(p.s)->replies[0], "550 5.1.1 nobody 5.1.1 here");
	ck_assert_str_eq(smtp_result(p.s)->replies[1], "250 2.0.0 queued as 1");
	play_release(&p);
}
END_TEST

START_TEST(relay_reason_has_phase_and_words)
{
	struct play p;

	play_init(&p, &play_message, 1, PLAY_WHOLE);
	say(&p, "SSH-2.0-OpenSSH_9.2\r\n");
	ck_assert_str_eq(smtp_result(p.s)->relay_reason,
	    "banner: not a reply of SMTP: SSH-2.0-OpenSSH_9.2");
	play_release(&p);
	play_init(&p, &play_message, 1, PLAY_WHOLE);
	say(&p, "554 5.3.2 go away\r\n");
	ck_assert_str_eq(
	    smtp_result(p.s)->relay_reason, "banner: 554 5.3.2 go away");
	play_release(&p);
}
END_TEST

struct size_row {
	const char *line;
	uint64_t want;
};

static const struct size_row size_rows[] = {
    {"250 SIZE 10240000\r\n", 10240000},
    {"250 SIZE\r\n", 0},
    {"250 SIZE 0\r\n", 0},
    {"250 SIZE 18446744073709551615\r\n", UINT64_MAX},
    {"250 SIZE 18446744073709551616\r\n", 0},
    {"250 SIZE -1\r\n", 0},
    {"250 SIZE=100\r\n", 0},
    {"250 SIZES 100\r\n", 0},
};

START_TEST(size_limit_is_read)
{
	const struct size_row *row = &size_rows[_i];
	struct play p;

	play_init(&p, &play_message, 0, PLAY_WHOLE);
	say(&p, greeting);
	say(&p, "250-mx\r\n");
	say(&p, row->line);
	ck_assert_msg(smtp_size_limit(p.s) == row->want,
	    "%s: got %ju, want %ju", row->line, (uintmax_t)smtp_size_limit(p.s),
	    (uintmax_t)row->want);
	play_release(&p);
}
END_TEST

/* The next connection would fare no better, and the one after that. */
START_TEST(a_connection_lost_before_its_first_message_is_held_against_the_relay)
{
	struct play p;

	play_init(&p, &play_message, 0, PLAY_WHOLE);
	say(&p, greeting);
	say(&p, "250 mx\r\n");
	ck_assert_int_eq(smtp_want(p.s), SMTP_WANT_MESSAGE);
	say(&p, "250 nobody asked\r\n");
	ck_assert_int_eq(smtp_want(p.s), SMTP_WANT_NOTHING);
	ck_assert(smtp_result(p.s)->is_relay_down);
	ck_assert_str_eq(smtp_result(p.s)->relay_reason,
	    "idle: the relay spoke out of turn");
	play_release(&p);
}
END_TEST

START_TEST(probe_resets_what_a_message_left_open)
{
	struct play p;

	play_init(&p, &play_message, 1, PLAY_WHOLE);
	say(&p, greeting);
	say(&p, pipelining);
	say(&p, "250 ok\r\n250 ok\r\n250 ok\r\n451 later\r\n");
	buf_clear(&p.sent);
	smtp_probe(p.s, 1000);
	play_pump(&p);
	say(&p, "250 ok\r\n");
	say(&p, "250 ok\r\n");
	say(&p, "250 ok\r\n");
	ck_assert_str_eq(p.sent.data, "RSET\r\nMAIL FROM:<>\r\nRSET\r\n");
	check_describes(&p, "UU up open");
	play_release(&p);
}
END_TEST

START_TEST(each_reply_is_counted_and_half_a_one_is_not)
{
	struct play p;

	play_init(&p, &play_message, 1, PLAY_WHOLE);
	say(&p, greeting);
	say(&p, pipelining);
	ck_assert_uint_eq(smtp_reply_count(p.s), 2);
	say(&p, "250 ok\r\n250 ok\r\n250-o");
	ck_assert_uint_eq(smtp_reply_count(p.s), 4);
	ck_assert_str_eq(smtp_phase_name(p.s), "RCPT");
	play_release(&p);
}
END_TEST

START_TEST(dot_is_open_from_the_end_of_the_text_to_its_reply)
{
	struct play p;

	begin_text(&p);
	ck_assert(!smtp_is_dot_open(p.s));
	smtp_text_end(p.s);
	ck_assert(smtp_is_dot_open(p.s));
	play_pump(&p);
	ck_assert(smtp_is_dot_open(p.s));
	p.is_dot_accepted = true; /* begin_text() moves the bytes itself */
	say(&p, "250 queued\r\n");
	ck_assert(!smtp_is_dot_open(p.s));
	check_describes(&p, "SS up open");
	play_release(&p);
}
END_TEST

START_TEST(quit_is_said_and_not_waited_for)
{
	struct play p;

	play_init(&p, &play_message, 0, PLAY_WHOLE);
	say(&p, greeting);
	say(&p, pipelining);
	buf_clear(&p.sent);
	smtp_quit(p.s);
	ck_assert_int_eq(smtp_want(p.s), SMTP_WANT_NOTHING);
	play_pump(&p);
	ck_assert_str_eq(p.sent.data, "QUIT\r\n");
	say(&p, "221 bye\r\n");
	play_release(&p);
}
END_TEST

Suite *
smtp_suite(void)
{
	Suite *s = suite_create("smtp");
	TCase *tc = tcase_create("smtp");

	tcase_add_loop_test(
	    tc, conversation_goes_by_the_script, 0, smtp_script_count());
	tcase_add_loop_test(
	    tc, fault_has_the_outcome_of_the_table, 0, matrix_count());
	tcase_add_loop_test(tc, soft_bounce_defers_what_else_is_failed_or_held,
	    0, matrix_count());
	tcase_add_test(
	    tc, lost_before_the_whole_dot_was_written_is_not_ambiguous);
	tcase_add_test(
	    tc, reply_before_the_whole_dot_was_written_is_not_its_own);
	tcase_add_test(tc, lost_in_the_text_is_deferred);
	tcase_add_test(tc, reply_to_a_command_that_was_not_written_is_none);
	tcase_add_test(tc, eight_errors_end_the_connection_after_the_message);
	tcase_add_test(tc, hundred_messages_end_the_connection);
	tcase_add_test(tc, most_recipients_fit_into_one_transaction);
	tcase_add_test(tc, result_says_what_was_said);
	tcase_add_test(tc, relay_reason_has_phase_and_words);
	tcase_add_loop_test(
	    tc, size_limit_is_read, 0, (int)ARRAY_LEN(size_rows));
	tcase_add_test(tc,
	    a_connection_lost_before_its_first_message_is_held_against_the_relay);
	tcase_add_test(tc, probe_resets_what_a_message_left_open);
	tcase_add_test(tc, each_reply_is_counted_and_half_a_one_is_not);
	tcase_add_test(tc, dot_is_open_from_the_end_of_the_text_to_its_reply);
	tcase_add_test(tc, quit_is_said_and_not_waited_for);
	suite_add_tcase(s, tc);
	return s;
}
