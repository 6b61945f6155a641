/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <string.h>

#include "base/compiler.h"
#include "unit/smtp_play.h"
#include "unit/smtp_script.h"

/*
 * A conversation, a line each: "S " the relay says, "s " without a line end,
 * "C " the client says, "X " the connection is lost and why. In the end nothing
 * is left that the client said.
 */
struct script {
	const char *name;
	const char *lines;
	const char *want;
	const struct smtp_message *message; /* NULL: play_message */
	unsigned int messages;		    /* 0: one */
	bool is_probe;
	const char *text; /* NULL: "hello\n" */
};

#define EHLO	  "S 220 mx ESMTP\nC EHLO me\n"
#define PIPELINED EHLO "S 250-mx\nS 250-PIPELINING\nS 250 SIZE 1000\n"
#define IN_TURNS  EHLO "S 250 mx\n"
#define ENVELOPE                                                               \
	"C MAIL FROM:<a@x> SIZE=7\nC RCPT TO:<one@x>\nC RCPT TO:<two@x>\n"     \
	"C DATA\n"
#define ACCEPTED  "S 250 ok\nS 250 ok\nS 250 ok\nS 354 go on\n"
#define DELIVERED ENVELOPE ACCEPTED "C hello\nC .\nS 250 queued\n"

/* A list of recipients: what TO() and TO_WITH() make, separated by commas. */
#define LIST(...) ((const struct recipient *const[]){__VA_ARGS__})
#define TO(text)  (&(const struct recipient){.address = (char[]){text}})
#define TO_WITH(text, bits, orcpt)                                             \
	(&(const struct recipient){                                            \
	    .address = (char[]){text}, .notify = (bits), .original = (orcpt)})
#define MESSAGE(from, count, list)                                             \
	.sender = (from), .recipients = (list), .recipient_count = (count),    \
	.wire_len = 7

static const struct smtp_message unfit_message = {
    MESSAGE("a@x", 2, LIST(TO("a>b@x"), TO("two@x")))};
static const struct smtp_message smuggling_message = {
    MESSAGE("a@x", 2, LIST(TO("one@x>\r\nRCPT TO:<b@x"), TO("\"a<\"@x")))};
static const struct smtp_message unfit_sender = {
    MESSAGE("a\n@x", 1, LIST(TO("two@x")))};
static const struct smtp_message utf8_message = {
    MESSAGE("a@x", 2, LIST(TO("\xc3\xa9@x"), TO("two@x"))), .is_8bit = true};
static const struct smtp_message utf8_sender = {
    MESSAGE("\xc3\xa9@x", 1, LIST(TO("two@x")))};
static const struct smtp_message utf8_wanted = {
    MESSAGE("a@x", 1, LIST(TO("two@x"))), .is_smtputf8 = true};
static const struct smtp_message eight_bit = {
    MESSAGE("", 1, LIST(TO("two@x"))), .is_8bit = true};
static const struct smtp_message dsn_message = {
    MESSAGE("a@x", 2,
	LIST(TO_WITH("one@x", NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY,
		 (char[]){"rfc822;o+n=e \"@x"}),
	    TO_WITH("two@x", NOTIFY_NEVER, NULL))),
    .ret = RET_HDRS, .envid = "a+b=c d"};
static const struct smtp_message dsn_named = {
    MESSAGE("a@x", 1, LIST(TO("two@x"))), .ret = RET_FULL, .envid = "HOE92WV"};
/* What no decoder lets through, but who knows. */
static const struct smtp_message dsn_hostile = {
    MESSAGE("a@x", 1,
	LIST(TO_WITH("two@x", 0, (char[]){"a;\xff>\r\nDATA\r\n=+ \x7f"}))),
    .envid = "\r\nRCPT TO:<b@x>\xc3"};

