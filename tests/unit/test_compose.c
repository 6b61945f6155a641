/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "sendmail/compose.h"
#include "sendmail/phrase.h"
#include "unit/suites.h"

/* What a message of user@host.example gets that has none of the three. */
#define DATE "Date: Thu, 1 Jan 1970 00:00:01 +0000\n"
#define ID   "Message-ID: <3e8.7.00000000000000ab@host.example>\n"
#define FROM "From: user@host.example\n"

/* And one that is passed on. */
#define RESENT_DATE "Resent-" DATE
#define RESENT_ID                                                              \
	"Resent-Message-ID: <Resent-3e8.7.00000000000000ab@host.example>\n"
#define RESENT_FROM "Resent-" FROM
#define RESENT	    RESENT_FROM RESENT_DATE RESENT_ID

/* A composed message; the fields are what a test looks at. */
struct result {
	struct options options;
	struct identity identity;
	struct composed message;
	struct buf why;
	int code;
	struct buf given;      /* a copy, as composing changes it */
	struct buf text;       /* the pieces together */
	struct buf recipients; /* "a@b c@d" */
};

static void
result_init(struct result *r)
{
	*r = (struct result){.identity = {BUF_INIT, BUF_INIT, BUF_INIT}};
	buf_init(&r->why);
	buf_init(&r->given);
	buf_init(&r->text);
	buf_init(&r->recipients);
	envelope_init(&r->options.envelope);
	buf_add_str(&r->identity.user, "user");
	buf_add_str(&r->identity.host, "host.example");
}

static void
result_compose(struct result *r, const char *text, size_t len)
{
	const struct submitter submitter = {
	    .uid = 5, .pid = 7, .script = (char[]){"from the environment"}};
	struct compose_input in = {
	    .len = len,
	    .options = &r->options,
	    .identity = &r->identity,
	    .submitter = &submitter,
	    .now_ms = 1000,
	    .random = 0xab,
	};
	const struct envelope *e = &r->message.envelope;

	buf_add(&r->given, text, len);
	buf_reserve(&r->given, 0);
	in.text = r->given.data;
	r->code = compose(&in, &r->message, &r->why);
	for (size_t i = 0; i < r->message.piece_count; i++)
		buf_add(&r->text, r->message.pieces[i].data,
		    r->message.pieces[i].len);
	for (size_t i = 0; i < e->recipient_count; i++)
		buf_add_format(&r->recipients, "%s%s", i ? " " : "",
		    e->recipients[i].address);
}

static void
result_release(struct result *r)
{
	options_release(&r->options);
	identity_release(&r->identity);
	compose_release(&r->message);
	buf_release(&r->why);
	buf_release(&r->given);
	buf_release(&r->text);
	buf_release(&r->recipients);
}

/* ---- texts --------------------------------------------------------------- */

