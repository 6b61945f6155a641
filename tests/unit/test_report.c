/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "mail/report.h"
#include "unit/suites.h"

#define SUBMITTED INT64_C(1700000000000)
#define NOW	  (SUBMITTED + 3600 * 1000)

static struct envelope envelope;
static struct report_recipient recipients[1000];
static struct report report;
static struct buf got;

static void
set_text(const char *text, size_t len)
{
	report.text = text;
	report.text_len = len;
}

#define TEXT(s) set_text(s, sizeof(s) - 1)

/* Recipient number i, of which the relay said the reply. */
static struct recipient *
add(const char *address, enum report_action action, const char *reply)
{
	const size_t i = report.recipient_count++;
	struct recipient *r;

	r = envelope_add_recipient(&envelope, address, strlen(address));
	recipients[i] =
	    (struct report_recipient){.action = action, .reply = reply};
	/* Adding moves them. */
	for (size_t n = 0; n <= i; n++)
		recipients[n].recipient = &envelope.recipients[n];
	return r;
}

static void
setup(void)
{
	buf_init(&got);
	envelope_init(&envelope);
	envelope_set_sender(&envelope, "me@site.test", 12);
	envelope.submitted_ms = SUBMITTED;
	report = (struct report){.host = "mx.example.org",
	    .relay = "127.0.0.1:25",
	    .id = "FN7C2Q8X1O",
	    .to = "me@site.test",
	    .envelope = &envelope,
	    .recipients = recipients,
	    .now_ms = NOW,
	    .retry_until_ms = NOW + 1000,
	    .is_whole = true};
	TEXT("Subject: lunch\nMessage-ID: <1@site.test>\n\nbody\n");
}

static void
teardown(void)
{
	envelope_release(&envelope);
	buf_release(&got);
}

static void
compose(void)
{
	buf_clear(&got);
	report_compose(&report, &got);
	ck_assert_ptr_null(memchr(got.data, '\r', got.len));
	ck_assert_uint_eq(strlen(got.data), got.len);
	ck_assert_int_eq(got.data[got.len - 1], '\n');
}

static size_t
count(const char *needle)
{
	size_t n = 0;

	for (const char *p = got.data; (p = strstr(p, needle)); p++)
		n++;
	return n;
}

#define HAS(s)                                                                 \
	ck_assert_msg(                                                         \
	    strstr(got.data, s), "there is no \"%s\" in\n%s", s, got.data)
#define HAS_NOT(s)                                                             \
	ck_assert_msg(                                                         \
	    !strstr(got.data, s), "there is \"%s\" in\n%s", s, got.data)

/* ---- the whole ----------------------------------------------------- */

START_TEST(a_failure_is_reported_in_three_parts)
{
	static const char want[] =
	    "From: Mail Delivery System <MAILER-DAEMON@mx.example.org>\n"
	    "To: <me@site.test>\n"
	    "Subject: Undelivered Mail Returned to Sender\n"
	    "Date: Tue, 14 Nov 2023 23:13:20 +0000\n"
	    "Message-ID: <FN7C2Q8X1O.1700003600000.report@mx.example.org>\n"
	    "In-Reply-To: <1@site.test>\n"
	    "References: <1@site.test>\n"
	    "Auto-Submitted: auto-replied\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\n"
	    "\tboundary=\"=_FN7C2Q8X1O.1700003600000.0\"\n"
	    "\n"
	    "--=_FN7C2Q8X1O.1700003600000.0\n"
	    "Content-Description: Notification\n"
	    "Content-Type: text/plain; charset=us-ascii\n"
	    "\n"
	    "This is the mail system at mx.example.org.\n"
	    "It has your message as FN7C2Q8X1O.\n"
	    "\n"
	    "Your message could not be delivered to the recipients below, and "
	    "nobody\n"
	    "tries it any more.\n"
	    "\n"
	    "<joe@example.org>: the mail server [127.0.0.1] said: 550 5.1.1 "
	    "nobody of\n"
	    "    that name here\n"
	    "\n"
	    "--=_FN7C2Q8X1O.1700003600000.0\n"
	    "Content-Description: Delivery report\n"
	    "Content-Type: message/delivery-status\n"
	    "\n"
	    "Reporting-MTA: dns; mx.example.org\n"
	    "X-Queue-ID: FN7C2Q8X1O\n"
	    "Arrival-Date: Tue, 14 Nov 2023 22:13:20 +0000\n"
	    "\n"
	    "Final-Recipient: rfc822; joe@example.org\n"
	    "Action: failed\n"
	    "Status: 5.1.1\n"
	    "Remote-MTA: dns; [127.0.0.1]\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 nobody of that name here\n"
	    "Last-Attempt-Date: Tue, 14 Nov 2023 23:13:20 +0000\n"
	    "\n"
	    "--=_FN7C2Q8X1O.1700003600000.0\n"
	    "Content-Description: Header of your message\n"
	    "Content-Type: text/rfc822-headers\n"
	    "\n"
	    "Subject: lunch\n"
	    "Message-ID: <1@site.test>\n"
	    "\n"
	    "--=_FN7C2Q8X1O.1700003600000.0--\n";

	add("joe@example.org", REPORT_FAILED,
	    "550 5.1.1 nobody of that name here");
	compose();
	ck_assert_str_eq(got.data, want);
}
END_TEST

