/* SPDX-License-Identifier: ISC */
/*
 * Every fault in every phase of a conversation: the table of docs/smtp.md.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flushd/smtp_reply.h"
#include "unit/smtp_matrix.h"
#include "unit/smtp_play.h"

enum phase { BANNER, EHLO, HELO, MAIL, RCPT1, RCPT2, DATA, DOT, PHASES };

static const char *const phase_names[PHASES] = {
    "banner", "EHLO", "HELO", "MAIL", "RCPT 1", "RCPT 2", "DATA", "dot"};

/* What the relay says instead of yes; NUL stands for itself. */
struct fault {
	const char *name;
	const char *says; /* NULL: far too much */
	size_t len;
	const char *then_lost; /* and the connection with it */
	const char *want[PHASES];
};

#define SAYS(text) text, sizeof(text) - 1

#define DOWN	 "UU down over"
#define DOWN_BAD "UU down! over"
#define FINE	 "SS up open"

/* clang-format off */
static const struct fault faults[] = {
	/* banner    EHLO  HELO      MAIL          RCPT 1        RCPT 2        DATA          dot */
	{"450", SAYS("450 4.2.0 later\r\n"), NULL,
	{DOWN,     DOWN, DOWN,     "DD up open", "DS up open", "SD up open", "DD up open", "DD up open"}},
	{"550 5.1.1", SAYS("550 5.1.1 nobody\r\n"), NULL,
	{DOWN_BAD, FINE, DOWN_BAD, "FF up open", "FS up open", "SF up open", "FF up open", "FF up open"}},
	{"550 without a reason", SAYS("550 no\r\n"), NULL,
	{DOWN_BAD, FINE, DOWN_BAD, "HH up open", "HS up open", "SH up open", "HH up open", "FF up open"}},
	{"554 5.7.1", SAYS("554 5.7.1 denied\r\n"), NULL,
	{DOWN_BAD, FINE, DOWN_BAD, "HH up open", "HS up open", "SH up open", "HH up open", "FF up open"}},
	{"550 with a code of class 4", SAYS("550 4.1.1 what\r\n"), NULL,
	{DOWN_BAD, FINE, DOWN_BAD, "HH up open", "HS up open", "SH up open", "HH up open", "FF up open"}},
	{"503 5.5.1", SAYS("503 5.5.1 bad sequence\r\n"), NULL,
	{DOWN_BAD, FINE, DOWN_BAD, "HH up open", "HS up open", "SH up open", "HH up open", "FF up open"}},
	{"501", SAYS("501 syntax\r\n"), NULL,
	{DOWN_BAD, FINE, DOWN_BAD, "FF up open", "HS up open", "SH up open", "HH up open", "FF up open"}},
	{"501 5.5.4", SAYS("501 5.5.4 syntax\r\n"), NULL,
	{DOWN_BAD, FINE, DOWN_BAD, "FF up open", "FS up open", "SF up open", "FF up open", "FF up open"}},
	{"555 5.5.4", SAYS("555 5.5.4 SIZE?\r\n"), NULL,
	{DOWN_BAD, FINE, DOWN_BAD, "HH up open", "FS up open", "SF up open", "FF up open", "FF up open"}},
	{"552 5.3.4", SAYS("552 5.3.4 too big\r\n"), NULL,
	{DOWN_BAD, FINE, DOWN_BAD, "FF up open", "FS up open", "SU up open", "FF up open", "FF up open"}},
	{"552", SAYS("552 too big\r\n"), NULL,
	{DOWN_BAD, FINE, DOWN_BAD, "FF up open", "HS up open", "SU up open", "HH up open", "FF up open"}},
	{"550 5.5.3", SAYS("550 5.5.3 too many\r\n"), NULL,
	{DOWN_BAD, FINE, DOWN_BAD, "HH up open", "FS up open", "SU up open", "FF up open", "FF up open"}},
	{"452", SAYS("452 4.3.1 full\r\n"), NULL,
	{DOWN,     DOWN, DOWN,     DOWN,         "DS up open", "SU up open", "DD up open", "DD up open"}},
	{"421", SAYS("421 4.3.2 closing\r\n"), NULL,
	{DOWN,     DOWN, DOWN,     DOWN,         "DD up over", "DD up over", "DD up over", "DD up over"}},
	{"connection closed", SAYS(""), "connection closed",
	{DOWN,     DOWN, DOWN,     DOWN,         "DD up over", "DD up over", "DD up over", "AA up over"}},
	{"half a reply, then closed", SAYS("250 o"), "connection closed",
	{DOWN,     DOWN, DOWN,     DOWN,         "DD up over", "DD up over", "DD up over", "AA up over"}},
	{"half of the lines, then time is up", SAYS("250-ok\r\n"), "timed out",
	{DOWN,     DOWN, DOWN,     DOWN,         "DD up over", "DD up over", "DD up over", "AA up over"}},
	{"too long", NULL, 0, NULL,
	{DOWN,     DOWN, DOWN,     DOWN,         "DD up over", "DD up over", "DD up over", "AA up over"}},
	{"garbage", SAYS("what?\r\n"), NULL,
	{DOWN,     DOWN, DOWN,     DOWN,         "DD up over", "DD up over", "DD up over", FINE}},
	{"an empty line", SAYS("\r\n"), NULL,
	{DOWN,     DOWN, DOWN,     DOWN,         "DD up over", "DD up over", "DD up over", FINE}},
	{"NUL", SAYS("250 o\0k\r\n"), NULL,
	{DOWN,     DOWN, DOWN,     DOWN,         "DD up over", "DD up over", "DD up over", FINE}},
	{"two codes in one", SAYS("250-ok\r\n251 ok\r\n"), NULL,
	{DOWN,     DOWN, DOWN,     DOWN,         "DD up over", "DD up over", "DD up over", FINE}},
	{"150", SAYS("150 hm\r\n"), NULL,
	{DOWN,     DOWN, DOWN,     DOWN,         "DD up over", "DD up over", "DD up over", FINE}},
	{"650", SAYS("650 hm\r\n"), NULL,
	{DOWN,     DOWN, DOWN,     DOWN,         "DD up over", "DD up over", "DD up over", FINE}},
	{"354", SAYS("354 go on\r\n"), NULL,
	{DOWN,     DOWN, DOWN,     DOWN,         "DD up over", "DD up over", FINE,         "AA up over"}},
	{"399", SAYS("399 hm\r\n"), NULL,
	{DOWN,     DOWN, DOWN,     DOWN,         "DD up over", "DD up over", FINE,         "AA up over"}},
	{"299", SAYS("299 fine\r\n"), NULL,
	{FINE,     FINE, FINE,     FINE,         FINE,         FINE,         "DD up over", FINE}},
};
/* clang-format on */

