/* SPDX-License-Identifier: ISC */
/*
 * Every fault in every phase of a conversation, against a clock of its own.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flushd/deadline.h"
#include "flushd/smtp_reply.h"
#include "unit/smtp_matrix.h"

enum { START_MS = 1000, DRIP_MS = 7000 };

/* The relay's side. */
struct relay {
	struct matrix *m;
	struct deadline deadline; /* of the client */
	struct buf says;
	bool is_slow;
	bool is_closed;
	bool has_mail;
	bool is_in_text;
	unsigned int mails;
	unsigned int rcpts;
	bool accepted[2]; /* by their first letter, one and two */
	unsigned int accepted_count;
};

int
matrix_count(void)
{
	size_t count;

	(void)reply_table(&count);
	return (int)count * REPLY_PHASES;
}

/* ---- the wire, and the clock ------------------------------------------ */

static bool
is_client_gone(const struct relay *r)
{
	return smtp_want(r->m->play.s) == SMTP_WANT_NOTHING;
}

static void
hear(struct relay *r, const char *data, size_t len)
{
	play_feed(&r->m->play, data, len);
	deadline_follow(&r->deadline, r->m->play.s, false, r->m->now_ms);
}

static void
lose(struct relay *r, const char *reason)
{
	smtp_lost(r->m->play.s, reason);
	deadline_follow(&r->deadline, r->m->play.s, false, r->m->now_ms);
	r->is_closed = true;
}

/* Time goes by, but not beyond the client's patience. */
static void
pass(struct relay *r, int64_t ms)
{
	const int64_t left_ms = r->deadline.due_ms - r->m->now_ms;

	if (r->deadline.phase && left_ms <= ms) {
		r->m->now_ms += left_ms;
		lose(r, "timed out");
	} else {
		r->m->now_ms += ms;
	}
}

static void
flush(struct relay *r)
{
	for (size_t i = 0; r->is_slow && i < r->says.len; i++) {
		hear(r, r->says.data + i, 1);
		pass(r, 1000);
	}
	if (!r->is_slow)
		hear(r, r->says.data, r->says.len);
	buf_clear(&r->says);
}

/* ---- faults ----------------------------------------------------------- */

/* What a good relay says. */
static const char *
good_reply(const struct relay *r, enum reply_phase phase)
{
	static const char *const replies[REPLY_PHASES] = {
	    [REPLY_BANNER] = "220 mx ESMTP\r\n",
	    [REPLY_HELO] = "250 mx\r\n",
	    [REPLY_MAIL] = "250 2.1.0 Ok\r\n",
	    [REPLY_MAIL_2] = "250 2.1.0 Ok\r\n",
	    [REPLY_RCPT_1] = "250 2.1.5 Ok\r\n",
	    [REPLY_RCPT_2] = "250 2.1.5 Ok\r\n",
	    [REPLY_DATA] = "354 go on\r\n",
	    [REPLY_DOT] = "250 2.0.0 queued\r\n",
	    [REPLY_AFTER] = "250 2.0.0 Ok\r\n",
	};

	if (phase != REPLY_EHLO)
		return replies[phase];
	return r->m->is_pipelining ? "250-mx\r\n250 PIPELINING\r\n"
				   : "250 mx\r\n";
}

static bool
has_line(const struct reply_fault *f, char class)
{
	const char line_end[] = {'\\', 'n', class, '\0'};

	return f->says[0] == class || strstr(f->says, line_end);
}

/* Does it mean yes to the relay itself? */
static bool
is_yes(const struct reply_fault *f, enum reply_phase phase)
{
	if (phase == REPLY_DOT)
		return !has_line(f, '4') && !has_line(f, '5');
	return f->says[0] == (phase == REPLY_DATA ? '3' : '2') ||
	       strstr(f->says, "{ok}") || strstr(f->says, "{OK}");
}

static void
say_ok(struct relay *r, const char *good, bool has_cr)
{
	for (; *good; good++)
		if (*good != '\r' || has_cr)
			buf_add_char(&r->says, *good);
}

static void
say_lines(struct relay *r, const char *good, long count)
{
	for (long i = 0; i < count; i++)
		buf_add_format(&r->says, "%.3s-more\r\n", good);
}