START_TEST(what_the_sender_said_is_repeated)
{
	struct recipient *r =
	    add("joe@example.org", REPORT_FAILED, "550 5.1.1 no");

	ck_assert_int_eq(
	    recipient_set_original(r, "rfc822;old joe@example.org", 26), 0);
	ck_assert_int_eq(envelope_set_envid(&envelope, "q 7+2", 5), 0);
	compose();
	HAS("\nOriginal-Envelope-Id: q 7+2\n");
	HAS("\n\nOriginal-Recipient: rfc822;old joe@example.org\n"
	    "Final-Recipient: rfc822; joe@example.org\n");
}
END_TEST

START_TEST(each_recipient_has_its_own_group)
{
	add("a@example.org", REPORT_RELAYED, "250 2.6.0 queued");
	add("b@example.org", REPORT_FAILED, "550 5.1.1 no");
	add("c@example.org", REPORT_DELAYED, "451 4.3.0 later");
	compose();
	HAS("\nSubject: Undelivered Mail");
	HAS("Final-Recipient: rfc822; a@example.org\nAction: relayed\n"
	    "Status: 2.6.0\n");
	HAS("Final-Recipient: rfc822; b@example.org\nAction: failed\n"
	    "Status: 5.1.1\n");
	HAS("Final-Recipient: rfc822; c@example.org\nAction: delayed\n"
	    "Status: 4.3.0\n");
	ck_assert_uint_eq(count("\nWill-Retry-Until: "), 1);
	ck_assert_uint_eq(count("\n\nFinal-Recipient: "), 3);
}
END_TEST

START_TEST(a_delay_is_not_called_a_failure)
{
	add("a@example.org", REPORT_DELAYED, "451 4.3.0 later");
	compose();
	HAS("\nSubject: Delayed Mail");
	HAS("being tried; you need not send it again");
	HAS_NOT("Undelivered");
}
END_TEST

/* ---- status and diagnosis ------------------------------------------ */

