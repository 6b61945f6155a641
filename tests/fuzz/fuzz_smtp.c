/* SPDX-License-Identifier: ISC */
/*
 * A conversation with a hostile relay. The first line of the input is the
 * client's: a letter for each thing that is chosen (see choose()), then sender
 * and recipients, between bars, with ^ for LF. Each further line is
 * what the relay says next, or by its first byte:
 *
 *   \1      the connection is lost
 *   \2 N    of what comes out next, only N bytes can be written
 *   \3      the rest of the line comes without a line end
 *   \4      the rest of the line and the next one come at once
 *
 * The conversation is held twice, the second time with what the relay says in
 * small pieces, which must not matter.
 */
#include <stdlib.h>
#include <string.h>

#include "flushd/smtp.h"
#include "fuzz/fuzz.h"
#include "fuzz/smtp_watch.h"
#include "mail/text.h"

enum { RECIPIENTS_MAX = 8, CUT_MAX = 40 };

static const char *const texts[] = {
    "hello\n", "", ".\n..\n.x\n", "no end", "\xc3\xa9\r\r\na\rb\n\r"};

/* What stays the same over both times. */
struct plan {
	struct fuzz_input relay; /* what it says */
	struct smtp_message message;
	char *sender;
	struct recipient all[RECIPIENTS_MAX];
	const struct recipient *recipients[RECIPIENTS_MAX];
	const char *text;
	unsigned int messages; /* of one connection */
	bool is_probe;
	bool is_quitting; /* when there is nothing more to send */
};

struct talk {
	const struct plan *plan;
	struct smtp *s;
	struct watch watch;
	unsigned int messages; /* left to start */
	bool is_started;       /* a message is on its way */
	size_t write_max;
	uint32_t random; /* 0: what the relay says comes in one piece */
};

/* ---- what the client does --------------------------------------------- */

static void
take_output(struct talk *t)
{
	const char *data;
	size_t len = smtp_output(t->s, &data);

	if (len > t->write_max)
		len = t->write_max;
	watch_output(&t->watch, data, len);
	smtp_written(t->s, len);
	t->write_max = SIZE_MAX;
}

static void
start(struct talk *t)
{
	t->messages--;
	t->is_started = true;
	watch_begin(&t->watch, t->plan->is_probe ? NULL : &t->plan->message);
	if (t->plan->is_probe)
		smtp_probe(t->s, 1000);
	else
		smtp_start(t->s, &t->plan->message);
}

/* The text goes out in two pieces, as a large one would. */
static void
send_text(struct talk *t)
{
	const size_t len = strlen(t->plan->text);
	const char *data;

	smtp_text(t->s, t->plan->text, len / 2);
	smtp_text(t->s, t->plan->text + len / 2, len - len / 2);
	smtp_text_end(t->s);
	watch_text(&t->watch, smtp_output(t->s, &data));
}

static bool
is_result_ready(const struct talk *t)
{
	const enum smtp_want want = smtp_want(t->s);

	return want == SMTP_WANT_MESSAGE || want == SMTP_WANT_NOTHING;
}

/* Do what can be done without the relay. */
static void
pump(struct talk *t)
{
	const char *data;

	for (;;) {
		if (smtp_want(t->s) == SMTP_WANT_TEXT)
			send_text(t);
		take_output(t);
		if (t->is_started && is_result_ready(t)) {
			watch_result(&t->watch, smtp_result(t->s),
			    smtp_want(t->s) == SMTP_WANT_NOTHING);
			t->is_started = false;
		}
		if (smtp_want(t->s) != SMTP_WANT_MESSAGE || t->messages == 0 ||
		    smtp_output(t->s, &data) > 0)
			break;
		start(t);
	}
	if (smtp_want(t->s) == SMTP_WANT_MESSAGE && t->messages == 0 &&
	    t->plan->is_quitting)
		smtp_quit(t->s);
}

/* ---- what the relay does ---------------------------------------------- */

static void
say(struct talk *t, const char *data, size_t len)
{
	const bool was_over = smtp_want(t->s) == SMTP_WANT_NOTHING;
	const char *unused;

	while (len > 0) {
		size_t n =
		    t->random ? fuzz_piece(&t->random, len, CUT_MAX) : len;
		char *exact = fuzz_copy(data, n);

		watch_input(&t->watch, data, n);
		smtp_input(t->s, exact, n);
		free(exact);
		FUZZ_CHECK(
		    smtp_is_dot_open(t->s) == false || t->watch.is_text_out);
		data += n;
		len -= n;
	}
	if (was_over)
		FUZZ_CHECK(smtp_want(t->s) == SMTP_WANT_NOTHING);
	watch_pending(&t->watch, smtp_output(t->s, &unused));
}

static void
lose(struct talk *t)
{
	const char *data;

	take_output(t);
	watch_lost(&t->watch);
	smtp_lost(t->s, "the connection is gone");
	FUZZ_CHECK(smtp_want(t->s) == SMTP_WANT_NOTHING);
	FUZZ_CHECK(smtp_output(t->s, &data) == 0);
}