static void
say_long_line(struct relay *r, const char *good, long len)
{
	buf_add_format(&r->says, "%.3s ", good);
	for (long i = 0; i < len / 64 && !is_client_gone(r); i++) {
		buf_add_format(&r->says, "%064d", 0);
		/* What it no longer hears takes the tests the most time. */
		if (r->says.len > 16384)
			flush(r);
	}
}

static void
drip(struct relay *r, const char *good)
{
	const int64_t since_ms = r->m->now_ms;

	buf_add_format(&r->says, "%.3s-", good);
	flush(r);
	while (!is_client_gone(r)) {
		hear(r, "x", 1);
		pass(r, DRIP_MS);
	}
	r->is_closed = true;
	r->m->waited_ms = r->m->now_ms - since_ms;
}

static void
hang(struct relay *r)
{
	const int64_t since_ms = r->m->now_ms;

	flush(r);
	if (!is_client_gone(r))
		pass(r, INT32_MAX);
	r->is_closed = true;
	if (is_client_gone(r))
		r->m->waited_ms = r->m->now_ms - since_ms;
}

static bool
is_word(const char *word, const char *name)
{
	return strncmp(word, name, strlen(name)) == 0;
}

/* What the table has in braces. */
static void
do_word(struct relay *r, const char *word, const char *good)
{
	const char *argument = strchr(word, ' ');
	const long n = argument ? strtol(argument, NULL, 10) : 0;

	if (is_word(word, "ok}") || is_word(word, "OK}")) {
		say_ok(r, good, *word == 'o');
	} else if (is_word(word, "half}")) {
		buf_add(&r->says, good, 5);
	} else if (is_word(word, "long ")) {
		say_long_line(r, good, n);
	} else if (is_word(word, "lines ")) {
		say_lines(r, good, n);
	} else if (is_word(word, "endless}")) {
		say_lines(r, good, SMTP_REPLY_MAX / 8);
		flush(r);
		ck_assert(is_client_gone(r));
	} else if (is_word(word, "slowly}")) {
		flush(r);
		r->is_slow = true;
	} else if (is_word(word, "pause ")) {
		flush(r);
		pass(r, n * 1000);
	} else if (is_word(word, "hang}")) {
		hang(r);
	} else if (is_word(word, "drip}")) {
		drip(r, good);
	} else if (is_word(word, "close}") || is_word(word, "reset}")) {
		flush(r);
		lose(r, "connection closed by the relay");
	} else {
		ck_abort_msg("%s: what is {%s", r->m->fault->name, word);
	}
}

static void
say_fault(struct relay *r, enum reply_phase phase)
{
	const char *good = good_reply(r, phase);

	for (const char *p = r->m->fault->says; *p; p++) {
		if (*p == '\\') {
			p++;
			buf_add_char(&r->says, *p == 'r'   ? '\r'
					       : *p == 'n' ? '\n'
							   : '\0');
		} else if (*p == '{') {
			do_word(r, p + 1, good);
			p += strcspn(p, "}");
		} else {
			buf_add_char(&r->says, *p);
		}
	}
	if (r->is_slow)
		flush(r);
	r->is_slow = false;
}

/* Answer in a phase; true if it was yes. */
static bool
say(struct relay *r, enum reply_phase phase)
{
	if (phase == r->m->phase) {
		say_fault(r, phase);
		return is_yes(r->m->fault, phase);
	}
	if (phase != REPLY_AFTER)
		buf_add_str(&r->says, good_reply(r, phase));
	return true;
}

/* ---- the rest of the relay -------------------------------------------- */

static void
answer_mail(struct relay *r)
{
	r->has_mail = say(r, r->mails++ == 0 ? REPLY_MAIL : REPLY_MAIL_2);
	r->rcpts = 0;
	r->accepted_count = 0;
	r->accepted[0] = r->accepted[1] = false;
	r->m->is_taken[0] = r->m->is_taken[1] = false;
}

static void
answer_rcpt(struct relay *r, const char *line)
{
	enum reply_phase phase = r->rcpts++ == 0 ? REPLY_RCPT_1 : REPLY_RCPT_2;

	if (!r->has_mail) {
		buf_add_str(&r->says, "503 5.5.1 need MAIL command\r\n");
	} else if (say(r, phase)) {
		r->accepted[strstr(line, "<two@") != NULL] = true;
		r->accepted_count++;
	}
}

