/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "flushd/smtp_reply.h"
#include "fuzz/fuzz.h"
#include "fuzz/smtp_watch.h"
#include "mail/envelope.h"
#include "mail/text.h"

enum { COMMANDS_MAX = 64 * 1024 }; /* bytes that may wait, without a text */

void
watch_init(struct watch *w, const char *text)
{
	struct text_wire wire = {0};

	*w = (struct watch){
	    .sent = BUF_INIT, .wire = BUF_INIT, .line = BUF_INIT};
	text_wire_add(&wire, text, strlen(text), &w->wire);
	text_wire_end(&wire, &w->wire);
}

void
watch_release(struct watch *w)
{
	buf_release(&w->sent);
	buf_release(&w->wire);
	buf_release(&w->line);
}

void
watch_begin(struct watch *w, const struct smtp_message *message)
{
	w->message = message;
	w->is_text_out = w->has_delay = w->has_refusal = false;
	w->verdict = 0;
	buf_clear(&w->line);
}

/* ---- the client ------------------------------------------------------- */

static bool
is_dot_written(const struct watch *w)
{
	return w->is_text_out && w->sent.len >= w->text_end;
}

static bool
is_waiting_for_dot(const struct watch *w)
{
	return w->is_text_out && w->verdict == 0;
}

static bool
is_sendable(const char *address)
{
	const size_t len = strlen(address);

	return len <= ENVELOPE_ADDRESS_MAX && !strpbrk(address, "<>") &&
	       !fuzz_has_control(address, len);
}

/* Take a text off the front of what is left of a line. */
static bool
take_text(struct fuzz_input *line, const char *text)
{
	const size_t len = strlen(text);

	if (line->len < len || memcmp(line->at, text, len) != 0)
		return false;
	line->at += len;
	line->len -= len;
	return true;
}

static bool
is_line(struct fuzz_input line, const char *text)
{
	return take_text(&line, text) && line.len == 0;
}

/* "verb:<address>", and what stands behind it. */
static bool
take_path(struct fuzz_input *line, const char *verb, const char *address)
{
	return is_sendable(address) && take_text(line, verb) &&
	       take_text(line, address) && take_text(line, ">");
}

/* Nothing, or parameters: "KEY" or "KEY=VALUE" behind a blank each. */
static bool
are_parameters(struct fuzz_input line)
{
	if (line.len > 0 && fuzz_byte(&line) != ' ')
		return false;
	while (line.len > 0) {
		struct fuzz_input word = fuzz_until(&line, ' ');

		if (word.len == 0 || *word.at < 'A' || *word.at > 'Z')
			return false;
		for (size_t i = 0; i < word.len; i++) {
			if (word.at[i] <= ' ' || word.at[i] > '~')
				return false;
		}
	}
	return true;
}

static bool
is_mail(struct fuzz_input line, const char *sender)
{
	return take_path(&line, "MAIL FROM:<", sender) && are_parameters(line);
}

static bool
is_rcpt(struct fuzz_input line, const struct smtp_message *m)
{
	for (size_t i = 0; i < m->recipient_count; i++) {
		const char *address = m->recipients[i]->address;
		struct fuzz_input rest = line;

		if (*address && take_path(&rest, "RCPT TO:<", address) &&
		    are_parameters(rest))
			return true;
	}
	return false;
}

static bool
is_command(const struct watch *w, struct fuzz_input line)
{
	static const char *const plain[] = {
	    "EHLO me", "HELO me", "DATA", "RSET", "QUIT", "."};

	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		if (is_line(line, plain[i]))
			return true;
	}
	return is_mail(line, w->message ? w->message->sender : "") ||
	       (w->message && is_rcpt(line, w->message));
}

/* Look at each line that is whole now. */
static void
check_commands(struct watch *w, size_t end)
{
	const char *crlf;

	while (w->checked < end && (crlf = memmem(w->sent.data + w->checked,
					end - w->checked, "\r\n", 2))) {
		const char *at = w->sent.data + w->checked;

		FUZZ_CHECK(is_command(
		    w, (struct fuzz_input){at, (size_t)(crlf - at)}));
		w->checked += (size_t)(crlf + 2 - at);
	}
}

void
watch_text(struct watch *w, size_t pending)
{
	check_commands(w, w->sent.len);
	FUZZ_CHECK(w->checked == w->sent.len);
	FUZZ_CHECK(pending == w->wire.len);
	FUZZ_CHECK(w->message && !w->is_text_out);
	w->is_text_out = true;
	w->is_dot_clean = true;
	w->text_end = w->sent.len + pending;
	w->dot_code = 0;
	w->dot_reply_len = 0;
	buf_clear(&w->line);
}