static const struct {
	const char *reply;
	enum report_action action;
	const char *want;
} replies[] = {
    {"550 5.1.1 no", REPORT_FAILED,
	"\nStatus: 5.1.1\nRemote-MTA: dns; [127.0.0.1]\n"
	"Diagnostic-Code: smtp; 550 5.1.1 no\n"},
    {"550 5.1.10", REPORT_FAILED, "\nStatus: 5.1.10\n"},
    {"550 no", REPORT_FAILED, "\nStatus: 5.0.0\n"},
    {"550 5.1", REPORT_FAILED, "\nStatus: 5.0.0\n"},
    {"550 5.1.1x", REPORT_FAILED, "\nStatus: 5.0.0\n"},
    {"550 5.1.1111 x", REPORT_FAILED, "\nStatus: 5.0.0\n"},
    {"550 5..1 x", REPORT_FAILED, "\nStatus: 5.0.0\n"},
    /* An enhanced code of another class is none. */
    {"550 4.1.1 no", REPORT_FAILED, "\nStatus: 5.0.0\n"},
    {"550 2.0.0 no", REPORT_FAILED, "\nStatus: 5.0.0\n"},
    {"451 5.1.1 no", REPORT_DELAYED, "\nStatus: 4.0.0\n"},
    {"4.4.7 delivery time expired: 451 4.3.0 no", REPORT_FAILED,
	"\nStatus: 4.4.7\nRemote-MTA: dns; [127.0.0.1]\n"
	"Diagnostic-Code: X-flushd; 4.4.7 delivery time expired: 451"},
    {"5.6.7 not ASCII", REPORT_FAILED, "Diagnostic-Code: X-flushd; 5.6.7 not"},
    {"connection lost", REPORT_DELAYED,
	"\nStatus: 4.0.0\nRemote-MTA: dns; [127.0.0.1]\n"
	"Diagnostic-Code: X-flushd; connection lost\n"},
    {"", REPORT_FAILED, "\nDiagnostic-Code: X-flushd;\n"},
    {NULL, REPORT_FAILED,
	"\nStatus: 5.0.0\nRemote-MTA: dns; [127.0.0.1]\n"
	"Last-Attempt-Date: "},
    {"550 \xc3\xa9\x1b[2J\x7f", REPORT_FAILED,
	"smtp; 550 \\xc3\\xa9\\x1b[2J\\x7f\n"},
    {"550 x\nFinal-Recipient: rfc822; forged@example.org", REPORT_FAILED,
	"smtp; 550 x\\x0aFinal-Recipient: rfc822; forged@example.org\n"},
};

START_TEST(a_reply_becomes_status_and_diagnosis)
{
	add("joe@example.org", replies[_i].action, replies[_i].reply);
	compose();
	HAS(replies[_i].want);
	ck_assert_uint_eq(count("\nFinal-Recipient:"), 1);
}
END_TEST

static const struct {
	const char *relay;
	const char *want;
} relays[] = {
    {"127.0.0.1:25", "Remote-MTA: dns; [127.0.0.1]\n"},
    {"[::1]:2525", "Remote-MTA: dns; [IPv6:::1]\n"},
    {"localhost:25", "Remote-MTA: dns; localhost\n"},
    {"", "Remote-MTA: dns; \n"},
};

START_TEST(the_relay_is_named_as_the_rfc_wants_it)
{
	report.relay = relays[_i].relay;
	add("joe@example.org", REPORT_FAILED, "550 5.1.1 no");
	compose();
	HAS(relays[_i].want);
}
END_TEST

START_TEST(no_line_of_ours_is_too_long)
{
	char words[513];
	size_t column = 0;

	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	memcpy(words, "550 5.1.1 ", 10);
	memset(words + 200, '\xff', 300);
	add("joe@example.org", REPORT_FAILED, words);
	compose();
	for (size_t i = 0; i < got.len; i++) {
		column = got.data[i] == '\n' ? 0 : column + 1;
		ck_assert_uint_le(column, 998);
	}
	HAS("\\xff");
}
END_TEST

START_TEST(of_many_recipients_less_is_said)
{
	char address[32];
	char words[513];

	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	memcpy(words, "550 5.1.1 ", 10);
	for (int i = 0; i < 1000; i++) {
		snprintf(address, sizeof(address), "u%d@example.org", i);
		add(address, REPORT_FAILED, words);
	}
	compose();
	ck_assert_uint_eq(count("\nFinal-Recipient: "), 1000);
	ck_assert_uint_eq(count("said: "), 100);
	HAS("\n... and 900 more\n");
	ck_assert_uint_lt(got.len, 512 * 1024);
}
END_TEST

/* ---- what is brought back ------------------------------------------ */

