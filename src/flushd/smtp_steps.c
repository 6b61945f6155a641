/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flushd/smtp_internal.h"
#include "flushd/smtp_verdict.h"

void
smtp_enter(struct smtp *s, enum smtp_state state)
{
	s->state = state;
	if (smtp_steps[state].enter)
		smtp_steps[state].enter(s);
}

static bool
is_pipelined(const struct smtp *s)
{
	return s->extensions.has_pipelining && !smtp_is_probe(s);
}

/* ---- how things end --------------------------------------------------- */

/* "phase: words", for people; for free(). */
static char *
explain(const struct smtp *s, const char *words)
{
	struct buf b = BUF_INIT;

	buf_add_format(&b, "%s: %.*s", smtp_steps[s->state].name,
	    SMTP_REPLY_TEXT_MAX, words);
	return buf_detach(&b);
}

void
smtp_settle(
    struct smtp *s, size_t i, enum smtp_outcome outcome, const char *words)
{
	s->progress[i] = SMTP_SETTLED;
	s->result.outcomes[i] = outcome;
	s->result.replies[i] = alloc_copy(words, strlen(words));
}

/* Settle whatever is not. */
static void
settle_rest(struct smtp *s, enum smtp_outcome outcome, const char *words)
{
	for (size_t i = 0; i < s->result.recipient_count; i++) {
		if (s->progress[i] != SMTP_SETTLED)
			smtp_settle(s, i, outcome, words);
	}
}

static void
settle_rest_lost(struct smtp *s, enum smtp_outcome outcome, const char *words)
{
	char *why = explain(s, words);

	settle_rest(s, outcome, why);
	free(why);
}

/* Nothing more is to be said or heard; what is to be written still is. */
static void
end(struct smtp *s)
{
	s->state = SMTP_STATE_OVER;
	s->message = NULL;
	s->awaited_at = 0;
	s->awaited_count = 0;
}

/* There is nobody to write to any more. */
static void
hang_up(struct smtp *s)
{
	buf_clear(&s->out);
	s->out_at = 0;
	end(s);
}

void
smtp_say_goodbye(struct smtp *s)
{
	buf_add_str(&s->out, "QUIT\r\n");
	end(s);
}

/* The server awaits a text for nobody; RFC 2920 section 3.1. */
static void
send_lone_dot(struct smtp *s)
{
	buf_add_str(&s->out, ".\r\n");
	end(s);
}

void
smtp_finish(struct smtp *s)
{
	s->message = NULL;
	smtp_enter(s, SMTP_STATE_READY);
}

static void
set_relay_reason(struct smtp *s, const char *words)
{
	free(s->result.relay_reason);
	s->result.relay_reason = explain(s, words);
}

static void
blame_relay(struct smtp *s, const char *words)
{
	s->result.is_relay_down = true;
	set_relay_reason(s, words);
}

static void
alarm_about_relay(struct smtp *s, const char *words)
{
	s->result.is_alarming = true;
	set_relay_reason(s, words);
}

/* ---- lost connections ------------------------------------------------- */

static void
lost_relay(struct smtp *s, const char *words)
{
	blame_relay(s, words);
	hang_up(s);
}

static void
lost_undecided(struct smtp *s, const char *words)
{
	settle_rest_lost(s, SMTP_DEFERRED, words);
	hang_up(s);
}

/* Unless the whole dot went out, the relay cannot have taken the message. */
static void
lost_dot(struct smtp *s, const char *words)
{
	settle_rest_lost(
	    s, smtp_is_all_written(s) ? SMTP_AMBIGUOUS : SMTP_DEFERRED, words);
	hang_up(s);
}

/*
 * Between two messages, or at MAIL, which may cross the relay's own goodbye. A
 * relay may end a connection that did its work; but one that was of no use at
 * all would only be followed by the next.
 */
static void
lost_between(struct smtp *s, const char *words)
{
	if (!s->is_proven)
		blame_relay(s, words);
	hang_up(s);
}

/* The result stands, or there was nothing to lose yet. */
static void
lost_nothing(struct smtp *s, const char *words UNUSED)
{
	hang_up(s);
}

static void
lose(struct smtp *s, const char *words)
{
	smtp_steps[s->state].lost(s, words);
}

/* ---- greeting --------------------------------------------------------- */

static void
enter_banner(struct smtp *s)
{
	smtp_expect_reply(s);
}