/* clang-format off */
static const struct script scripts[] = {
{"everything_up_to_data_goes_out_at_once", PIPELINED DELIVERED, .want = "SS up open"},
{"without_pipelining_each_command_waits_for_its_turn", IN_TURNS
    "C MAIL FROM:<a@x>\nS 250 ok\nC RCPT TO:<one@x>\nS 250 ok\n"
    "C RCPT TO:<two@x>\nS 250 ok\nC DATA\nS 354 go on\nC hello\nC .\nS 250 queued\n",
    .want = "SS up open"},
{"a_second_message_needs_no_rset", PIPELINED DELIVERED DELIVERED, .want = "SS up open", .messages = 2},
{"dots_are_doubled", PIPELINED ENVELOPE ACCEPTED "C ..\nC ...a\nC b.\nC .\nS 250 queued\n",
    .want = "SS up open", .text = ".\n..a\nb."},
{"keywords_have_any_case", EHLO "S 250-mx\nS 250-pipelining\nS 250 Size\n" DELIVERED,
    .want = "SS up open"},
{"the_relays_name_is_no_keyword", EHLO "S 250 PIPELINING\n" "C MAIL FROM:<a@x>\nX gone\n",
    .want = "UU down over"},
{"helo_follows_a_refused_ehlo", EHLO "S 502 what\nC HELO me\nS 250 PIPELINING\nC MAIL FROM:<a@x>\nX gone\n",
    .want = "UU down over"},
{"helo_refused_too_is_alarming", EHLO "S 502 what\nC HELO me\nS 502 what\n",
    .want = "UU down! over"},
{"replies_may_have_several_lines", "S 220-mx\nS 220 hello\nC EHLO me\nS 250-mx\nS 250-PIPELINING\nS 250 SIZE\n"
    ENVELOPE "S 250-o\nS 250 k\nS 250 ok\nS 250 ok\nS 354-go\nS 354 on\nC hello\nC .\nS 250-que\nS 250 ued\n",
    .want = "SS up open"},
{"replies_to_what_followed_a_refused_mail_mean_nothing", PIPELINED ENVELOPE
    "S 450 4.7.1 later\nS 503 5.5.1 need MAIL\nS 503 5.5.1 need MAIL\nS 503 5.5.1 need RCPT\n",
    .want = "DD up open"},
{"a_full_relay_is_down_and_refuses_nobody", PIPELINED ENVELOPE
    "S 452 4.3.1 full\nS 503 5.5.1 need MAIL\nS 503 5.5.1 need MAIL\nS 503 5.5.1 need RCPT\nC QUIT\n",
    .want = "UU down over"},
{"a_refused_mail_needs_no_rset", PIPELINED
    ENVELOPE "S 450 later\nS 503 no\nS 503 no\nS 503 no\n" DELIVERED, .want = "SS up open", .messages = 2},
{"a_relay_that_wants_text_after_it_refused_mail_gets_a_dot", PIPELINED ENVELOPE
    "S 450 later\nS 250 ok\nS 250 ok\nS 354 go on\nC .\n", .want = "DD up over"},
{"a_relay_lost_after_it_refused_mail_changes_nothing", PIPELINED ENVELOPE
    "S 450 later\nS 503 no\nX gone\n", .want = "DD up over"},
{"nobody_accepted_then_rset_before_the_next", PIPELINED ENVELOPE
    "S 250 ok\nS 550 5.1.1 no\nS 450 later\nS 554 5.5.1 no valid recipients\nC RSET\nS 250 ok\n" DELIVERED,
    .want = "SS up open", .messages = 2},
{"nobody_accepted_keeps_what_was_said_of_each", PIPELINED ENVELOPE
    "S 250 ok\nS 550 5.1.1 no\nS 450 later\nS 554 5.5.1 no valid recipients\n",
    .want = "FD up open"},
{"nobody_accepted_in_turns_sends_no_data", IN_TURNS "C MAIL FROM:<a@x>\nS 250 ok\nC RCPT TO:<one@x>\n"
    "S 550 5.1.1 no\nC RCPT TO:<two@x>\nS 550 5.1.1 no\n", .want = "FF up open"},
{"nobody_accepted_and_data_taken_gets_a_lone_dot", PIPELINED ENVELOPE
    "S 250 ok\nS 550 5.1.1 no\nS 450 later\nS 354 go on\nC .\nS 250 queued\n", .want = "FD up over"},
{"nobody_accepted_and_data_lost_keeps_what_was_said", PIPELINED ENVELOPE
    "S 250 ok\nS 550 5.1.1 no\nS 450 later\nX gone\n", .want = "FD up over"},
{"a_relay_that_denies_everybody_holds_the_message", PIPELINED ENVELOPE "S 250 ok\nS 554 5.7.1 denied\n"
    "S 554 5.7.1 denied\nS 554 5.5.1 no valid recipients\n", .want = "HH up open"},
{"refused_data_needs_rset", PIPELINED ENVELOPE "S 250 ok\nS 250 ok\nS 250 ok\nS 451 later\nC RSET\nS 250 ok\n"
    DELIVERED, .want = "SS up open", .messages = 2},
{"accepted_before_does_not_count_for_the_next", PIPELINED DELIVERED ENVELOPE
    "S 250 ok\nS 452 4.2.2 full\nS 250 ok\nS 354 go on\nC hello\nC .\nS 250 queued\n",
    .want = "DS up open", .messages = 2},
{"8bitmime_is_not_said_of_7_bit_text", EHLO "S 250-mx\nS 250 8BITMIME\nC MAIL FROM:<a@x>\nX gone\n",
    .want = "UU down over"},
{"a_refused_rset_leaves_the_message_untried", PIPELINED ENVELOPE
    "S 250 ok\nS 250 ok\nS 250 ok\nS 451 later\nC RSET\nS 421 no\n", .want = "UU up over", .messages = 2},
{"one_of_two_is_delivered", PIPELINED ENVELOPE "S 250 ok\nS 550 5.1.1 no\nS 250 ok\nS 354 go on\nC hello\nC .\n"
    "S 250 queued\n", .want = "FS up open"},
{"one_too_many_is_untried", PIPELINED ENVELOPE "S 250 ok\nS 250 ok\nS 452 4.5.3 too many\nS 354 go on\nC hello\n"
    "C .\nS 250 queued\n", .want = "SU up open"},
{"one_too_many_stays_untried_when_the_dot_is_lost", PIPELINED ENVELOPE "S 250 ok\nS 250 ok\nS 452 4.5.3 too many\n"
    "S 354 go on\nC hello\nC .\nX gone\n", .want = "AU up over"},
{"lost_at_the_second_rcpt_defers_the_first_too", PIPELINED ENVELOPE "S 250 ok\nS 250 ok\nX gone\n",
    .want = "DD up over"},
{"lost_at_the_second_rcpt_keeps_the_first_refused", PIPELINED ENVELOPE "S 250 ok\nS 550 5.1.1 no\nX gone\n",
    .want = "FD up over"},
{"a_reply_before_the_text_ends_is_an_error", PIPELINED ENVELOPE ACCEPTED "S 250 queued\n",
    .want = "DD up over"},
{"a_reply_too_many_ends_the_connection", PIPELINED DELIVERED "S 421 idle\n", .want = "SS up over"},
{"a_reply_too_many_at_once_does_not_change_the_result", PIPELINED ENVELOPE ACCEPTED
    "C hello\nC .\nS 250 queued\nS 550 5.1.1 no\n", .want = "SS up over"},
{"a_connection_lost_while_idle_does_not_change_the_result", PIPELINED DELIVERED "X gone\n",
    .want = "SS up over"},
{"a_connection_that_ends_when_the_next_message_begins_is_no_outage", PIPELINED DELIVERED ENVELOPE "X gone\n",
    .want = "UU up over", .messages = 2},
{"a_goodbye_that_crosses_the_next_message_is_no_outage", PIPELINED DELIVERED ENVELOPE "S 421 idle\n",
    .want = "UU up over", .messages = 2},
{"a_connection_that_ends_behind_a_refused_message_is_no_outage", PIPELINED
    ENVELOPE "S 450 later\nS 503 no\nS 503 no\nS 503 no\n" ENVELOPE "X gone\n", .want = "UU up over", .messages = 2},
{"a_relay_that_is_full_by_the_next_message_is_down", PIPELINED DELIVERED ENVELOPE
    "S 452 4.3.1 full\nS 503 no\nS 503 no\nS 503 no\nC QUIT\n", .want = "UU down over", .messages = 2},
{"a_reply_before_its_command_is_an_error", "S 220 mx\nS 250 mx\n", .want = "UU down over"},
{"a_second_banner_is_no_reply_to_what_comes_in_turn", IN_TURNS "C MAIL FROM:<a@x>\nS 250 ok\nS 250 ok\n",
    .want = "DD up over"},
{"garbage_at_the_dot_is_skipped", PIPELINED ENVELOPE ACCEPTED "C hello\nC .\nS what\nS \nS 250-x\nS 999\nS 550 no\n",
    .want = "FF up open"},
{"garbage_alone_at_the_dot_is_ambiguous", PIPELINED ENVELOPE ACCEPTED "C hello\nC .\nS what\nX timed out\n",
    .want = "AA up over"},
{"a_line_without_its_end_at_the_dot_is_ambiguous", PIPELINED ENVELOPE ACCEPTED "C hello\nC .\ns 250 queued\nX gone\n",
    .want = "AA up over"},
{"421_at_the_dot_is_a_reply_and_closes", PIPELINED ENVELOPE ACCEPTED "C hello\nC .\nS 421 no\n",
    .want = "DD up over"},
{"8bitmime_is_said_where_offered", EHLO "S 250-mx\nS 250 8BITMIME\nC MAIL FROM:<> BODY=8BITMIME\nX gone\n",
    .want = "UU down over", .message = &eight_bit},
{"8_bit_text_goes_without_8bitmime", EHLO "S 250-mx\nS 250 SMTPUTF8\nC MAIL FROM:<>\nX gone\n",
    .want = "UU down over", .message = &eight_bit},
{"smtputf8_is_said_where_needed", EHLO "S 250-mx\nS 250-8BITMIME\nS 250 SMTPUTF8\n"
    "C MAIL FROM:<a@x> BODY=8BITMIME SMTPUTF8\nX gone\n", .want = "UU down over", .message = &utf8_message},
{"smtputf8_is_said_where_wanted", EHLO "S 250-mx\nS 250-8BITMIME\nS 250 SMTPUTF8\n"
    "C MAIL FROM:<a@x> SMTPUTF8\nX gone\n", .want = "UU down over", .message = &utf8_wanted},
{"smtputf8_is_wanted_in_vain", EHLO "S 250-mx\nS 250 8BITMIME\nC MAIL FROM:<a@x>\nX gone\n",
    .want = "UU down over", .message = &utf8_wanted},
{"smtputf8_is_not_said_unasked", EHLO "S 250-mx\nS 250-8BITMIME\nS 250 SMTPUTF8\n"
    "C MAIL FROM:<> BODY=8BITMIME\nX gone\n", .want = "UU down over", .message = &eight_bit},
{"dsn_is_asked_for_where_offered", EHLO "S 250-mx\nS 250-PIPELINING\nS 250-SIZE\nS 250 DSN\n"
    "C MAIL FROM:<a@x> SIZE=7 RET=HDRS ENVID=a+2Bb+3Dc+20d\n"
    "C RCPT TO:<one@x> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;o+2Bn+3De+20\"@x\n"
    "C RCPT TO:<two@x> NOTIFY=NEVER\n"
    "C DATA\n" ACCEPTED "C hello\nC .\nS 250 queued\n", .want = "SS up open", .message = &dsn_message},
{"dsn_is_asked_for_in_turns_too", EHLO "S 250-mx\nS 250 dsn\n"
    "C MAIL FROM:<a@x> RET=HDRS ENVID=a+2Bb+3Dc+20d\nS 250 ok\n"
    "C RCPT TO:<one@x> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;o+2Bn+3De+20\"@x\nS 250 ok\n"
    "C RCPT TO:<two@x> NOTIFY=NEVER\nS 250 ok\nC DATA\nS 354 go on\nC hello\nC .\nS 250 queued\n",
    .want = "SS up open", .message = &dsn_message},
{"only_what_is_given_is_asked_for", EHLO "S 250-mx\nS 250 DSN\n"
    "C MAIL FROM:<a@x> RET=FULL ENVID=HOE92WV\nS 250 ok\nC RCPT TO:<two@x>\nX gone\n",
    .want = "DU up over", .message = &dsn_named},
{"dsn_is_dropped_where_not_offered", PIPELINED DELIVERED, .want = "SS up open", .message = &dsn_message},
{"dsn_is_dropped_after_helo", EHLO "S 502 what\nC HELO me\nS 250-mx\nS 250 DSN\nC MAIL FROM:<a@x>\nX gone\n",
    .want = "UU down over", .message = &dsn_message},
{"what_is_asked_for_cannot_end_a_command", EHLO "S 250-mx\nS 250 DSN\n"
    "C MAIL FROM:<a@x> ENVID=+0D+0ARCPT+20TO:<b@x>+C3\nS 250 ok\n"
    "C RCPT TO:<two@x> ORCPT=a;+FF>+0D+0ADATA+0D+0A+3D+2B+20+7F\nX gone\n",
    .want = "DU up over", .message = &dsn_hostile},
{"a_probe_asks_for_no_reports", EHLO "S 250-mx\nS 250 DSN\nC MAIL FROM:<>\nS 250 ok\nC RSET\nS 250 ok\n",
    .want = "UU up open", .is_probe = true},
{"an_address_that_needs_smtputf8_fails_alone", EHLO "S 250-mx\nS 250 PIPELINING\n"
    "C MAIL FROM:<a@x>\nC RCPT TO:<two@x>\nC DATA\nS 250 ok\nS 250 ok\nS 354 go on\nC hello\nC .\nS 250 queued\n",
    .want = "FS up open", .message = &utf8_message},
{"a_sender_that_needs_smtputf8_fails_the_message", PIPELINED, .want = "FU up open", .message = &utf8_sender},
{"an_unfit_address_is_held_and_never_sent", EHLO "S 250-mx\nS 250 PIPELINING\n"
    "C MAIL FROM:<a@x>\nC RCPT TO:<two@x>\nC DATA\nS 250 ok\nS 250 ok\nS 354 go on\nC hello\nC .\nS 250 queued\n",
    .want = "HS up open", .message = &unfit_message},
{"smuggled_commands_are_held", PIPELINED, .want = "HH up open", .message = &smuggling_message},
{"an_unfit_sender_holds_the_message", PIPELINED, .want = "HU up open", .message = &unfit_sender},
{"a_probe_asks_with_a_size_and_takes_it_back", EHLO "S 250-mx\nS 250-PIPELINING\nS 250 SIZE\n"
    "C MAIL FROM:<> SIZE=1000\nS 250 ok\nC RSET\nS 250 ok\n", .want = "UU up open", .is_probe = true},
{"a_probe_refused_for_now_means_down", IN_TURNS "C MAIL FROM:<>\nS 451 later\nC QUIT\n", .want = "UU down over", .is_probe = true},
{"a_probe_refused_for_good_is_alarming_only", IN_TURNS "C MAIL FROM:<>\nS 550 no\n", .want = "UU up! open", .is_probe = true},
{"a_probe_lost_means_down", IN_TURNS "C MAIL FROM:<>\nX gone\n", .want = "UU down over", .is_probe = true},
{"a_probe_lost_at_rset_has_succeeded", IN_TURNS "C MAIL FROM:<>\nS 250 ok\nC RSET\nX gone\n", .want = "UU up over", .is_probe = true},
};
/* clang-format on */

