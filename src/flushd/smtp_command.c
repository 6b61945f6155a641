/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>

#include "flushd/smtp_internal.h"
#include "mail/address.h"
#include "mail/envelope.h"

/*
 * Whoever wrote the spool may be hostile, and one byte here is a command of its
 * own, so this asks nobody else. Brackets are refused inside quotes too, where
 * RFC 5321 has them: not every relay reads quotes as we do.
 */
bool
smtp_address_is_sendable(const char *address)
{
	size_t len = strlen(address);

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)address[i];

		if (c < 32 || c == 127 || c == '<' || c == '>')
			return false;
	}
	return len <= ENVELOPE_ADDRESS_MAX;
}

bool
smtp_address_needs_utf8(const char *address)
{
	return address_is_utf8(address, strlen(address));
}

bool
smtp_is_all_written(const struct smtp *s)
{
	return s->out_at == s->out.len;
}

void
smtp_expect_reply(struct smtp *s)
{
	s->awaited[s->awaited_at + s->awaited_count++] =
	    s->written + s->out.len - s->out_at;
}

bool
smtp_is_reply_due(const struct smtp *s)
{
	return s->awaited_count > 0 && s->written >= s->awaited[s->awaited_at];
}

void
smtp_reply_came(struct smtp *s)
{
	s->reply_count++;
	s->awaited_at++;
	if (--s->awaited_count == 0)
		s->awaited_at = 0;
}

size_t
smtp_next_undecided(const struct smtp *s, size_t i)
{
	while (
	    i < s->message->recipient_count && s->progress[i] != SMTP_UNDECIDED)
		i++;
	return i;
}

bool
smtp_is_probe(const struct smtp *s)
{
	return s->message == &s->probe;
}

void
smtp_command(struct smtp *s, const char *verb, const char *argument)
{
	buf_add_format(&s->out, "%s%s\r\n", verb, argument);
	smtp_expect_reply(s);
}

/* An address needs it, or else the submitter wants it and can have it. */
static bool
message_is_smtputf8(const struct smtp *s)
{
	const struct smtp_message *m = s->message;
	size_t i = smtp_next_undecided(s, 0);

	while (i < m->recipient_count) {
		if (smtp_address_needs_utf8(m->recipients[i]->address))
			return true;
		i = smtp_next_undecided(s, i + 1);
	}
	return smtp_address_needs_utf8(m->sender) ||
	       (s->extensions.has_smtputf8 && m->is_smtputf8);
}

static void
add_dsn_of_message(struct buf *out, const struct smtp_message *m)
{
	if (m->ret != RET_UNSPECIFIED)
		buf_add_format(out, " RET=%s", parameter_ret_names[m->ret]);
	if (m->envid) {
		buf_add_str(out, " ENVID=");
		parameter_add_envid(out, m->envid);
	}
}

static void
add_dsn_of_recipient(struct buf *out, const struct recipient *r)
{
	if (r->notify) {
		buf_add_str(out, " NOTIFY=");
		parameter_add_notify(out, r->notify);
	}
	if (r->original) {
		buf_add_str(out, " ORCPT=");
		parameter_add_original(out, r->original);
	}
}

void
smtp_command_mail(struct smtp *s)
{
	const struct smtp_message *m = s->message;

	buf_add_format(&s->out, "MAIL FROM:<%s>", m->sender);
	if (s->extensions.has_size)
		buf_add_format(&s->out, " SIZE=%" PRIu64, m->wire_len);
	if (s->extensions.has_8bitmime && m->is_8bit)
		buf_add_str(&s->out, " BODY=8BITMIME");
	if (message_is_smtputf8(s))
		buf_add_str(&s->out, " SMTPUTF8");
	if (s->extensions.has_dsn)
		add_dsn_of_message(&s->out, m);
	buf_add_str(&s->out, "\r\n");
	smtp_expect_reply(s);
}

void
smtp_command_rcpt(struct smtp *s, size_t recipient)
{
	const struct recipient *r = s->message->recipients[recipient];

	buf_add_format(&s->out, "RCPT TO:<%s>", r->address);
	if (s->extensions.has_dsn)
		add_dsn_of_recipient(&s->out, r);
	buf_add_str(&s->out, "\r\n");
	smtp_expect_reply(s);
}

void
smtp_command_dot(struct smtp *s)
{
	text_wire_end(&s->wire, &s->out);
	smtp_expect_reply(s);
}
