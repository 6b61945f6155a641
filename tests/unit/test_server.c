/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "sendmail/server.h"
#include "unit/suites.h"

/* ---- a session ----------------------------------------------------- */

/* How a client's bytes arrive. */
enum pieces { WHOLE, BYTES, SEVENS, PIECES_COUNT };

struct session {
	struct server *server;
	struct buf replies;
	struct buf messages; /* "sender>recipient,recipient|text|" each */
	enum server_want want;
	int verdict; /* an exit code; 0: accept */
};

static void
take_message(struct session *s)
{
	const struct envelope *e = server_envelope(s->server);
	const struct buf *text = server_text(s->server);

	buf_add_format(&s->messages, "%s>", e->sender);
	for (size_t i = 0; i < e->recipient_count; i++)
		buf_add_format(&s->messages, "%s%s", i ? "," : "",
		    e->recipients[i].address);
	buf_add_char(&s->messages, '|');
	buf_add(&s->messages, text->data, text->len);
	buf_add_char(&s->messages, '|');
	if (server_forgotten_bytes(s->server) > 0)
		server_refuse(s->server, EX_UNAVAILABLE, "too long");
	else if (s->verdict)
		server_refuse(s->server, s->verdict, "why");
	else
		server_accept(s->server, "ID1");
}

static void
say(struct session *s, const char *data, size_t len, size_t step)
{
	while (len > 0 && s->want != SERVER_WANT_NOTHING) {
		struct buf *out = server_output(s->server);
		size_t used;

		s->want = server_input(
		    s->server, data, len < step ? len : step, &used);
		data += used;
		len -= used;
		if (s->want == SERVER_WANT_VERDICT)
			take_message(s);
		buf_add(&s->replies, out->data, out->len);
		buf_clear(out);
	}
}

static void
session_init(struct session *s, int verdict)
{
	const struct server_limits limits = {
	    .text_bytes_max = 60, .recipients_max = 3};

	*s = (struct session){
	    .server = server_new("mx", &limits), .verdict = verdict};
	buf_init(&s->replies);
	buf_init(&s->messages);
}

static void
session_release(struct session *s)
{
	server_free(s->server);
	buf_release(&s->replies);
	buf_release(&s->messages);
}

static const size_t steps[PIECES_COUNT] = {
    [WHOLE] = SIZE_MAX, [BYTES] = 1, [SEVENS] = 7};

/* ---- conversations ------------------------------------------------- */

#define GREETING "220 mx ESMTP mini_sendmail\r\n"
#define OPENED	 "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"
#define DATA_OK	 "354 End data with <CR><LF>.<CR><LF>\r\n"
#define QUEUED	 "250 Ok: queued as ID1\r\n"
#define A_TO_B	 "MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\n"