static void
answer_data(struct relay *r)
{
	if (!r->has_mail)
		buf_add_str(&r->says, "503 5.5.1 need RCPT command\r\n");
	else if (r->accepted_count == 0)
		buf_add_str(&r->says, "554 5.5.1 no valid recipients\r\n");
	else
		r->is_in_text = say(r, REPLY_DATA);
}

static void
take_text(struct relay *r)
{
	r->is_in_text = false;
	r->has_mail = false;
	if (!say(r, REPLY_DOT))
		return;
	r->m->is_taken[0] = r->accepted[0];
	r->m->is_taken[1] = r->accepted[1];
	say(r, REPLY_AFTER);
}

static void
answer(struct relay *r, const char *line)
{
	if (r->is_in_text) {
		if (strcmp(line, ".") == 0)
			take_text(r);
	} else if (strncmp(line, "EHLO ", 5) == 0 &&
		   r->m->phase == REPLY_HELO) {
		buf_add_str(&r->says, "502 5.5.2 EHLO?\r\n");
	} else if (strncmp(line, "EHLO ", 5) == 0) {
		say(r, REPLY_EHLO);
	} else if (strncmp(line, "HELO ", 5) == 0) {
		say(r, REPLY_HELO);
	} else if (strncmp(line, "MAIL ", 5) == 0) {
		answer_mail(r);
	} else if (strncmp(line, "RCPT ", 5) == 0) {
		answer_rcpt(r, line);
	} else if (strcmp(line, "DATA") == 0) {
		answer_data(r);
	} else if (strcmp(line, "RSET") == 0) {
		buf_add_str(&r->says, "250 2.0.0 Ok\r\n");
	} else if (strcmp(line, "QUIT") == 0) {
		r->is_closed = true;
	}
}

/* Take the client's next line away; NULL: there is none. For free(). */
static char *
next_line(struct relay *r)
{
	struct buf *sent = &r->m->play.sent;
	const char *end = memchr(sent->data, '\n', sent->len);
	size_t len = end ? (size_t)(end - sent->data) : 0;
	char *line;

	if (!end)
		return NULL;
	line = alloc_copy(sent->data, len > 0 ? len - 1 : 0);
	buf_consume(sent, len + 1);
	return line;
}

static void
converse(struct relay *r)
{
	char *line;

	deadline_follow(&r->deadline, r->m->play.s, false, r->m->now_ms);
	say(r, REPLY_BANNER);
	flush(r);
	while (!r->is_closed && (line = next_line(r))) {
		answer(r, line);
		free(line);
		/* As a relay does: what was pipelined is answered at once. */
		if (!r->is_closed &&
		    !memchr(r->m->play.sent.data, '\n', r->m->play.sent.len))
			flush(r);
	}
}

/* ---- a cell ----------------------------------------------------------- */

void
matrix_play(struct matrix *m, int i, const struct smtp_message *message,
    bool is_pipelining, int cut)
{
	struct relay r = {.m = m};
	size_t count;

	*m = (struct matrix){
	    .fault = &reply_table(&count)[i / REPLY_PHASES],
	    .phase = (enum reply_phase)(i % REPLY_PHASES),
	    .is_pipelining = is_pipelining,
	    .now_ms = START_MS,
	};
	buf_init(&r.says);
	play_init(&m->play, message, m->phase == REPLY_MAIL_2 ? 2 : 1, cut);
	converse(&r);
	buf_release(&r.says);
}

void
matrix_release(struct matrix *m)
{
	play_release(&m->play);
}

void
matrix_describe(struct matrix *m, struct buf *out)
{
	const struct smtp_result *result = smtp_result(m->play.s);
	struct buf words = BUF_INIT;

	play_describe(&m->play, &words);
	if (strcmp(words.data, "UU down over") == 0) {
		buf_add_str(out, "down");
	} else if (strcmp(words.data, "UU down! over") == 0) {
		buf_add_str(out, "down!");
	} else if (result->is_relay_down || result->is_alarming) {
		buf_add_str(out, words.data);
	} else {
		buf_add(out, words.data, 2);
		if (smtp_want(m->play.s) == SMTP_WANT_NOTHING)
			buf_add_char(out, '.');
	}
	if (m->play.violation)
		buf_add_format(out, " and %s", m->play.violation);
	buf_release(&words);
}