static const struct {
	const char *name, *text, *want;
} texts[] = {
    {"whole_message_stays", "From: a\nDate: b\nMessage-ID: c\n\nbody\n",
	"From: a\nDate: b\nMessage-ID: c\n\nbody\n"},
    {"case_and_blanks_of_names", "FROM : a\ndate:b\nmessage-id:\n\n",
	"FROM : a\ndate:b\nmessage-id:\n\n"},
    {"all_three_are_added", "Subject: x\n\nbody\n",
	"Subject: x\n" FROM DATE ID "\nbody\n"},
    {"empty_text", "", FROM DATE ID},
    {"body_only", "\nbody\n", FROM DATE ID "\nbody\n"},
    {"header_only", "Subject: x\n", "Subject: x\n" FROM DATE ID},
    {"junk_ends_the_header", "Subject: x\njunk\nTo: y\n\nbody\n",
	"Subject: x\n" FROM DATE ID "\njunk\nTo: y\n\nbody\n"},
    {"junk_first", "junk\nSubject: x\n", FROM DATE ID "\njunk\nSubject: x\n"},
    {"fold_first", " fold\nSubject: x\n", FROM DATE ID "\n fold\nSubject: x\n"},
    {"bcc_is_removed", "Bcc: a@b,\n c@d\nSubject: x\nBCC : e@f\n\nBcc: g\n",
	"Subject: x\n" FROM DATE ID "\nBcc: g\n"},
    {"resent_bcc_is_removed", "Resent-Bcc: a@b\nSubject: x\n\n",
	"Subject: x\n" FROM DATE ID RESENT "\n"},
    {"resent_message_gets_its_own",
	"Resent-To: a@b\nFrom: c\nDate: d\nMessage-ID: e\n\n",
	"Resent-To: a@b\nFrom: c\nDate: d\nMessage-ID: e\n" RESENT "\n"},
    {"resent_date_stays",
	"Resent-date : x\nFrom: c\nDate: d\nMessage-ID: e\n\n",
	"Resent-date : x\nFrom: c\nDate: d\nMessage-ID: e\n" RESENT_FROM
	    RESENT_ID "\n"},
    {"resent_from_stays", "Resent-From: x\nFrom: c\nDate: d\nMessage-ID: e\n\n",
	"Resent-From: x\nFrom: c\nDate: d\nMessage-ID: e\n" RESENT_DATE
	    RESENT_ID "\n"},
    {"resent_message_id_stays",
	"Resent-Message-Id: x\nFrom: c\nDate: d\nMessage-ID: e\n\n",
	"Resent-Message-Id: x\nFrom: c\nDate: d\nMessage-ID: e\n" RESENT_FROM
	    RESENT_DATE "\n"},
    {"resent_sender_is_resent", "Resent-Sender: x\n\n",
	"Resent-Sender: x\n" FROM DATE ID RESENT "\n"},
    {"resent_reply_to_is_resent", "Resent-Reply-To: x\n\n",
	"Resent-Reply-To: x\n" FROM DATE ID RESENT "\n"},
    {"resent_cc_is_resent", "Resent-Cc: x@y\n\n",
	"Resent-Cc: x@y\n" FROM DATE ID RESENT "\n"},
    {"other_resent_is_not", "Resent-X: x\nX-Resent-To: y\n\n",
	"Resent-X: x\nX-Resent-To: y\n" FROM DATE ID "\n"},
    {"return_path_is_removed", "Return-Path: <a@b>\nSubject: x\n\n",
	"Subject: x\n" FROM DATE ID "\n"},
    {"mbox_line_is_dropped", "From joe Thu Jan 1\nSubject: x\n\n",
	"Subject: x\n" FROM DATE ID "\n"},
    {"quoted_mbox_lines_are_dropped",
	">From joe\n>>From joe\nFrom joe\nSubject: x\n\n",
	"Subject: x\n" FROM DATE ID "\n"},
    {"mbox_line_within_stays", "Subject: x\nFrom joe\n\n",
	"Subject: x\n" FROM DATE ID "\nFrom joe\n\n"},
    {"from_field_is_no_mbox_line", "From : a\nDate: b\nMessage-ID: c\n\n",
	"From : a\nDate: b\nMessage-ID: c\n\n"},
    {"mbox_line_only", "From joe\n", FROM DATE ID},
    {"fields_stay_byte_by_byte",
	"X-B:  1 \n\t2  \nX-A : \xff\nX-b:\n \nFrom: a\nDate: b\n"
	"Message-ID: c\n\n  body \n",
	"X-B:  1 \n\t2  \nX-A : \xff\nX-b:\n \nFrom: a\nDate: b\n"
	"Message-ID: c\n\n  body \n"},
};

