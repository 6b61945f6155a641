/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flushd/smtp_internal.h"

const char *const smtp_outcome_names[SMTP_OUTCOME_COUNT] = {
    [SMTP_UNTRIED] = "untried",
    [SMTP_SENT] = "sent",
    [SMTP_DEFERRED] = "deferred",
    [SMTP_FAILED] = "failed",
    [SMTP_HELD] = "held",
    [SMTP_AMBIGUOUS] = "ambiguous",
};

/* ---- life ------------------------------------------------------------- */

static void
reset_result(struct smtp *s, size_t recipient_count)
{
	struct smtp_result *r = &s->result;

	for (size_t i = 0; i < r->recipient_count; i++)
		free(r->replies[i]);
	free(r->relay_reason);
	*r = (struct smtp_result){.recipient_count = recipient_count};
}

struct smtp *
smtp_new(const char *helo_name)
{
	struct smtp *s = alloc_zeroed(sizeof(*s));

	assert(*helo_name && smtp_address_is_sendable(helo_name));
	s->helo_name = alloc_copy(helo_name, strlen(helo_name));
	buf_init(&s->out);
	smtp_reply_init(&s->reply);
	smtp_enter(s, SMTP_STATE_BANNER);
	return s;
}

void
smtp_free(struct smtp *s)
{
	if (!s)
		return;
	reset_result(s, 0);
	buf_release(&s->out);
	free(s->helo_name);
	free(s);
}

/* ---- questions -------------------------------------------------------- */

enum smtp_want
smtp_want(const struct smtp *s)
{
	return smtp_steps[s->state].want;
}

int64_t
smtp_timeout_ms(const struct smtp *s)
{
	return smtp_steps[s->state].timeout_sec * 1000;
}

uint64_t
smtp_reply_count(const struct smtp *s)
{
	return s->reply_count;
}

const char *
smtp_phase_name(const struct smtp *s)
{
	return smtp_steps[s->state].name;
}

bool
smtp_is_dot_open(const struct smtp *s)
{
	return s->state == SMTP_STATE_DOT;
}

const struct smtp_result *
smtp_result(const struct smtp *s)
{
	return &s->result;
}

uint64_t
smtp_size_limit(const struct smtp *s)
{
	return s->extensions.size_limit;
}

bool
smtp_has_dsn(const struct smtp *s)
{
	return s->extensions.has_dsn;
}

/* ---- what goes out ---------------------------------------------------- */

size_t
smtp_output(const struct smtp *s, const char **data)
{
	*data = s->out.data + s->out_at;
	return s->out.len - s->out_at;
}

void
smtp_written(struct smtp *s, size_t len)
{
	assert(len <= s->out.len - s->out_at);
	s->written += len;
	s->out_at += len;
	/* Move the rest only when it is the smaller part: linear time. */
	if (s->out_at >= s->out.len - s->out_at) {
		buf_consume(&s->out, s->out_at);
		s->out_at = 0;
	}
}

/* Settle, without a word to the relay, whom it cannot be told. */
static void
check_recipient(struct smtp *s, size_t i)
{
	const char *sender = s->message->sender;
	const char *recipient = s->message->recipients[i]->address;

	if (!smtp_address_is_sendable(sender))
		smtp_settle(s, i, SMTP_HELD,
		    "5.1.7 the sender's address is unfit for an SMTP command");
	else if (!*recipient || !smtp_address_is_sendable(recipient))
		smtp_settle(s, i, SMTP_HELD,
		    "5.1.3 the address is unfit for an SMTP command");
	else if (!s->extensions.has_smtputf8 &&
		 (smtp_address_needs_utf8(sender) ||
		     smtp_address_needs_utf8(recipient)))
		smtp_settle(s, i, SMTP_FAILED,
		    "5.6.7 the relay takes no addresses beyond ASCII "
		    "(SMTPUTF8)");
}

static void
begin(struct smtp *s, const struct smtp_message *message)
{
	assert(s->state == SMTP_STATE_READY);
	reset_result(s, message->recipient_count);
	s->message = message;
	s->message_count++;
	s->accepted_count = 0;
	memset(s->progress, 0, sizeof(s->progress));
}