static const struct {
	const char *name;
	const char *input;
	const char *replies; /* behind the greeting */
	const char *messages;
} talks[] = {
    {"a message", A_TO_B "DATA\r\nhi\r\n.\r\n", OPENED DATA_OK QUEUED,
	"a@x>b@x|hi\r\n|"},
    {"lines of Unix",
	"MAIL FROM:<a@x>\nRCPT TO:<b@x>\nDATA\nhi\n..x\n.\nQUIT\n",
	OPENED DATA_OK QUEUED "221 2.0.0 Bye\r\n", "a@x>b@x|hi\n.x\n|"},
    {"CRLF.CRLF ends lines of Unix too", A_TO_B "DATA\nhi\r\n.\r\n",
	OPENED DATA_OK QUEUED, "a@x>b@x|hi\r\n|"},
    {"EHLO", "ehlo me\r\n",
	"250-mx\r\n250-PIPELINING\r\n250-SIZE 60\r\n250-8BITMIME\r\n"
	"250-SMTPUTF8\r\n250 DSN\r\n",
	""},
    {"HELO", "HELO me\r\n", "250 mx\r\n", ""},
    {"small commands", "NOOP\r\nVRFY x\r\nRSET\r\nhelp\r\nquit\r\nNOOP\r\n",
	"250 2.0.0 Ok\r\n"
	"252 2.0.0 Cannot verify, but will take a message and try\r\n"
	"250 2.0.0 Ok\r\n"
	"214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT\r\n"
	"221 2.0.0 Bye\r\n",
	""},
    {"two messages",
	A_TO_B "DATA\r\n1\r\n.\r\n" A_TO_B
	       "RCPT TO:<c@x>\r\nDATA\r\n2\r\n.\r\n",
	OPENED DATA_OK QUEUED OPENED "250 2.1.5 Ok\r\n" DATA_OK QUEUED,
	"a@x>b@x|1\r\n|a@x>b@x,c@x|2\r\n|"},
    {"null sender", "MAIL FROM:<>\r\nRCPT TO:<b>\r\nDATA\r\n.\r\n",
	OPENED DATA_OK QUEUED, ">b||"},
    {"no brackets", "MAIL FROM: a@x\r\nRCPT TO:b@x\r\nDATA\r\n.\r\n",
	OPENED DATA_OK QUEUED, "a@x>b@x||"},
    {"quotes and a route",
	"MAIL FROM:<\"a>b\"@x>\r\nRCPT TO:<@r,@s:b@x>\r\nDATA\r\n.\r\n",
	OPENED DATA_OK QUEUED, "\"a>b\"@x>b@x||"},
    {"dots", A_TO_B "DATA\r\n..\r\n...\r\n.a\r\na.\r\n.\r\n",
	OPENED DATA_OK QUEUED, "a@x>b@x|.\r\n..\r\na\r\na.\r\n|"},
    {"smuggling LF.LF", A_TO_B "DATA\r\n1\n.\nQUIT\r\n.\r\n",
	OPENED DATA_OK QUEUED, "a@x>b@x|1\n.\nQUIT\r\n|"},
    {"smuggling LF.CRLF", A_TO_B "DATA\r\n1\n.\r\nQUIT\r\n.\r\n",
	OPENED DATA_OK QUEUED, "a@x>b@x|1\n.\r\nQUIT\r\n|"},
    {"smuggling CRLF.LF", A_TO_B "DATA\r\n1\r\n.\nQUIT\r\n.\r\n",
	OPENED DATA_OK QUEUED, "a@x>b@x|1\r\n\nQUIT\r\n|"},
    {"smuggling CR.CR", A_TO_B "DATA\r\n1\r.\rQUIT\r\n.\r\n",
	OPENED DATA_OK QUEUED, "a@x>b@x|1\r.\rQUIT\r\n|"},
    {"smuggling CRLF.CRCRLF", A_TO_B "DATA\r\n1\r\n.\r\r\n.\r\n",
	OPENED DATA_OK QUEUED, "a@x>b@x|1\r\n\r\r\n|"},
    {"RSET forgets", A_TO_B "RSET\r\nDATA\r\n",
	OPENED "250 2.0.0 Ok\r\n503 5.5.1 Need MAIL command\r\n", ""},
    {"EHLO forgets", A_TO_B "HELO me\r\nRCPT TO:<c@x>\r\n",
	OPENED "250 mx\r\n503 5.5.1 Need MAIL command\r\n", ""},
    {"nested MAIL", "MAIL FROM:<a@x>\r\nMAIL FROM:<b@x>\r\n",
	"250 2.1.0 Ok\r\n503 5.5.1 Nested MAIL command\r\n", ""},
    {"DATA to nobody", "MAIL FROM:<a@x>\r\nDATA\r\n",
	"250 2.1.0 Ok\r\n554 5.5.1 No valid recipients\r\n", ""},
    {"bad syntax", "MAIL a@x\r\nMAIL FROM:\r\nMAIL FROM:<a@x\r\nRCPT\r\n",
	"501 5.5.4 Syntax: MAIL FROM:<address>\r\n"
	"501 5.5.4 Syntax: MAIL FROM:<address>\r\n"
	"501 5.5.4 Syntax: MAIL FROM:<address>\r\n"
	"503 5.5.1 Need MAIL command\r\n",
	""},
    {"bad addresses",
	"MAIL FROM:<a b@x>\r\nMAIL FROM:<a@x>\r\nRCPT TO:<>\r\n"
	"RCPT TO:<a\x01@x>\r\nRCPT TO\r\n",
	"501 5.1.7 Bad sender address syntax\r\n250 2.1.0 Ok\r\n"
	"501 5.1.3 Bad recipient address syntax\r\n"
	"501 5.1.3 Bad recipient address syntax\r\n"
	"501 5.5.4 Syntax: RCPT TO:<address>\r\n",
	""},
    {"too many recipients",
	A_TO_B "RCPT TO:<c@x>\r\nRCPT TO:<d@x>\r\nRCPT TO:<e@x>\r\n"
	       "DATA\r\n.\r\n",
	OPENED "250 2.1.5 Ok\r\n250 2.1.5 Ok\r\n"
	       "452 4.5.3 Too many recipients\r\n" DATA_OK QUEUED,
	"a@x>b@x,c@x,d@x||"},
    {"a size too large", "MAIL FROM:<a@x> SIZE=61\r\nRCPT TO:<b@x>\r\n",
	"552 5.3.4 Message too large\r\n503 5.5.1 Need MAIL command\r\n", ""},
    {"a size that is none",
	"MAIL FROM:<a@x> SIZE=-1\r\nMAIL FROM:<a@x> SIZE=\r\n"
	"MAIL FROM:<a@x> SIZE=99999999999999999999\r\n",
	"501 5.5.4 Bad value of a parameter\r\n"
	"501 5.5.4 Bad value of a parameter\r\n"
	"552 5.3.4 Message too large\r\n",
	""},
    {"a text too large",
	A_TO_B "DATA\r\n"
	       "123456789012345678901234567890\r\n"
	       "123456789012345678901234567890\r\n.\r\n" A_TO_B
	       "DATA\r\nok\r\n.\r\n",
	OPENED DATA_OK "552 5.3.4 too long\r\n" OPENED DATA_OK QUEUED,
	"a@x>b@x||a@x>b@x|ok\r\n|"},
    {"parameters",
	"MAIL FROM:<a@x> SIZE=60 body=8BITMIME SMTPUTF8 RET=HDRS "
	"ENVID=x+41 AUTH=<>\r\n"
	"RCPT TO:<b@x> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o@x\r\n",
	OPENED, ""},
    {"bad parameters",
	"MAIL FROM:<a@x> RET=ALL\r\nMAIL FROM:<a@x> ENVID=a+ZZ\r\n"
	"MAIL FROM:<a@x> BODY=9BIT\r\nMAIL FROM:<a@x> FOO=1\r\n"
	"MAIL FROM:<a@x>\r\nRCPT TO:<b@x> NOTIFY=NEVER,DELAY\r\n"
	"RCPT TO:<b@x> ORCPT=o@x\r\nRCPT TO:<b@x> SIZE=1\r\nDATA\r\n",
	"501 5.5.4 Bad value of a parameter\r\n"
	"501 5.5.4 Bad value of a parameter\r\n"
	"501 5.5.4 Bad value of a parameter\r\n"
	"555 5.5.4 Unsupported parameter\r\n"
	"250 2.1.0 Ok\r\n"
	"501 5.5.4 Bad value of a parameter\r\n"
	"501 5.5.4 Bad value of a parameter\r\n"
	"555 5.5.4 Unsupported parameter\r\n"
	"554 5.5.1 No valid recipients\r\n",
	""},
    {"unknown commands", "\r\nSTARTTLS\r\nDATAX\r\nXYZZY y\r\n",
	"502 5.5.2 Command not recognized\r\n"
	"502 5.5.2 Command not recognized\r\n"
	"502 5.5.2 Command not recognized\r\n"
	"502 5.5.2 Command not recognized\r\n",
	""},
    {"half a command", A_TO_B "DATA", OPENED, ""},
    {"half a text", A_TO_B "DATA\r\nhi\r\n.\r", OPENED DATA_OK, ""},
};