START_TEST(text_is_repaired)
{
	struct result r;

	for (int with_t = 0; with_t <= 1; with_t++) {
		result_init(&r);
		envelope_add_recipient(&r.options.envelope, "r@x", 3);
		r.options.is_recipients_from_header = with_t;
		result_compose(&r, texts[_i].text, strlen(texts[_i].text));
		ck_assert_msg(r.code == 0, "%s: got %s, want success",
		    texts[_i].name, r.why.data);
		ck_assert_msg(strcmp(r.text.data, texts[_i].want) == 0,
		    "%s: got %s, want %s", texts[_i].name, r.text.data,
		    texts[_i].want);
		ck_assert_uint_eq(r.message.envelope.text_len, r.text.len);
		result_release(&r);
	}
}
END_TEST

/* ---- recipients ---------------------------------------------------------- */

static const struct {
	const char *name;
	bool with_t;
	const char *argument; /* a recipient on the command line, or NULL */
	const char *text, *want;
} recipients[] = {
    {"command_line", false, "r@x", "To: a@b\nCc: c@d\n\n", "r@x"},
    {"header", true, NULL, "To: a@b\nCc: c@d\nBcc: e@f\n\n", "a@b c@d e@f"},
    {"both", true, "r@x", "To: a@b\n\n", "r@x a@b"},
    {"twice_the_same", true, "a@b", "To: a@b\nCc: a@b\n\n", "a@b"},
    {"case_of_names", true, NULL, "TO: a@b\nbcc : e@f\n\n", "a@b e@f"},
    {"several_fields", true, NULL, "To: a@b\nTo: c@d\n\n", "a@b c@d"},
    {"folded_list", true, NULL, "To: A <a@b>,\n\tC <c@d>\n\n", "a@b c@d"},
    {"resent_only", true, NULL,
	"To: a@b\nResent-To: c@d\nCc: e@f\nResent-Bcc: g@h\n\n", "c@d g@h"},
    {"resent_and_command_line", true, "r@x", "To: a@b\nResent-Cc: c@d\n\n",
	"r@x c@d"},
    {"several_resent", true, NULL,
	"Resent-To: a@b\nResent-To: c@d\nResent-Cc: e@f\nResent-Bcc: g@h\n\n",
	"a@b c@d e@f g@h"},
    {"several_bcc", true, NULL, "Bcc: a@b\nBcc: c@d\nCc: e@f\nCc: g@h\n\n",
	"a@b c@d e@f g@h"},
    {"not_from_other_fields", true, "r@x",
	"Apparently-To: a@b\nReply-To: c@d\nX-To: e@f\nTo-X: g@h\n\n", "r@x"},
    {"resent_without_t", false, "r@x", "To: a@b\nResent-To: c@d\n\n", "r@x"},
    {"empty_text_without_t", false, "r@x", "", "r@x"},
    {"empty_text_with_t", true, "r@x", "", "r@x"},
    {"body_only", true, "r@x", "\nTo: a@b\n", "r@x"},
    {"junk_only", true, "r@x", "junk\nTo: a@b\n", "r@x"},
    {"header_only", true, NULL, "To: a@b\n", "a@b"},
    {"utf8", true, NULL, "To: J\xc3\xb6 <j\xc3\xb6@\xc3\xbc.de>\n\n",
	"j\xc3\xb6@\xc3\xbc.de"},
    {"resent_from_means_nothing", true, NULL, "To: a@b\nResent-From: c\n\n",
	"a@b"},
    {"not_from_the_body", true, NULL, "To: a@b\n\nTo: c@d\n", "a@b"},
    {"not_behind_junk", true, NULL, "To: a@b\njunk\nBcc: c@d\n", "a@b"},
    {"php", true, NULL,
	"To: J\xc3\xb6rg <a@b>, c@d\nSubject: x\nX-PHP-Script: y\n"
	"From: \"A, B\" <w@x>\nBcc: s@z\n\n",
	"a@b c@d s@z"},
    {"phpmailer", true, NULL,
	"Date: x\nTo: \"Smith, Joe\" <j@x>\nFrom: Root User <r@l>\n"
	"Cc: =?utf-8?Q?J=C3=B6?= <k@x>\nSubject: x\n\n",
	"j@x k@x"},
};

