/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "unit/smtp_play.h"

static const struct recipient one = {.address = (char[]){"one@x"}};
static const struct recipient two = {.address = (char[]){"two@x"}};
static const struct recipient *const two_recipients[] = {&one, &two};

const struct smtp_message play_message = {
    .sender = "a@x",
    .recipients = two_recipients,
    .recipient_count = 2,
    .wire_len = 7,
};

void
play_init(struct play *p, const struct smtp_message *message,
    unsigned int messages, int cut)
{
	*p = (struct play){.message = message,
	    .messages = messages,
	    .text = "hello\n",
	    .cut = cut,
	    .random = 2463534242U + (uint32_t)cut};
	p->s = smtp_new("me");
	buf_init(&p->sent);
	buf_init(&p->line);
}

void
play_release(struct play *p)
{
	smtp_free(p->s);
	buf_release(&p->sent);
	buf_release(&p->line);
}

static void
start(struct play *p)
{
	p->messages--;
	p->is_dot_sent = p->is_dot_answered = p->is_dot_accepted = false;
	buf_clear(&p->line);
	if (p->message)
		smtp_start(p->s, p->message);
	else
		smtp_probe(p->s, 1000);
}

static void
take_output(struct play *p)
{
	const char *data;
	size_t len = smtp_output(p->s, &data);

	if (len && p->is_dot_sent && !p->is_dot_answered)
		p->violation = "something was sent behind the dot";
	buf_add(&p->sent, data, len);
	smtp_written(p->s, len);
}

static void
send_text(struct play *p)
{
	smtp_text(p->s, p->text, strlen(p->text));
	smtp_text_end(p->s);
	take_output(p);
	p->is_dot_sent = true;
	if (p->sent.len < 3 ||
	    memcmp(p->sent.data + p->sent.len - 3, ".\r\n", 3) != 0)
		p->violation = "the text does not end in a dot";
}

void
play_pump(struct play *p)
{
	take_output(p);
	while (smtp_want(p->s) == SMTP_WANT_MESSAGE && p->messages > 0) {
		start(p);
		take_output(p);
	}
	if (smtp_want(p->s) == SMTP_WANT_TEXT)
		send_text(p);
}

/* "250 ok", but not "250-ok" */
static bool
is_last_line(const struct buf *l)
{
	return l->len >= 3 && strspn(l->data, "0123456789") == 3 &&
	       l->data[0] >= '2' && l->data[0] <= '5' && l->data[3] != '-';
}

static void
watch_dot(struct play *p, char c)
{
	if (!p->is_dot_sent)
		return;
	if (c != '\n') {
		buf_add_char(&p->line, c);
		return;
	}
	if (is_last_line(&p->line)) {
		p->is_dot_answered = true;
		p->is_dot_accepted |= p->line.data[0] == '2';
	}
	buf_clear(&p->line);
}

static size_t
piece(struct play *p, size_t len)
{
	size_t n = len;

	if (p->cut == PLAY_BYTES)
		n = 1;
	if (p->cut >= PLAY_RANDOM) {
		p->random ^= p->random << 13; /* xorshift */
		p->random ^= p->random >> 17;
		p->random ^= p->random << 5;
		n = 1 + p->random % 40;
	}
	return n < len ? n : len;
}

void
play_feed(struct play *p, const char *data, size_t len)
{
	while (len > 0) {
		const char *unused;
		size_t n = piece(p, len);

		for (size_t i = 0; i < n; i++)
			watch_dot(p, data[i]);
		smtp_input(p->s, data, n);
		if (p->is_dot_sent && !p->is_dot_answered &&
		    smtp_output(p->s, &unused) > 0)
			p->violation = "something was said before the reply";
		data += n;
		len -= n;
	}
	play_pump(p);
}

void
play_describe(struct play *p, struct buf *out)
{
	const struct smtp_result *r = smtp_result(p->s);

	for (size_t i = 0; i < 2; i++) {
		buf_add_char(out, "USDFHA"[r->outcomes[i]]);
		if (r->outcomes[i] == SMTP_SENT && !p->is_dot_accepted)
			p->violation = "sent without a 2xx to the dot";
	}
	buf_add_format(out, " %s%s %s", r->is_relay_down ? "down" : "up",
	    r->is_alarming ? "!" : "",
	    smtp_want(p->s) == SMTP_WANT_NOTHING ? "over" : "open");
}