START_TEST(each_command_is_answered)
{
	for (int pieces = WHOLE; pieces < PIECES_COUNT; pieces++) {
		struct session s;
		struct buf want = BUF_INIT;

		session_init(&s, 0);
		buf_add_format(&want, "%s%s", GREETING, talks[_i].replies);
		say(&s, talks[_i].input, strlen(talks[_i].input),
		    steps[pieces]);
		ck_assert_msg(strcmp(s.replies.data, want.data) == 0,
		    "%s (%d): got\n%s\nwant\n%s", talks[_i].name, pieces,
		    s.replies.data, want.data);
		ck_assert_msg(strcmp(s.messages.data, talks[_i].messages) == 0,
		    "%s (%d): got\n%s\nwant\n%s", talks[_i].name, pieces,
		    s.messages.data, talks[_i].messages);
		buf_release(&want);
		session_release(&s);
	}
}
END_TEST

START_TEST(parameters_are_in_the_envelope)
{
	static const char input[] =
	    "MAIL FROM:<a@x> BODY=8bitmime SMTPUTF8 RET=FULL ENVID=x+41y\r\n"
	    "RCPT TO:<b@x> ORCPT=rfc822;o+2Bo@x NOTIFY=delay,FAILURE\r\n"
	    "RCPT TO:<c@x>\r\n"
	    "DATA\r\n";
	const struct envelope *e;
	struct session s;

	session_init(&s, 0);
	say(&s, input, strlen(input), SIZE_MAX);
	e = server_envelope(s.server);
	ck_assert_int_eq(e->body, BODY_8BITMIME);
	ck_assert_int_eq(e->ret, RET_FULL);
	ck_assert(e->is_smtputf8);
	ck_assert_str_eq(e->envid, "xAy");
	ck_assert_uint_eq(
	    e->recipients[0].notify, NOTIFY_DELAY | NOTIFY_FAILURE);
	ck_assert_str_eq(e->recipients[0].original, "rfc822;o+o@x");
	ck_assert_uint_eq(e->recipients[1].notify, 0);
	ck_assert_ptr_null(e->recipients[1].original);
	session_release(&s);
}
END_TEST