START_TEST(recipients_are_found)
{
	const char *argument = recipients[_i].argument;
	struct result r;

	result_init(&r);
	r.options.is_recipients_from_header = recipients[_i].with_t;
	if (argument)
		envelope_add_recipient(
		    &r.options.envelope, argument, strlen(argument));
	result_compose(&r, recipients[_i].text, strlen(recipients[_i].text));
	ck_assert_msg(strcmp(r.recipients.data, recipients[_i].want) == 0,
	    "%s: got %s (%s), want %s", recipients[_i].name, r.recipients.data,
	    r.why.data, recipients[_i].want);
	ck_assert_int_eq(r.code, 0);
	result_release(&r);
}
END_TEST

/* ---- refusals ------------------------------------------------------------ */

static const struct {
	const char *name;
	bool with_t;
	const char *text;
	int code;
	const char *why; /* a part of it */
} refusals[] = {
    {"no_recipients", false, "To: a@b\n\n", EX_USAGE, "no recipients"},
    {"no_recipients_in_header", true, "Subject: x\n\nTo: a@b\n", EX_USAGE,
	"To, Cc or Bcc"},
    {"empty_group", true, "To: undisclosed-recipients:;\n\n", EX_USAGE,
	"no recipients"},
    {"empty_resent", true, "To: a@b\nResent-To:\n\n", EX_USAGE,
	"no recipients"},
    {"empty_text", true, "", EX_USAGE, "To, Cc or Bcc"},
    {"empty_text_without_t", false, "", EX_USAGE, "option -t"},
    {"body_only", true, "\nTo: a@b\n", EX_USAGE, "no recipients"},
    {"nobody_but_null", true, "To: <>, \"\"\n\n", EX_USAGE, "no recipients"},
    {"malformed", true, "To: a@b\nCc: a\001b@c\n\n", EX_DATAERR,
	"malformed address in Cc: \" a\\x01b@c\""},
};

START_TEST(message_is_refused)
{
	struct result r;

	result_init(&r);
	r.options.is_recipients_from_header = refusals[_i].with_t;
	result_compose(&r, refusals[_i].text, strlen(refusals[_i].text));
	ck_assert_msg(r.code == refusals[_i].code, "%s: got %d, want %d",
	    refusals[_i].name, r.code, refusals[_i].code);
	ck_assert_msg(strstr(r.why.data, refusals[_i].why) != NULL,
	    "%s: got %s, want %s", refusals[_i].name, r.why.data,
	    refusals[_i].why);
	result_release(&r);
}
END_TEST

/* Compose a message whose field NAME has len bytes. */
static int
compose_long_field(const char *name, size_t len)
{
	struct buf text = BUF_INIT;
	struct result r;
	int code;

	buf_add_format(&text, "%s: ", name);
	while (text.len < len - 1)
		buf_add_char(&text, ' ');
	buf_add_str(&text, "\n\nbody\n");
	result_init(&r);
	envelope_add_recipient(&r.options.envelope, "r@x", 3);
	result_compose(&r, text.data, text.len);
	code = r.code;
	result_release(&r);
	buf_release(&text);
	return code;
}

START_TEST(field_has_a_greatest_length)
{
	ck_assert_int_eq(compose_long_field("To", COMPOSE_FIELD_MAX), 0);
	ck_assert_int_eq(
	    compose_long_field("To", COMPOSE_FIELD_MAX + 1), EX_DATAERR);
	ck_assert_int_eq(compose_long_field("Bcc", COMPOSE_FIELD_MAX + 1), 0);
	ck_assert_int_eq(
	    compose_long_field("Resent-Bcc", 4 * COMPOSE_FIELD_MAX), 0);
}
END_TEST