void
watch_output(struct watch *w, const char *data, size_t len)
{
	buf_add(&w->sent, data, len);
	if (is_waiting_for_dot(w))
		FUZZ_CHECK(w->sent.len <= w->text_end);
	if (is_dot_written(w) && w->checked < w->text_end) {
		FUZZ_CHECK(memcmp(w->sent.data + w->checked, w->wire.data,
			       w->wire.len) == 0);
		w->checked = w->text_end;
	}
	if (!w->is_text_out || is_dot_written(w))
		check_commands(w, w->sent.len);
}

void
watch_pending(const struct watch *w, size_t pending)
{
	if (is_waiting_for_dot(w))
		FUZZ_CHECK(w->sent.len + pending <= w->text_end);
	FUZZ_CHECK(pending <= COMMANDS_MAX + w->wire.len);
}

/* ---- the relay -------------------------------------------------------- */

/* The code of a line that can be one of a reply, else 0. */
static unsigned int
line_code(const struct buf *line)
{
	unsigned int code = 0;
	size_t len = line->len;

	if (len > 0 && line->data[len - 1] == '\r')
		len--;
	if (len < 3 || memchr(line->data, '\0', line->len) ||
	    (len > 3 && !strchr(" -", line->data[3])))
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if (line->data[i] < '0' || line->data[i] > '9')
			return 0;
		code = code * 10 + (unsigned int)(line->data[i] - '0');
	}
	return code >= 200 && code <= 599 ? code : 0;
}

/* A line behind the dot: part of its reply, or garbage. */
static void
take_dot_line(struct watch *w, unsigned int code)
{
	const bool is_last = w->line.len < 4 || w->line.data[3] != '-';

	if (code == 0 || (w->dot_code != 0 && code != w->dot_code))
		w->dot_code = 0;
	else if (is_last && code / 100 == 3)
		w->is_lost = true; /* no reply to a dot */
	else if (is_last)
		w->verdict = code / 100;
	else
		w->dot_code = code;
}

static void
take_line(struct watch *w)
{
	const unsigned int code = line_code(&w->line);

	w->has_delay |= code / 100 == 4;
	w->has_refusal |= code / 100 == 5;
	if (is_waiting_for_dot(w) && is_dot_written(w) && w->is_dot_clean &&
	    !w->is_lost && w->dot_reply_len <= SMTP_REPLY_MAX)
		take_dot_line(w, code);
	buf_clear(&w->line);
}

void
watch_input(struct watch *w, const char *data, size_t len)
{
	if (w->is_text_out && !is_dot_written(w) && len > 0)
		w->is_dot_clean = false;
	for (size_t i = 0; i < len; i++) {
		w->dot_reply_len++;
		if (data[i] == '\n')
			take_line(w);
		else
			buf_add_char(&w->line, data[i]);
	}
}

void
watch_lost(struct watch *w)
{
	w->is_lost = true;
}

/* ---- the result ------------------------------------------------------- */

static bool
is_ascii(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text >= 128)
			return false;
	}
	return true;
}

static void
check_outcome(
    const struct watch *w, size_t i, const struct smtp_result *r, bool is_over)
{
	const char *sender = w->message->sender;
	const char *recipient = w->message->recipients[i]->address;
	const enum smtp_outcome outcome = r->outcomes[i];
	const bool is_fit =
	    is_sendable(sender) && is_sendable(recipient) && *recipient;

	FUZZ_CHECK(outcome < SMTP_OUTCOME_COUNT);
	FUZZ_CHECK(!r->replies[i] ||
		   !fuzz_has_control(r->replies[i], strlen(r->replies[i])));
	if (!is_fit)
		FUZZ_CHECK(outcome == SMTP_HELD);
	if (outcome == SMTP_SENT)
		FUZZ_CHECK(is_dot_written(w) && w->verdict == 2);
	if (outcome == SMTP_AMBIGUOUS)
		FUZZ_CHECK(is_dot_written(w) && w->verdict == 0);
	if (outcome == SMTP_HELD)
		FUZZ_CHECK(w->has_refusal || !is_fit);
	/* Without SMTPUTF8 the client refuses such an address itself. */
	if (outcome == SMTP_FAILED)
		FUZZ_CHECK(w->has_refusal || !is_ascii(sender) ||
			   !is_ascii(recipient));
	if (outcome == SMTP_DEFERRED)
		FUZZ_CHECK(w->has_delay || is_over);
}

void
watch_result(const struct watch *w, const struct smtp_result *r, bool is_over)
{
	size_t sent_count = 0;

	if (!w->message) {
		FUZZ_CHECK(r->recipient_count == 0);
		return;
	}
	FUZZ_CHECK(r->recipient_count == w->message->recipient_count);
	for (size_t i = 0; i < r->recipient_count; i++) {
		check_outcome(w, i, r, is_over);
		sent_count += r->outcomes[i] == SMTP_SENT;
	}
	FUZZ_CHECK((sent_count > 0) == (w->verdict == 2));
}