void
smtp_start(struct smtp *s, const struct smtp_message *message)
{
	size_t count = message->recipient_count;

	assert(count > 0 && count <= SMTP_RECIPIENTS_MAX);
	begin(s, message);
	for (size_t i = 0; i < count; i++)
		check_recipient(s, i);
	if (smtp_next_undecided(s, 0) == count)
		smtp_finish(s);
	else
		smtp_enter(
		    s, s->needs_rset ? SMTP_STATE_RSET : SMTP_STATE_MAIL);
}

void
smtp_probe(struct smtp *s, uint64_t wire_len)
{
	s->probe = (struct smtp_message){.sender = "", .wire_len = wire_len};
	begin(s, &s->probe);
	smtp_enter(s, s->needs_rset ? SMTP_STATE_RSET : SMTP_STATE_MAIL);
}

void
smtp_text(struct smtp *s, const char *text, size_t len)
{
	assert(s->state == SMTP_STATE_TEXT);
	text_wire_add(&s->wire, text, len, &s->out);
}

void
smtp_text_end(struct smtp *s)
{
	assert(s->state == SMTP_STATE_TEXT);
	smtp_enter(s, SMTP_STATE_DOT);
}

void
smtp_quit(struct smtp *s)
{
	assert(s->state == SMTP_STATE_READY);
	smtp_say_goodbye(s);
}

/* ---- what comes in ---------------------------------------------------- */

void
smtp_lost(struct smtp *s, const char *reason)
{
	smtp_steps[s->state].lost(s, reason);
}

static void
lose_to(struct smtp *s, const char *complaint)
{
	struct buf b = BUF_INIT;

	buf_add_format(&b, "%s: %s", complaint, s->reply.text);
	smtp_lost(s, b.data);
	buf_release(&b);
}

static void
take_reply(struct smtp *s)
{
	unsigned int class = smtp_reply_class(&s->reply);

	smtp_reply_came(s);
	if (class >= 4)
		s->error_count++;
	/* 421 says that the connection closes; at the dot it also says what
	 * has become of the message. */
	if (s->reply.code == 421 && s->state != SMTP_STATE_DOT)
		smtp_lost(s, s->reply.text);
	else if (!strchr(smtp_steps[s->state].classes, (int)('0' + class)))
		lose_to(s, "unexpected reply");
	else
		smtp_steps[s->state].reply(s);
	smtp_reply_init(&s->reply);
}

static void
take_line(struct smtp *s)
{
	const struct smtp_reply *r = &s->reply;

	if (s->state == SMTP_STATE_EHLO && smtp_reply_class(r) == 2 &&
	    r->line_count > 1 && r->line_len > 4)
		smtp_ehlo_add(&s->extensions, r->line + 4, r->line_len - 4);
}

/* Nothing is pipelined behind the dot: whatever reply comes is its own. */
static void
take_garbage(struct smtp *s)
{
	if (s->state == SMTP_STATE_DOT)
		smtp_reply_skip(&s->reply);
	else
		lose_to(s, "not a reply of SMTP");
}

void
smtp_input(struct smtp *s, const char *data, size_t len)
{
	while (len > 0 && s->state != SMTP_STATE_OVER) {
		enum smtp_reply_event event;
		size_t used;

		if (!smtp_is_reply_due(s)) {
			smtp_lost(s, "the relay spoke out of turn");
			return;
		}
		event = smtp_reply_read(&s->reply, data, len, &used);
		data += used;
		len -= used;
		if (event == SMTP_REPLY_LINE || event == SMTP_REPLY_COMPLETE)
			take_line(s);
		if (event == SMTP_REPLY_COMPLETE)
			take_reply(s);
		else if (event == SMTP_REPLY_GARBAGE)
			take_garbage(s);
		else if (event == SMTP_REPLY_TOO_LONG)
			smtp_lost(s, "endless reply");
	}
}