static void
reply_banner(struct smtp *s)
{
	if (smtp_reply_class(&s->reply) == 2) {
		smtp_enter(s, SMTP_STATE_EHLO);
		return;
	}
	if (smtp_reply_class(&s->reply) == 5)
		alarm_about_relay(s, s->reply.text);
	lose(s, s->reply.text);
}

static void
enter_ehlo(struct smtp *s)
{
	smtp_command(s, "EHLO ", s->helo_name);
}

static void
reply_ehlo(struct smtp *s)
{
	if (smtp_reply_class(&s->reply) == 2)
		smtp_enter(s, SMTP_STATE_READY);
	else if (smtp_reply_class(&s->reply) == 5)
		smtp_enter(s, SMTP_STATE_HELO);
	else
		lose(s, s->reply.text);
}

static void
enter_helo(struct smtp *s)
{
	smtp_command(s, "HELO ", s->helo_name);
}

static void
reply_helo(struct smtp *s)
{
	if (smtp_reply_class(&s->reply) == 2) {
		smtp_enter(s, SMTP_STATE_READY);
		return;
	}
	if (smtp_reply_class(&s->reply) == 5)
		alarm_about_relay(s, s->reply.text);
	lose(s, s->reply.text);
}

/* ---- between messages ------------------------------------------------- */

static void
enter_ready(struct smtp *s)
{
	if (s->result.is_relay_down || s->message_count >= SMTP_MESSAGES_MAX ||
	    s->error_count >= SMTP_ERRORS_MAX)
		smtp_say_goodbye(s);
}

static void
enter_rset(struct smtp *s)
{
	s->needs_rset = false;
	smtp_command(s, "RSET", "");
}

static void
reply_rset(struct smtp *s)
{
	if (smtp_reply_class(&s->reply) == 2)
		smtp_enter(s, SMTP_STATE_MAIL);
	else
		lose(s, s->reply.text);
}

static void
reply_undo(struct smtp *s)
{
	if (smtp_reply_class(&s->reply) == 2)
		smtp_finish(s);
	else
		lose(s, s->reply.text);
}

/* ---- a transaction ---------------------------------------------------- */

static void
enter_mail(struct smtp *s)
{
	size_t count = s->message->recipient_count;

	smtp_command_mail(s);
	if (!is_pipelined(s))
		return;
	for (size_t i = smtp_next_undecided(s, 0); i < count;
	     i = smtp_next_undecided(s, i + 1))
		smtp_command_rcpt(s, i);
	smtp_command(s, "DATA", "");
}

static void
refuse_probe(struct smtp *s)
{
	if (smtp_reply_class(&s->reply) == 4)
		blame_relay(s, s->reply.text);
	else
		alarm_about_relay(s, s->reply.text);
}

/* The relay's no for good is one for now, if that is wanted. */
static enum smtp_outcome
soften(const struct smtp *s, enum smtp_outcome verdict)
{
	const bool is_final = verdict == SMTP_FAILED || verdict == SMTP_HELD;

	return is_final && s->message->is_soft_bounce ? SMTP_DEFERRED : verdict;
}

static void
reply_mail(struct smtp *s)
{
	const struct smtp_reply *r = &s->reply;

	s->is_proven = true;
	if (smtp_reply_class(r) == 2) {
		s->recipient = 0;
		smtp_enter(
		    s, smtp_is_probe(s) ? SMTP_STATE_UNDO : SMTP_STATE_RCPT);
		return;
	}
	if (smtp_is_probe(s))
		refuse_probe(s);
	else if (r->code == 452)
		blame_relay(s, r->text);
	else
		settle_rest(s, soften(s, smtp_verdict_mail(r)), r->text);
	smtp_enter(s, SMTP_STATE_DISCARD);
}

/* A relay that refused MAIL says nonsense about the rest, such as 503. */
static void
enter_discard(struct smtp *s)
{
	if (s->awaited_count == 0)
		smtp_finish(s);
}

static void
reply_discard(struct smtp *s)
{
	if (smtp_reply_class(&s->reply) != 3)
		smtp_enter(s, SMTP_STATE_DISCARD);
	else if (s->awaited_count == 0)
		send_lone_dot(s);
	else
		lose(s, s->reply.text);
}