/* The limit is on each field: postfix takes any number of them. */
START_TEST(header_has_no_greatest_length)
{
	struct buf text = BUF_INIT;
	struct result r;

	while (text.len < 2 * COMPOSE_FIELD_MAX)
		buf_add_str(&text, "X-Field: 0123456789012345678901234567\n");
	buf_add_str(&text, "\n");
	result_init(&r);
	envelope_add_recipient(&r.options.envelope, "r@x", 3);
	result_compose(&r, text.data, text.len);
	ck_assert_int_eq(r.code, 0);
	ck_assert_uint_gt(r.text.len, text.len);
	result_release(&r);
	buf_release(&text);
}
END_TEST

START_TEST(recipients_have_a_greatest_number)
{
	struct buf text = BUF_INIT;
	struct result r;

	buf_add_str(&text, "Bcc: ");
	for (int i = 0; i < ENVELOPE_RECIPIENTS_MAX; i++)
		buf_add_format(&text, "u%d@x,", i);
	result_init(&r);
	r.options.is_recipients_from_header = true;
	buf_add_str(&text, "\n\n");
	result_compose(&r, text.data, text.len);
	ck_assert_int_eq(r.code, 0);
	ck_assert_uint_eq(
	    r.message.envelope.recipient_count, ENVELOPE_RECIPIENTS_MAX);
	result_release(&r);

	text.len -= 2;
	buf_add_str(&text, "one@more\n\n");
	result_init(&r);
	r.options.is_recipients_from_header = true;
	result_compose(&r, text.data, text.len);
	ck_assert_int_eq(r.code, EX_UNAVAILABLE);
	result_release(&r);
	buf_release(&text);
}
END_TEST

/* ---- sender -------------------------------------------------------------- */

static const struct {
	const char *name;
	const char *sender;    /* -f, or NULL */
	const char *full_name; /* -F, or NULL */
	const char *gecos;
	const char *want_sender, *want_from;
} senders[] = {
    {"default", NULL, NULL, "", "user@host.example",
	"From: user@host.example\n"},
    {"gecos", NULL, NULL, "Joe User", "user@host.example",
	"From: Joe User <user@host.example>\n"},
    {"full_name", NULL, "Cron Daemon", "Joe", "user@host.example",
	"From: Cron Daemon <user@host.example>\n"},
    {"empty_full_name", NULL, "", "Joe", "user@host.example",
	"From: user@host.example\n"},
    {"given", "a@b", NULL, "Joe", "a@b", "From: Joe <a@b>\n"},
    {"quoted_local_part", "\"a b\"@c", NULL, "", "\"a b\"@c",
	"From: \"a b\"@c\n"},
    {"null", "", NULL, "Joe", "",
	"From: Mail Delivery System <MAILER-DAEMON@host.example>\n"},
    {"null_and_full_name", "", "Joe", "", "",
	"From: Joe <MAILER-DAEMON@host.example>\n"},
};

START_TEST(sender_and_from_belong_together)
{
	struct result r;

	result_init(&r);
	envelope_add_recipient(&r.options.envelope, "r@x", 3);
	r.options.full_name = senders[_i].full_name;
	buf_add_str(&r.identity.name, senders[_i].gecos);
	if (senders[_i].sender) {
		r.options.has_sender = true;
		envelope_set_sender(&r.options.envelope, senders[_i].sender,
		    strlen(senders[_i].sender));
	}
	result_compose(&r, "Date: x\nMessage-ID: y\n\n", 23);
	ck_assert_int_eq(r.code, 0);
	ck_assert_str_eq(r.message.envelope.sender, senders[_i].want_sender);
	ck_assert_msg(strstr(r.text.data, senders[_i].want_from) != NULL,
	    "%s: got %s, want %s", senders[_i].name, r.text.data,
	    senders[_i].want_from);
	result_release(&r);
}
END_TEST