/* One line of the input; what it begins may go on in the next. */
static void
take_turn(struct talk *t, struct fuzz_input line, struct buf *said)
{
	const char first = line.len > 0 ? *line.at : 0;

	if (first >= 1 && first <= 4)
		fuzz_byte(&line);
	if (first == 2) {
		t->write_max = fuzz_byte(&line);
		return;
	}
	buf_add(said, line.at, line.len);
	if (first != 3)
		buf_add_char(said, '\n');
	if (first == 4)
		return;
	say(t, said->data, said->len);
	buf_clear(said);
	if (first == 1)
		lose(t);
	pump(t);
}

/* ---- a conversation --------------------------------------------------- */

/* Write down how it went. */
static void
describe(const struct talk *t, struct buf *out)
{
	const struct smtp_result *r = smtp_result(t->s);

	buf_add(out, t->watch.sent.data, t->watch.sent.len);
	buf_add_format(out, "%d %d %ju %ju %s %s\n", r->is_relay_down,
	    r->is_alarming, (uintmax_t)smtp_reply_count(t->s),
	    (uintmax_t)smtp_size_limit(t->s), smtp_phase_name(t->s),
	    r->relay_reason ? r->relay_reason : "");
	for (size_t i = 0; i < r->recipient_count; i++)
		buf_add_format(out, "%s %s\n",
		    smtp_outcome_names[r->outcomes[i]],
		    r->replies[i] ? r->replies[i] : "");
}

static void
converse(const struct plan *plan, uint32_t random, struct buf *log)
{
	struct talk t = {.plan = plan,
	    .s = smtp_new("me"),
	    .messages = plan->messages,
	    .write_max = SIZE_MAX,
	    .random = random};
	struct fuzz_input relay = plan->relay;
	struct buf said = BUF_INIT;

	watch_init(&t.watch, plan->text);
	pump(&t);
	while (relay.len > 0)
		take_turn(&t, fuzz_until(&relay, '\n'), &said);
	lose(&t);
	if (t.is_started)
		watch_result(&t.watch, smtp_result(t.s), true);
	describe(&t, log);
	watch_release(&t.watch);
	smtp_free(t.s);
	buf_release(&said);
}

/* ---- what is chosen --------------------------------------------------- */

static char *
take_address(struct fuzz_input *in)
{
	struct fuzz_input text = fuzz_until(in, '|');
	struct buf address = BUF_INIT;

	buf_add(&address, text.at, strnlen(text.at, text.len));
	for (size_t i = 0; i < address.len; i++) {
		if (address.data[i] == '^')
			address.data[i] = '\n';
	}
	return buf_detach(&address);
}

static void
ask_for_reports(struct plan *p)
{
	static char original[] = "rfc822;\"a b\"+c=<d>@x";
	static const unsigned int notify[] = {
	    0, NOTIFY_NEVER, NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY};

	for (size_t i = 0; i < p->message.recipient_count; i++) {
		p->all[i].notify = notify[i % ARRAY_LEN(notify)];
		p->all[i].original = i & 1 ? original : NULL;
	}
	p->message.ret = RET_HDRS;
	p->message.envid = "e n+v=<";
	p->message.is_smtputf8 = true;
}

static void
choose(struct plan *p, struct fuzz_input line)
{
	const unsigned char bits = fuzz_byte(&line);
	struct smtp_message *m = &p->message;
	struct text_size size = {0};
	size_t count = 0;

	p->messages = 1 + bits % 4;
	p->is_probe = (bits & 28) == 12;
	p->is_quitting = bits & 32;
	p->text = texts[fuzz_byte(&line) % ARRAY_LEN(texts)];
	text_size_add(&size, p->text, strlen(p->text));
	m->is_8bit = size.has_8bit;
	m->wire_len = text_size_end(&size);
	m->sender = p->sender = take_address(&line);
	do {
		p->recipients[count] = &p->all[count];
		p->all[count++].address = take_address(&line);
	} while (line.len > 0 && count < RECIPIENTS_MAX);
	m->recipients = p->recipients;
	m->recipient_count = count;
	if (bits & 128)
		ask_for_reports(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	struct plan plan = {0};
	struct buf whole = BUF_INIT;
	struct buf pieces = BUF_INIT;

	choose(&plan, fuzz_until(&in, '\n'));
	plan.relay = in;
	converse(&plan, 0, &whole);
	converse(&plan, (uint32_t)(1 + size), &pieces);
	FUZZ_CHECK(fuzz_is_equal(&pieces, whole.data, whole.len));
	for (size_t i = 0; i < plan.message.recipient_count; i++)
		free(plan.all[i].address);
	free(plan.sender);
	buf_release(&whole);
	buf_release(&pieces);
	return 0;
}