static void
enter_rcpt(struct smtp *s)
{
	s->recipient = smtp_next_undecided(s, s->recipient);
	if (!is_pipelined(s))
		smtp_command_rcpt(s, s->recipient);
}

static void
reply_rcpt(struct smtp *s)
{
	const struct smtp_reply *r = &s->reply;
	size_t i = s->recipient++;

	if (smtp_reply_class(r) == 2) {
		s->progress[i] = SMTP_ACCEPTED;
		s->accepted_count++;
	} else {
		smtp_settle(s, i,
		    soften(s, smtp_verdict_rcpt(r, s->accepted_count > 0)),
		    r->text);
	}
	if (smtp_next_undecided(s, s->recipient) <
	    s->message->recipient_count) {
		smtp_enter(s, SMTP_STATE_RCPT);
	} else if (s->accepted_count > 0 || is_pipelined(s)) {
		smtp_enter(s, SMTP_STATE_DATA);
	} else {
		s->needs_rset = true;
		smtp_finish(s);
	}
}

static void
enter_data(struct smtp *s)
{
	if (!is_pipelined(s))
		smtp_command(s, "DATA", "");
}

static void
reply_data(struct smtp *s)
{
	const struct smtp_reply *r = &s->reply;

	if (smtp_reply_class(r) == 3) {
		if (s->accepted_count > 0)
			smtp_enter(s, SMTP_STATE_TEXT);
		else
			send_lone_dot(s);
		return;
	}
	settle_rest(s, soften(s, smtp_verdict_data(r)), r->text);
	s->needs_rset = true;
	smtp_finish(s);
}

static void
enter_text(struct smtp *s)
{
	s->wire = (struct text_wire){0};
}

static void
enter_dot(struct smtp *s)
{
	smtp_command_dot(s);
}

static void
reply_dot(struct smtp *s)
{
	const struct smtp_reply *r = &s->reply;

	if (smtp_reply_class(r) == 2)
		settle_rest(s, SMTP_SENT, r->text);
	else
		settle_rest(s, soften(s, smtp_verdict_dot(r)), r->text);
	if (r->code == 421)
		hang_up(s);
	else
		smtp_finish(s);
}

const struct smtp_step smtp_steps[SMTP_STATE_COUNT] = {
    /* clang-format off */
    [SMTP_STATE_BANNER] = {"banner", SMTP_WANT_REPLY, 90, "245",
	enter_banner, reply_banner, lost_relay},
    [SMTP_STATE_EHLO] = {"EHLO", SMTP_WANT_REPLY, 90, "245",
	enter_ehlo, reply_ehlo, lost_relay},
    [SMTP_STATE_HELO] = {"HELO", SMTP_WANT_REPLY, 90, "245",
	enter_helo, reply_helo, lost_relay},
    [SMTP_STATE_READY] = {"idle", SMTP_WANT_MESSAGE, 0, "",
	enter_ready, NULL, lost_between},
    [SMTP_STATE_RSET] = {"RSET", SMTP_WANT_REPLY, 30, "245",
	enter_rset, reply_rset, lost_nothing},
    [SMTP_STATE_MAIL] = {"MAIL", SMTP_WANT_REPLY, 300, "245",
	enter_mail, reply_mail, lost_between},
    [SMTP_STATE_RCPT] = {"RCPT", SMTP_WANT_REPLY, 300, "245",
	enter_rcpt, reply_rcpt, lost_undecided},
    [SMTP_STATE_DATA] = {"DATA", SMTP_WANT_REPLY, 120, "345",
	enter_data, reply_data, lost_undecided},
    [SMTP_STATE_TEXT] = {"text", SMTP_WANT_TEXT, 180, "",
	enter_text, NULL, lost_undecided},
    [SMTP_STATE_DOT] = {"final dot", SMTP_WANT_REPLY, 600, "245",
	enter_dot, reply_dot, lost_dot},
    [SMTP_STATE_UNDO] = {"RSET", SMTP_WANT_REPLY, 30, "245",
	enter_rset, reply_undo, lost_nothing},
    [SMTP_STATE_DISCARD] = {"refused MAIL", SMTP_WANT_REPLY, 30, "2345",
	enter_discard, reply_discard, lost_nothing},
    [SMTP_STATE_OVER] = {"over", SMTP_WANT_NOTHING, 0, "",
	NULL, NULL, lost_nothing},
    /* clang-format on */
};