static const struct {
	const char *name, *full_name, *want;
} phrases[] = {
    {"plain", "Joe User", "Joe User"},
    {"empty", "", ""},
    {"blanks_only", "  ", ""},
    {"blanks_around", " Joe  User ", "Joe  User"},
    {"specials", "Smith, Joe J.", "\"Smith, Joe J.\""},
    {"quotes", "a \"b\" \\c", "\"a \\\"b\\\" \\\\c\""},
    {"header_injection", "Joe\r\nBcc: x@y", "\"Joe  Bcc: x@y\""},
    {"utf8", "J\xc3\xb6rg", "=?UTF-8?B?SsO2cmc=?="},
    {"not_utf8", "J\xf6rg", "=?unknown-8bit?B?SvZyZw==?="},
    {"overlong_utf8", "\xc0\xaf", "=?unknown-8bit?B?wK8=?="},
    {"surrogate", "\xed\xa0\x80", "=?unknown-8bit?B?7aCA?="},
    {"looks_encoded", "=?x?q?y?=", "=?UTF-8?B?PT94P3E/eT89?="},
    {"split_between_characters",
	"\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6"
	"\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6"
	"\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6",
	"=?UTF-8?B?w7bDtsO2w7bDtsO2w7bDtsO2w7bDtsO2w7bDtsO2w7bDtsO2w7Y=?=\n"
	" =?UTF-8?B?w7Y=?="},
};

START_TEST(full_name_becomes_a_phrase)
{
	struct buf got = BUF_INIT;

	phrase_add(&got, phrases[_i].full_name);
	ck_assert_msg(strcmp(got.data, phrases[_i].want) == 0,
	    "%s: got %s, want %s", phrases[_i].name, got.data,
	    phrases[_i].want);
	buf_release(&got);
}
END_TEST

START_TEST(full_name_has_a_greatest_length)
{
	char name[IDENTITY_NAME_MAX + 100];
	struct buf got = BUF_INIT;

	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	phrase_add(&got, name);
	ck_assert_uint_eq(got.len, IDENTITY_NAME_MAX);
	buf_release(&got);
}
END_TEST

/* ---- parameters ---------------------------------------------------------- */

START_TEST(what_is_asked_for_goes_into_the_envelope)
{
	static const char text[] = "To: a@b, c@d\nBcc: g@h\n\nbody\n";
	struct envelope *given;
	struct recipient *to;
	struct result r;

	result_init(&r);
	given = &r.options.envelope;
	r.options.is_recipients_from_header = true;
	r.options.notify = NOTIFY_DELAY;
	to = envelope_add_recipient(given, "e@f", 3);
	ck_assert_int_eq(recipient_set_notify(to, NOTIFY_NEVER), 0);
	ck_assert_int_eq(recipient_set_original(to, "rfc822;o@x", 10), 0);
	envelope_add_recipient(given, "c@d", 3);
	ck_assert_int_eq(envelope_set_envid(given, "Q 1", 3), 0);
	given->ret = RET_HDRS;
	given->body = BODY_8BITMIME;
	given->is_smtputf8 = true;
	result_compose(&r, text, sizeof(text) - 1);
	ck_assert_str_eq(r.recipients.data, "e@f c@d a@b g@h");
	to = r.message.envelope.recipients;
	/* -N is for all that do not say it themselves. */
	ck_assert_uint_eq(to[0].notify, NOTIFY_NEVER);
	ck_assert_uint_eq(to[1].notify, NOTIFY_DELAY);
	ck_assert_uint_eq(to[2].notify, NOTIFY_DELAY);
	ck_assert_uint_eq(to[3].notify, NOTIFY_DELAY);
	ck_assert_str_eq(to[0].original, "rfc822;o@x");
	ck_assert_ptr_null(to[1].original);
	ck_assert_str_eq(r.message.envelope.envid, "Q 1");
	ck_assert_int_eq(r.message.envelope.ret, RET_HDRS);
	ck_assert_int_eq(r.message.envelope.body, BODY_8BITMIME);
	ck_assert(r.message.envelope.is_smtputf8);
	result_release(&r);
}
END_TEST

