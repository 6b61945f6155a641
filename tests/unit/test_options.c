/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "sendmail/options.h"
#include "unit/suites.h"

enum { ARGV_MAX = 24 };

/* What options say, in short: "t i v f=<joe@x> F=Joe <rcpt> <rcpt>". */
static void
describe(const struct options *o, struct buf *b)
{
	static const char *const modes[] = {
	    "", "serve ", "list ", "nothing ", "version ", "help "};

	buf_add_str(b, modes[o->mode]);
	buf_add_str(b, o->is_recipients_from_header ? "t " : "");
	buf_add_str(b, o->is_dot_literal ? "i " : "");
	buf_add_str(b, o->is_verbose ? "v " : "");
	if (o->has_sender)
		buf_add_format(b, "f=<%s> ", o->envelope.sender);
	if (o->notify) {
		buf_add_str(b, "N=");
		parameter_add_notify(b, o->notify);
		buf_add_char(b, ' ');
	}
	if (o->envelope.ret)
		buf_add_format(
		    b, "R=%s ", parameter_ret_names[o->envelope.ret]);
	if (o->envelope.envid)
		buf_add_format(b, "V=%s ", o->envelope.envid);
	if (o->envelope.body)
		buf_add_format(
		    b, "B=%s ", parameter_body_names[o->envelope.body]);
	buf_add_str(b, o->envelope.is_smtputf8 ? "utf8 " : "");
	if (o->full_name)
		buf_add_format(b, "F=%s ", o->full_name);
	for (size_t i = 0; i < o->envelope.recipient_count; i++)
		buf_add_format(b, "<%s> ", o->envelope.recipients[i].address);
	if (b->len > 0)
		b->data[--b->len] = '\0';
}

/* Words that may be written to, as main() has them. */
static int
parse(const char *const *words, struct options *o, struct buf *why)
{
	static char storage[4096];
	char *argv[ARGV_MAX + 1];
	size_t used = 0;
	int argc = 0;

	for (; words[argc]; argc++) {
		size_t len = strlen(words[argc]) + 1;

		ck_assert_uint_le(used + len, sizeof(storage));
		argv[argc] = memcpy(storage + used, words[argc], len);
		used += len;
	}
	argv[argc] = NULL;
	return options_parse(o, argc, argv, why);
}

#define NAME "sendmail"