int
smtp_matrix_count(void)
{
	return PHASES * (int)ARRAY_LEN(faults);
}

/* A relay as postfix is, but for one fault. */
struct relay {
	struct play play;
	const struct fault *fault;
	enum phase phase; /* of the fault */
	bool is_pipelining;
	bool has_mail;
	unsigned int rcpts;
	unsigned int accepted;
	bool is_in_text;
	struct buf says;
	bool is_closed;
};

static void
say_fault(struct relay *r)
{
	const struct fault *f = r->fault;

	if (f->says)
		buf_add(&r->says, f->says, f->len);
	for (int i = 0; !f->says && i < SMTP_REPLY_MAX / 100 + 1; i++)
		buf_add_format(&r->says, "250-%0100d\r\n", 0);
	r->is_closed = f->then_lost || strncmp(f->name, "421", 3) == 0;
}

/* Answer in a phase; true if it was yes. */
static bool
say(struct relay *r, enum phase phase, const char *yes)
{
	bool is_fault = r->phase == phase;

	if (is_fault)
		say_fault(r);
	/* What is skipped at the dot is followed by the reply. */
	if (!is_fault || (phase == DOT && r->fault->want[DOT][0] == 'S' &&
			     strcmp(r->fault->name, "299") != 0))
		buf_add_str(&r->says, yes);
	return !is_fault || r->fault->want[phase][0] == 'S';
}