/* ---- the script -----------------------------------------------------------
 */

static const struct {
	const char *name;
	const char *text;
	const char *want;
} scripts[] = {
    {"no field", "To: a@b\n\nX-PHP-Originating-Script: 1:body.php\n",
	"from the environment"},
    {"PHP's field", "To: a@b\nX-PHP-Originating-Script: 33:mail.php\n\n",
	"33:mail.php"},
    {"the first of two",
	"X-PHP-Originating-Script: 33:a\nx-php-originating-script: 0:b\n\n",
	"33:a"},
    {"an empty one",
	"X-PHP-Originating-Script:\nX-PHP-Originating-Script: b\n\n", ""},
    {"blanks and folds", "X-PHP-Originating-Script: \t\n  a\n b \n\n",
	"a\n b "},
    {"any bytes", "X-PHP-Originating-Script: \x1b[2J\xff\x01\n\n",
	"\x1b[2J\xff\x01"},
};

START_TEST(script_is_what_php_names)
{
	const char *got;
	struct result r;

	result_init(&r);
	envelope_add_recipient(&r.options.envelope, "r@x", 3);
	result_compose(&r, scripts[_i].text, strlen(scripts[_i].text));
	got = r.message.envelope.submitter.script;
	ck_assert_msg(strcmp(got, scripts[_i].want) == 0, "%s: got %s, want %s",
	    scripts[_i].name, got, scripts[_i].want);
	/* The field stays as it was. */
	ck_assert_int_eq(
	    memcmp(r.text.data, scripts[_i].text,
		(size_t)(strstr(scripts[_i].text, "\n\n") - scripts[_i].text)),
	    0);
	ck_assert_uint_eq(r.message.envelope.submitter.uid, 5);
	result_release(&r);
}
END_TEST

START_TEST(script_has_a_greatest_length)
{
	static const char name[] = "X-PHP-Originating-Script: ";
	char text[COMPOSE_FIELD_MAX];
	const char *got;
	struct result r;

	memset(text, 'x', sizeof(text));
	memcpy(text, name, sizeof(name) - 1);
	text[sizeof(text) - 1] = '\n';
	result_init(&r);
	envelope_add_recipient(&r.options.envelope, "r@x", 3);
	result_compose(&r, text, sizeof(text));
	got = r.message.envelope.submitter.script;
	ck_assert_uint_eq(strlen(got), SUBMITTER_SCRIPT_MAX);
	ck_assert_str_eq(got + SUBMITTER_SCRIPT_MAX - 4, "x...");
	result_release(&r);
}
END_TEST

/* ---- anything ------------------------------------------------------------ */

START_TEST(the_message_is_not_copied)
{
	static const char text[] = "To: a@b\nBcc: c@d\nCc: e@f\n\nbody\n";
	struct result r;

	result_init(&r);
	r.options.is_recipients_from_header = true;
	result_compose(&r, text, sizeof(text) - 1);
	ck_assert_uint_eq(r.message.piece_count, 3);
	/* The header has closed its gap. */
	ck_assert_ptr_eq(r.message.pieces[0].data, r.given.data);
	ck_assert_uint_eq(r.message.pieces[0].len, 16);
	ck_assert_int_eq(
	    memcmp(r.message.pieces[0].data, "To: a@b\nCc: e@f\n", 16), 0);
	ck_assert_ptr_eq(r.message.pieces[2].data, r.given.data + 25);
	ck_assert_uint_eq(r.message.envelope.submitter.uid, 5);
	ck_assert_uint_eq(r.message.envelope.submitter.pid, 7);
	ck_assert_int_eq(r.message.envelope.submitted_ms, 1000);
	result_release(&r);
}
END_TEST