START_TEST(the_body_comes_back_only_if_it_was_asked_for)
{
	add("joe@example.org", REPORT_FAILED, "550 5.1.1 no");
	compose();
	HAS_NOT("\nbody\n");
	envelope.ret = RET_HDRS;
	compose();
	HAS_NOT("\nbody\n");
	envelope.ret = RET_FULL;
	compose();
	HAS("Content-Type: message/rfc822\n\nSubject: lunch\n"
	    "Message-ID: <1@site.test>\n\nbody\n\n--=_");
}
END_TEST

START_TEST(of_a_long_message_only_the_header_comes_back)
{
	static const char sorry[] = "The message is too long to be returned";
	struct buf text = BUF_INIT;

	buf_add_str(&text, "Subject: long\n\n");
	while (text.len <= REPORT_MESSAGE_MAX)
		buf_add_str(&text, "line\n");
	add("joe@example.org", REPORT_FAILED, "550 5.1.1 no");
	envelope.ret = RET_FULL;
	set_text(text.data, text.len);
	compose();
	HAS(sorry);
	HAS("text/rfc822-headers\n\nSubject: long\n\n--=_");
	/* The same of one whose beginning only is known. */
	TEXT("Subject: lunch\n\nbody\n");
	report.is_whole = false;
	compose();
	HAS(sorry);
	HAS_NOT("\nbody\n");
	buf_release(&text);
}
END_TEST

START_TEST(a_huge_header_is_cut_at_the_end_of_a_line)
{
	struct buf text = BUF_INIT;

	for (int i = 0; i < 10000; i++)
		buf_add_format(&text, "X-Field-%d: words\n", i);
	add("joe@example.org", REPORT_FAILED, "550 5.1.1 no");
	set_text(text.data, text.len);
	compose();
	ck_assert_uint_lt(got.len, REPORT_HEADER_MAX + 4096);
	HAS("\nX-Field-1000: words\n");
	HAS(": words\n\n--=_");
	buf_release(&text);
}
END_TEST

START_TEST(a_header_of_one_endless_line_is_cut)
{
	struct buf text = BUF_INIT;

	while (text.len < 100000)
		buf_add_str(&text, "endless");
	add("joe@example.org", REPORT_FAILED, "550 5.1.1 no");
	set_text(text.data, text.len);
	compose();
	ck_assert_uint_lt(got.len, REPORT_HEADER_MAX + 4096);
	ck_assert_uint_eq(
	    count("\n--=_FN7C2Q8X1O.1700003600000.0"), 4); /* 3 parts, end */
	buf_release(&text);
}
END_TEST

/* What a hostile site may write into its spool. */
static const struct {
	const char *text;
	size_t len;
	const char *want;
} hostile[] = {
#define ROW(text, want)                                                        \
	{                                                                      \
		text, sizeof(text) - 1, want                                   \
	}
    ROW("", "rfc822-headers\n\n\n\n--=_"),
    ROW("\n\nbody", "rfc822-headers\n\n\n\n--=_"),
    ROW("Subject: a\rb\r\r\nX: \r\n\r\nbody", "\nSubject: a b\nX: \n"),
    ROW("Subject: a\0b\nX: y\n\n", "\nSubject: a?b\nX: y\n"),
    ROW("no header at all", "\nno header at all\n"),
    /* A boundary that somebody guessed is not taken. */
    ROW("X: --=_FN7C2Q8X1O.1700003600000.0--\n",
	"boundary=\"=_FN7C2Q8X1O.1700003600000.1\""),
    ROW("--=_FN7C2Q8X1O.1700003600000.0--\n\n",
	"boundary=\"=_FN7C2Q8X1O.1700003600000.1\""),
    ROW("Message-ID: <a b@c>\n\n", "report@mx.example.org>\nAuto-Submitted"),
    ROW("Message-ID: <a>\n Bcc: x\n\n",
	"report@mx.example.org>\nAuto-Submitted"),
    ROW("Message-ID: <>\n\n", "report@mx.example.org>\nAuto-Submitted"),
    ROW("message-id:\t<a@b>\n\n", "\nIn-Reply-To: <a@b>\n"),
};

START_TEST(a_hostile_text_does_no_harm)
{
	add("joe@example.org", REPORT_FAILED, "550 5.1.1 no");
	set_text(hostile[_i].text, hostile[_i].len);
	compose();
	HAS(hostile[_i].want);
}
END_TEST