/* The script lines from *at on that begin with a letter of kinds, as bytes. */
static void
take_lines(const char **at, const char *kinds, struct buf *out)
{
	while (**at && strchr(kinds, **at)) {
		size_t len = strcspn(*at, "\n");

		buf_add(out, *at + 2, len - 2);
		if (**at != 's')
			buf_add_str(out, "\r\n");
		*at += len + 1;
	}
}

static void
check_sent(struct play *p, const struct script *script, const struct buf *want)
{
	size_t len = want->len < p->sent.len ? want->len : p->sent.len;

	ck_assert_msg(
	    len == want->len && memcmp(p->sent.data, want->data, len) == 0,
	    "%s, cut %d: got %s, want %s", script->name, p->cut, p->sent.data,
	    want->data);
	buf_consume(&p->sent, len);
}

static void
follow(struct play *p, const struct script *script)
{
	const char *at = script->lines;

	while (*at) {
		char kind = *at;
		struct buf b = BUF_INIT;

		take_lines(&at,
		    kind == 'X'	  ? "X"
		    : kind == 'C' ? "C"
				  : "Ss",
		    &b);
		if (kind == 'C')
			check_sent(p, script, &b);
		else if (kind == 'X')
			smtp_lost(p->s, b.data);
		else
			play_feed(p, b.data, b.len);
		buf_release(&b);
	}
}

int
smtp_script_count(void)
{
	return (int)ARRAY_LEN(scripts);
}

void
smtp_script_play(int i, int cut)
{
	const struct script *script = &scripts[i];
	const struct smtp_message *message =
	    script->message ? script->message : &play_message;
	struct buf got = BUF_INIT;
	struct play p;

	play_init(&p, script->is_probe ? NULL : message,
	    script->messages ? script->messages : 1, cut);
	if (script->text)
		p.text = script->text;
	follow(&p, script);
	play_describe(&p, &got);
	ck_assert_msg(strcmp(got.data, script->want) == 0,
	    "%s, cut %d: got %s, want %s", script->name, cut, got.data,
	    script->want);
	/* Where the text was interrupted it is of no interest. */
	ck_assert_msg(
	    p.sent.len == 0 || strstr(script->name, "before_the_text"),
	    "%s, cut %d: got %s, want no more", script->name, cut, p.sent.data);
	ck_assert_msg(
	    !p.violation, "%s, cut %d: %s", script->name, cut, p.violation);
	play_release(&p);
	buf_release(&got);
}