static void
answer_mail(struct relay *r)
{
	r->has_mail = say(r, MAIL, "250 2.1.0 Ok\r\n");
}

static void
answer_rcpt(struct relay *r)
{
	enum phase phase = r->rcpts++ == 0 ? RCPT1 : RCPT2;
	size_t at = r->says.len;

	if (!r->has_mail)
		buf_add_str(&r->says, "503 5.5.1 need MAIL command\r\n");
	else
		say(r, phase, "250 2.1.5 Ok\r\n");
	r->accepted += r->says.len > at && r->says.data[at] == '2';
}

static void
answer_data(struct relay *r)
{
	if (!r->has_mail)
		buf_add_str(&r->says, "503 5.5.1 need RCPT command\r\n");
	else if (r->accepted == 0)
		buf_add_str(&r->says, "554 5.5.1 no valid recipients\r\n");
	else
		r->is_in_text = say(r, DATA, "354 go on\r\n");
}

static void
answer(struct relay *r, const char *line)
{
	if (r->is_in_text) {
		if (strcmp(line, ".") != 0)
			return;
		r->is_in_text = false;
		say(r, DOT, "250 2.0.0 queued\r\n");
	} else if (strncmp(line, "EHLO ", 5) == 0 && r->phase == HELO) {
		buf_add_str(&r->says, "502 5.5.2 EHLO?\r\n");
	} else if (strncmp(line, "EHLO ", 5) == 0) {
		say(r, EHLO,
		    r->is_pipelining ? "250-mx\r\n250 PIPELINING\r\n"
				     : "250 mx\r\n");
	} else if (strncmp(line, "HELO ", 5) == 0) {
		say(r, HELO, "250 mx\r\n");
	} else if (strncmp(line, "MAIL ", 5) == 0) {
		answer_mail(r);
	} else if (strncmp(line, "RCPT ", 5) == 0) {
		answer_rcpt(r);
	} else if (strcmp(line, "DATA") == 0) {
		answer_data(r);
	}
}

/* Take the client's next line away; NULL: there is none. For free(). */
static char *
next_line(struct relay *r)
{
	struct buf *sent = &r->play.sent;
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
	say(r, BANNER, "220 mx ESMTP\r\n");
	while (r->says.len > 0 || r->is_closed) {
		char *line;

		play_feed(&r->play, r->says.data, r->says.len);
		buf_clear(&r->says);
		if (r->is_closed && r->fault->then_lost)
			smtp_lost(r->play.s, r->fault->then_lost);
		if (r->is_closed)
			return;
		while (!r->is_closed && (line = next_line(r))) {
			answer(r, line);
			free(line);
		}
	}
}

void
smtp_matrix_play(int i, bool is_pipelining, int cut, struct buf *name,
    struct buf *got, struct buf *want)
{
	struct relay r = {.fault = &faults[i / PHASES],
	    .phase = (enum phase)(i % PHASES),
	    .is_pipelining = is_pipelining};

	buf_init(&r.says);
	play_init(&r.play, &play_message, 1, cut);
	buf_add_format(name, "%s to %s, %s, cut %d", r.fault->name,
	    phase_names[r.phase], is_pipelining ? "pipelined" : "in turns",
	    cut);
	buf_add_str(want, r.fault->want[r.phase]);
	converse(&r);
	play_describe(&r.play, got);
	if (r.play.violation)
		buf_add_format(got, " and %s", r.play.violation);
	play_release(&r.play);
	buf_release(&r.says);
}