/* ---- beyond ASCII --------------------------------------------------- */

START_TEST(a_report_in_ascii_says_so)
{
	add("joe@example.org", REPORT_FAILED, "550 5.1.1 no");
	compose();
	ck_assert(!report_is_utf8(&report));
	HAS_NOT("8bit");
}
END_TEST

START_TEST(a_header_of_8_bits_makes_the_report_one)
{
	add("joe@example.org", REPORT_FAILED, "550 5.1.1 caf\xc3\xa9");
	TEXT("Subject: caf\xe9\n\nbody\n");
	compose();
	ck_assert(!report_is_utf8(&report));
	/* Of the whole, and of that part. */
	ck_assert_uint_eq(count("Content-Transfer-Encoding: 8bit\n"), 2);
	HAS("Content-Type: text/rfc822-headers\n"
	    "Content-Transfer-Encoding: 8bit\n\nSubject: caf\xe9\n");
	HAS("smtp; 550 5.1.1 caf\\xc3\\xa9\n");
}
END_TEST

START_TEST(an_address_in_utf8_makes_the_report_global)
{
	add("jos\xc3\xa9@example.org", REPORT_FAILED, "550 5.1.1 \xc3\xa9\xff");
	compose();
	ck_assert(report_is_utf8(&report));
	HAS("Content-Type: text/plain; charset=utf-8\n");
	HAS("Content-Type: message/global-delivery-status\n");
	HAS("Content-Type: message/global-headers\n");
	HAS("\nFinal-Recipient: utf-8; jos\xc3\xa9@example.org\n");
	HAS("smtp; 550 5.1.1 \xc3\xa9\\xff\n");
}
END_TEST

START_TEST(so_does_who_asks_for_smtputf8)
{
	add("joe@example.org", REPORT_FAILED, "550 5.1.1 no");
	envelope.is_smtputf8 = true;
	envelope.ret = RET_FULL;
	compose();
	ck_assert(report_is_utf8(&report));
	HAS("Content-Type: message/global\n");
}
END_TEST

START_TEST(an_address_that_is_no_utf8_is_written_out)
{
	add("jos\xe9@example.org", REPORT_FAILED, "550 5.1.1 no");
	compose();
	HAS("\nFinal-Recipient: utf-8; jos\\xe9@example.org\n");
}
END_TEST

Suite *
report_suite(void)
{
	Suite *s = suite_create("report");
	TCase *tc = tcase_create("report");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_failure_is_reported_in_three_parts);
	tcase_add_test(tc, what_the_sender_said_is_repeated);
	tcase_add_test(tc, each_recipient_has_its_own_group);
	tcase_add_test(tc, a_delay_is_not_called_a_failure);
	tcase_add_loop_test(tc, a_reply_becomes_status_and_diagnosis, 0,
	    (int)ARRAY_LEN(replies));
	tcase_add_loop_test(tc, the_relay_is_named_as_the_rfc_wants_it, 0,
	    (int)ARRAY_LEN(relays));
	tcase_add_test(tc, no_line_of_ours_is_too_long);
	tcase_add_test(tc, of_many_recipients_less_is_said);
	tcase_add_test(tc, the_body_comes_back_only_if_it_was_asked_for);
	tcase_add_test(tc, of_a_long_message_only_the_header_comes_back);
	tcase_add_test(tc, a_huge_header_is_cut_at_the_end_of_a_line);
	tcase_add_test(tc, a_header_of_one_endless_line_is_cut);
	tcase_add_loop_test(
	    tc, a_hostile_text_does_no_harm, 0, (int)ARRAY_LEN(hostile));
	tcase_add_test(tc, a_report_in_ascii_says_so);
	tcase_add_test(tc, a_header_of_8_bits_makes_the_report_one);
	tcase_add_test(tc, an_address_in_utf8_makes_the_report_global);
	tcase_add_test(tc, so_does_who_asks_for_smtputf8);
	tcase_add_test(tc, an_address_that_is_no_utf8_is_written_out);
	suite_add_tcase(s, tc);
	return s;
}