static const struct {
	int exit_code;
	const char *reply;
} verdicts[] = {
    {EX_DATAERR, "554 5.6.0 why\r\n"},
    {EX_UNAVAILABLE, "550 5.7.1 why\r\n"},
    {EX_CANTCREAT, "452 4.3.1 why\r\n"},
    {EX_IOERR, "451 4.3.0 why\r\n"},
    {EX_CONFIG, "451 4.3.5 why\r\n"},
    {EX_OSFILE, "451 4.3.5 why\r\n"},
};

START_TEST(a_refusal_has_the_code_of_its_reason)
{
	static const char input[] = A_TO_B "DATA\r\nhi\r\n.\r\nNOOP\r\n";
	struct session s;
	struct buf want = BUF_INIT;

	session_init(&s, verdicts[_i].exit_code);
	buf_add_format(&want, "%s%s250 2.0.0 Ok\r\n", GREETING OPENED DATA_OK,
	    verdicts[_i].reply);
	say(&s, input, strlen(input), SIZE_MAX);
	ck_assert_str_eq(s.replies.data, want.data);
	buf_release(&want);
	session_release(&s);
}
END_TEST

START_TEST(a_line_has_4096_bytes_at_most)
{
	char line[8000];
	struct session s;

	session_init(&s, 0);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	say(&s, line, sizeof(line), 100);
	say(&s, "NOOP\r\n", 6, 100);
	ck_assert_str_eq(s.replies.data, GREETING "500 5.5.6 Line too long\r\n"
						  "250 2.0.0 Ok\r\n");
	session_release(&s);
}
END_TEST

START_TEST(nonsense_has_an_end)
{
	struct session s;

	session_init(&s, 0);
	for (int i = 0; i < 200; i++)
		say(&s, "nonsense\r\n", 10, SIZE_MAX);
	ck_assert_int_eq(s.want, SERVER_WANT_NOTHING);
	ck_assert_ptr_nonnull(
	    strstr(s.replies.data, "421 4.7.0 mx Too many errors\r\n"));
	session_release(&s);
}
END_TEST

Suite *
server_suite(void)
{
	Suite *s = suite_create("server");
	TCase *tc = tcase_create("server");

	tcase_add_loop_test(
	    tc, each_command_is_answered, 0, (int)ARRAY_LEN(talks));
	tcase_add_test(tc, parameters_are_in_the_envelope);
	tcase_add_loop_test(tc, a_refusal_has_the_code_of_its_reason, 0,
	    (int)ARRAY_LEN(verdicts));
	tcase_add_test(tc, a_line_has_4096_bytes_at_most);
	tcase_add_test(tc, nonsense_has_an_end);
	suite_add_tcase(s, tc);
	return s;
}