/* Command lines as those programs really call them, then each option. */
static const struct {
	const char *name;
	const char *argv[ARGV_MAX];
	const char *want;
} accepted[] = {
    {"php", {NAME, "-t", "-i"}, "t i"},
    {"wordpress", {NAME, "-t", "-i", "-fwww@x"}, "t i f=<www@x>"},
    {"phpmailer", {NAME, "-fa@x", "-i", "-t"}, "t i f=<a@x>"},
    {"symfony", {NAME, "-i", "-fa@x", "--", "b@y", "c@z"},
	"i f=<a@x> <b@y> <c@z>"},
    {"symfony_dots", {NAME, "-fa@x", "--", "b@y"}, "f=<a@x> <b@y>"},
    {"nodemailer", {NAME, "-i", "-f", "a@x", "b@y"}, "i f=<a@x> <b@y>"},
    {"mime_lite", {NAME, "-t", "-oi", "-oem"}, "t i"},
    {"git", {NAME, "-i", "b@y"}, "i <b@y>"},
    {"cron", {NAME, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"},
	"i B=8BITMIME F=CronDaemon <root>"},
    {"cronie",
	{NAME, "-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-f", "root"},
	"t i f=<root> F=CronDaemon"},
    {"mutt",
	{NAME, "-oem", "-oi", "-B8BITMIME", "-f", "a@x", "-N", "failure,delay",
	    "-R", "hdrs", "--", "b@y"},
	"i f=<a@x> N=FAILURE,DELAY R=HDRS B=8BITMIME <b@y>"},
    {"go_mail", {NAME, "-oi", "-t"}, "t i"},
    {"old_mini_sendmail", {NAME, "-t", "-fa@x", "-slocalhost", "-p25", "-T60"},
	"t f=<a@x>"},
    {"no_words", {NAME}, ""},
    {"cluster", {NAME, "-ti"}, "t i"},
    {"cluster_with_value", {NAME, "-tifa@x"}, "t i f=<a@x>"},
    {"cluster_with_separate_value", {NAME, "-tif", "a@x"}, "t i f=<a@x>"},
    {"oitrue", {NAME, "-oitrue"}, "i"},
    {"oifalse", {NAME, "-i", "-oifalse"}, ""},
    {"sender_by_r", {NAME, "-r", "a@x"}, "f=<a@x>"},
    {"last_sender_wins", {NAME, "-fa@x", "-r", "b@y", "-fc@z"}, "f=<c@z>"},
    {"sender_with_name", {NAME, "-f", "Joe <j@x>"}, "f=<j@x>"},
    {"sender_in_brackets", {NAME, "-f<j@x>"}, "f=<j@x>"},
    {"null_sender", {NAME, "-f", "<>"}, "f=<>"},
    {"empty_sender", {NAME, "-f", ""}, "f=<>"},
    {"blank_sender", {NAME, "-f", "  "}, "f=<>"},
    {"empty_full_name", {NAME, "-F", ""}, "F="},
    {"list_of_recipients", {NAME, "a@x, Joe <b@y>", "c@z"},
	"<a@x> <b@y> <c@z>"},
    {"recipient_twice", {NAME, "a@x", "a@x"}, "<a@x>"},
    {"recipient_before_option", {NAME, "a@x", "-i"}, "i <a@x>"},
    {"empty_recipient", {NAME, ""}, ""},
    {"dash_behind_dashes", {NAME, "--", "-a@x", "-t"}, "<-a@x> <-t>"},
    {"dashes_twice", {NAME, "--", "--"}, "<-->"},
    {"verbose", {NAME, "-v"}, "v"},
    {"submit_mode", {NAME, "-bm", "a@x"}, "<a@x>"},
    {"submit_after_flush", {NAME, "-q", "-bm", "a@x"}, "<a@x>"},
    {"smtp", {NAME, "-bs", "-i"}, "serve i"},
    {"flush", {NAME, "-q"}, "nothing"},
    {"flush_interval", {NAME, "-q15m"}, "nothing"},
    {"aliases", {NAME, "-bi"}, "nothing"},
    {"list", {NAME, "-bp"}, "list"},
    {"list_verbosely", {NAME, "-bp", "-v"}, "list v"},
    {"mailq", {"/usr/bin/mailq"}, "list"},
    {"mailq_without_a_path", {"mailq"}, "list"},
    {"mailq_of_a_client", {"mailq", "-Ac"}, "list"},
    {"mailq_that_submits", {"mailq", "-bm", "a@x"}, "<a@x>"},
    {"list_after_submit", {NAME, "-bm", "-bp"}, "list"},
    {"no_name_is_mailq", {"/mailq/"}, ""},
    {"longer_than_mailq", {"mailqueue"}, ""},
    {"qmail", {"/var/qmail/bin/qmail-inject", "-fjoe@x"}, "t i f=<joe@x>"},
    {"qmail_recipient", {"qmail-inject", "a@x"}, "i <a@x>"},
    {"aliases_by_I", {NAME, "-I"}, "nothing"},
    {"newaliases", {"/usr/bin/newaliases"}, "nothing"},
    {"body_type", {NAME, "-B", "7bit"}, "B=7BIT"},
    {"last_body_type_wins", {NAME, "-B7BIT", "-B8bitmime"}, "B=8BITMIME"},
    {"notify_never", {NAME, "-Nnever"}, "N=NEVER"},
    {"notify_all", {NAME, "-N", "SUCCESS, failure ,\tdelay"},
	"N=SUCCESS,FAILURE,DELAY"},
    {"last_notify_wins", {NAME, "-N", "delay", "-N", "never"}, "N=NEVER"},
    {"ret_full", {NAME, "-RFULL"}, "R=FULL"},
    {"last_ret_wins", {NAME, "-Rfull", "-R", "Hdrs"}, "R=HDRS"},
    {"envid", {NAME, "-V", "order 7+1=8"}, "V=order 7+1=8"},
    {"last_envid_wins", {NAME, "-Va", "-Vb"}, "V=b"},
    {"smtputf8", {NAME, "-O", "SMTPUTF8=yes"}, "utf8"},
    {"smtputf8_of_postfix", {NAME, "-Osmtputf8=yes"}, "utf8"},
    {"no_smtputf8", {NAME, "-OSMTPUTF8=yes", "-OSMTPUTF8=no"}, ""},
    {"other_setting", {NAME, "-O", "SMTPUTF8X=yes", "-OX=yes"}, ""},
    {"ignored_flags", {NAME, "-E", "-G", "-J", "-U", "-c", "-m", "-n", "-x"},
	""},
    {"ignored_attached",
	{NAME, "-Am", "-em", "-h9", "-Lx", "-odq", "-OX=1", "-px"}, ""},
    {"ignored_separate",
	{NAME, "-A", "m", "-h", "9", "-L", "x", "-O", "X=1", "-p", "x"}, ""},
    {"separate_values",
	{NAME, "-R", "full", "-V", "id", "-N", "never", "-B", "7BIT"},
	"N=NEVER R=FULL V=id B=7BIT"},
    {"separate_values_of_flags", {NAME, "-o", "i", "-e", "m", "-b", "s"},
	"serve i"},
    {"separate_setting_that_means_nothing", {NAME, "-o", "em", "a@x"}, "<a@x>"},
    {"value_like_an_option", {NAME, "-L", "-t"}, ""},
    {"version", {NAME, "--version"}, "version"},
    {"help", {NAME, "--help"}, "help"},
};

START_TEST(command_line_is_understood)
{
	struct buf why = BUF_INIT, got = BUF_INIT;
	struct options o;
	int code = parse(accepted[_i].argv, &o, &why);

	ck_assert_msg(code == 0, "%s: got %d (%s), want 0", accepted[_i].name,
	    code, why.data);
	ck_assert_uint_eq(why.len, 0);
	describe(&o, &got);
	ck_assert_msg(strcmp(got.data, accepted[_i].want) == 0,
	    "%s: got %s, want %s", accepted[_i].name, got.data,
	    accepted[_i].want);
	options_release(&o);
	buf_release(&got);
}
END_TEST

static const struct {
	const char *name;
	const char *argv[ARGV_MAX];
	int code;
	const char *why; /* a part of it */
} refused[] = {
    {"log_file", {NAME, "-X/tmp/x"}, EX_USAGE, "option -X"},
    {"log_file_separate", {NAME, "-X", "/tmp/x"}, EX_USAGE, "option -X"},
    {"log_file_in_cluster", {NAME, "-tX/tmp/x"}, EX_USAGE, "option -X"},
    {"configuration", {NAME, "-C", "/tmp/x"}, EX_USAGE, "option -C"},
    {"macro", {NAME, "-Mx"}, EX_USAGE, "option -M"},
    {"debug", {NAME, "-d0.1"}, EX_USAGE, "option -d"},
    {"debug_file", {NAME, "-D/tmp/x"}, EX_USAGE, "option -D"},
    {"daemon", {NAME, "-bd"}, EX_USAGE, "option -bd"},
    {"verify", {NAME, "-bv", "a@x"}, EX_USAGE, "option -bv"},

    {"unknown", {NAME, "-Z"}, EX_USAGE, "\"-Z\""},
    {"unknown_in_cluster", {NAME, "-tZ"}, EX_USAGE, "\"-tZ\""},
    {"unknown_long", {NAME, "--foo"}, EX_USAGE, "\"--foo\""},
    {"not_printable", {NAME, "-\033"}, EX_USAGE, "\\x1b"},
    {"version_and_more", {NAME, "--version", "-t"}, EX_USAGE, "--version"},
    {"help_and_more", {NAME, "-t", "--help"}, EX_USAGE, "--help"},
    {"missing_value", {NAME, "-t", "-f"}, EX_USAGE, "-f needs a value"},
    {"missing_setting", {NAME, "-t", "-o"}, EX_USAGE, "-o needs a value"},
    {"missing_mode", {NAME, "-t", "-b"}, EX_USAGE, "-b needs a value"},
    {"separate_mode", {NAME, "-b", "d"}, EX_USAGE, "option -bd"},
    {"separate_setting_and_recipient", {NAME, "-o", "a@x", "-bp", "b@x"},
	EX_USAGE, "no message"},
    {"body_type", {NAME, "-BX"}, EX_USAGE, "-B takes"},
    {"body_type_binary", {NAME, "-BBINARYMIME"}, EX_USAGE, "-B takes"},
    {"no_body_type", {NAME, "-B", ""}, EX_USAGE, "not \"\""},
    {"notify_unknown", {NAME, "-N", "succes"}, EX_USAGE,
	"-N takes never, or success, failure and delay with commas, not "
	"\"succes\""},
    {"notify_empty", {NAME, "-N", ""}, EX_USAGE, "-N takes"},
    {"notify_with_line_end", {NAME, "-N", "delay\r\nX"}, EX_USAGE,
	"\"delay\\x0d\\x0aX\""},
    {"notify_never_and_more", {NAME, "-N", "never,delay"}, EX_USAGE,
	"-N takes"},
    {"notify_missing", {NAME, "-N"}, EX_USAGE, "-N needs a value"},
    {"ret_unknown", {NAME, "-R", "body"}, EX_USAGE,
	"-R takes full or hdrs, not \"body\""},
    {"envid_empty", {NAME, "-V", ""}, EX_USAGE, "-V takes"},
    {"envid_with_line_end", {NAME, "-V", "a\r\nDATA"}, EX_USAGE,
	"\"a\\x0d\\x0aDATA\""},
    {"envid_beyond_ascii", {NAME, "-V", "\xc3\xa9"}, EX_USAGE, "-V takes"},
    {"envid_too_long",
	{NAME, "-V",
	    "12345678901234567890123456789012345678901234567890"
	    "123456789012345678901234567890123456789012345678901"},
	EX_USAGE, "-V takes"},
    {"two_senders", {NAME, "-f", "a@x, b@y"}, EX_DATAERR, "-f takes one"},
    {"sender_in_comment", {NAME, "-f", "(a@x)"}, EX_DATAERR, "-f takes one"},
    {"sender_with_line_end", {NAME, "-fa@x\nb"}, EX_DATAERR, "-f takes one"},
    {"sender_with_control", {NAME, "-fa\001@x"}, EX_DATAERR, "\\x01"},
    {"sender_like_an_option", {NAME, "-f", "-t"}, EX_USAGE, "dash"},
    {"sender_with_dash", {NAME, "-f", "<-X@x>"}, EX_USAGE, "dash"},
    {"recipient_with_control", {NAME, "a\001@x"}, EX_DATAERR, "malformed"},
    {"recipient_with_dash", {NAME, "a@x, -X@x"}, EX_USAGE, "dash"},
    {"dash_alone", {NAME, "-"}, EX_USAGE, "dash"},
    {"flush_and_recipient", {NAME, "-q", "a@x"}, EX_USAGE, "no message"},
    {"flush_and_t", {NAME, "-q", "-t"}, EX_USAGE, "no message"},
    {"list_and_recipient", {NAME, "-bp", "a@x"}, EX_USAGE, "no message"},
    {"list_and_t", {NAME, "-t", "-i", "-bp"}, EX_USAGE, "no message"},
    {"mailq_and_t", {"mailq", "-t"}, EX_USAGE, "no message"},
    {"smtp_and_recipient", {NAME, "-bs", "a@x"}, EX_USAGE, "by SMTP"},
    {"smtp_and_t", {NAME, "-t", "-i", "-bs"}, EX_USAGE, "by SMTP"},
};

START_TEST(command_line_is_refused)
{
	struct buf why = BUF_INIT;
	struct options o;
	int code = parse(refused[_i].argv, &o, &why);

	ck_assert_msg(code == refused[_i].code, "%s: got %d, want %d",
	    refused[_i].name, code, refused[_i].code);
	ck_assert_msg(strstr(why.data, refused[_i].why) != NULL,
	    "%s: got %s, want %s", refused[_i].name, why.data, refused[_i].why);
	ck_assert_ptr_null(strchr(why.data, '\n'));
	options_release(&o);
	buf_release(&why);
}
END_TEST

START_TEST(too_many_recipients_are_refused)
{
	char name[] = NAME;
	char *argv[] = {name, NULL, NULL};
	struct buf list = BUF_INIT, why = BUF_INIT;
	struct options o;

	for (int i = 0; i < ENVELOPE_RECIPIENTS_MAX; i++)
		buf_add_format(&list, "u%d,", i);
	argv[1] = list.data;
	ck_assert_int_eq(options_parse(&o, 2, argv, &why), 0);
	ck_assert_uint_eq(o.envelope.recipient_count, ENVELOPE_RECIPIENTS_MAX);
	options_release(&o);
	buf_add_str(&list, "more");
	argv[1] = list.data;
	ck_assert_int_eq(options_parse(&o, 2, argv, &why), EX_UNAVAILABLE);
	options_release(&o);
	buf_release(&list);
	buf_release(&why);
}
END_TEST

START_TEST(no_argv_is_no_crash)
{
	char *argv[] = {NULL};
	struct buf why = BUF_INIT;
	struct options o;

	ck_assert_int_eq(options_parse(&o, 0, argv, &why), 0);
	ck_assert_int_eq(o.mode, OPTIONS_SUBMIT);
	options_release(&o);
}
END_TEST

Suite *
options_suite(void)
{
	Suite *s = suite_create("options");
	TCase *t = tcase_create("options");

	tcase_add_loop_test(
	    t, command_line_is_understood, 0, ARRAY_LEN(accepted));
	tcase_add_loop_test(t, command_line_is_refused, 0, ARRAY_LEN(refused));
	tcase_add_test(t, too_many_recipients_are_refused);
	tcase_add_test(t, no_argv_is_no_crash);
	suite_add_tcase(s, t);
	return s;
}