/* Quadratic time would take hours here. */
START_TEST(long_text_takes_linear_time)
{
	static const char *const patterns[] = {"From a\n", "A:\n", "A:\n ",
	    "To:a@b\n", "Bcc:a@b,\n ", "Bcc:(\n ", "Bcc:<a\n ",
	    "Resent-To:;:\n", " ", "a"};
	enum { LEN = 1024 * 1024 };
	size_t step = strlen(patterns[_i]);
	char *text = malloc(LEN);
	struct result r;

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < LEN; i++)
		text[i] = patterns[_i][i % step];
	result_init(&r);
	envelope_add_recipient(&r.options.envelope, "r@x", 3);
	r.options.is_recipients_from_header = true;
	result_compose(&r, text, LEN);
	ck_assert(
	    r.code == 0 || r.code == EX_DATAERR || r.code == EX_UNAVAILABLE);
	result_release(&r);
	free(text);
}
END_TEST

/* Composing what was composed changes nothing more. */
START_TEST(random_messages_are_repaired_once)
{
	static const char *const parts[] = {"To", "Bcc", "From", ":", " ", "\n",
	    "a@b", "x", "\n ", "Resent-To", "Resent-Date", "Date", ">", "\n\n",
	    "Message-ID", "From ", "Return-Path: x\n", "(", "\"", "<", ">", ",",
	    ";", "\t"};

	srand(4);
	for (int round = 0; round < 20000; round++) {
		struct buf text = BUF_INIT;
		struct result once, twice;

		for (int i = rand() % 20; i > 0; i--)
			buf_add_str(
			    &text, parts[(size_t)rand() % ARRAY_LEN(parts)]);
		buf_add_char(&text, '\n');
		result_init(&once);
		result_init(&twice);
		once.options.is_recipients_from_header = rand() % 2;
		envelope_add_recipient(&once.options.envelope, "r@x", 3);
		envelope_add_recipient(&twice.options.envelope, "r@x", 3);
		result_compose(&once, text.data, text.len);
		if (once.code == 0) {
			result_compose(&twice, once.text.data, once.text.len);
			ck_assert_str_eq(twice.text.data, once.text.data);
		} else {
			ck_assert_int_eq(once.code, EX_DATAERR);
			envelope_init(&twice.message.envelope);
		}
		result_release(&once);
		result_release(&twice);
		buf_release(&text);
	}
}
END_TEST

Suite *
compose_suite(void)
{
	Suite *s = suite_create("compose");
	TCase *t = tcase_create("text");

	tcase_add_loop_test(t, text_is_repaired, 0, ARRAY_LEN(texts));
	tcase_add_test(t, the_message_is_not_copied);
	tcase_add_test(t, field_has_a_greatest_length);
	tcase_add_test(t, header_has_no_greatest_length);
	tcase_add_loop_test(t, long_text_takes_linear_time, 0, 10);
	tcase_add_test(t, random_messages_are_repaired_once);
	suite_add_tcase(s, t);
	t = tcase_create("envelope");
	tcase_add_loop_test(t, recipients_are_found, 0, ARRAY_LEN(recipients));
	tcase_add_loop_test(t, message_is_refused, 0, ARRAY_LEN(refusals));
	tcase_add_test(t, recipients_have_a_greatest_number);
	tcase_add_test(t, what_is_asked_for_goes_into_the_envelope);
	tcase_add_loop_test(t, script_is_what_php_names, 0, ARRAY_LEN(scripts));
	tcase_add_test(t, script_has_a_greatest_length);
	suite_add_tcase(s, t);
	t = tcase_create("sender");
	tcase_add_loop_test(
	    t, sender_and_from_belong_together, 0, ARRAY_LEN(senders));
	tcase_add_loop_test(
	    t, full_name_becomes_a_phrase, 0, ARRAY_LEN(phrases));
	tcase_add_test(t, full_name_has_a_greatest_length);
	suite_add_tcase(s, t);
	return s;
}
