/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mail/address.h"
#include "mail/parameter.h"
#include "sendmail/args.h"
#include "sendmail/server_internal.h"

/* ---- parameters ---------------------------------------------------- */

static const char bad_value[] = "501 5.5.4 Bad value of a parameter";
static const char unknown_parameter[] = "555 5.5.4 Unsupported parameter";
static const char too_large[] = "552 5.3.4 Message too large";

/* NULL, or what is wrong with the size that is going to be sent. */
static const char *
check_size(const struct server *s, struct args value)
{
	char digits[21];
	char *end;
	uint64_t size;

	if (value.len == 0 || value.len >= sizeof(digits))
		return bad_value;
	memcpy(digits, value.at, value.len);
	digits[value.len] = '\0';
	if (strspn(digits, "0123456789") != value.len)
		return bad_value;
	errno = 0;
	size = strtoull(digits, &end, 10);
	return errno || size > s->limits.text_bytes_max ? too_large : NULL;
}

static int
set_envid(struct envelope *e, struct args value)
{
	struct buf text = BUF_INIT;
	int rc = parameter_parse_envid(value.at, value.len, &text);

	if (rc == 0)
		rc = envelope_set_envid(e, text.data, text.len);
	buf_release(&text);
	return rc;
}

/* NULL, or the reply that refuses. */
static const char *
take_mail_parameter(struct server *s, struct args key, struct args value)
{
	struct envelope *e = &s->envelope;
	int rc = 0;

	if (args_is_word(key, "SIZE"))
		return check_size(s, value);
	if (args_is_word(key, "BODY"))
		rc = parameter_parse_body(value.at, value.len, &e->body);
	else if (args_is_word(key, "RET"))
		rc = parameter_parse_ret(value.at, value.len, &e->ret);
	else if (args_is_word(key, "ENVID"))
		rc = set_envid(e, value);
	else if (args_is_word(key, "SMTPUTF8"))
		e->is_smtputf8 = true;
	else if (!args_is_word(
		     key, "AUTH")) /* RFC 4954: whoever trusts it may */
		return unknown_parameter;
	return rc < 0 ? bad_value : NULL;
}

static int
set_original(struct recipient *r, struct args value)
{
	struct buf text = BUF_INIT;
	int rc = parameter_parse_original(value.at, value.len, &text);

	if (rc == 0)
		rc = recipient_set_original(r, text.data, text.len);
	buf_release(&text);
	return rc;
}

static const char *
take_rcpt_parameter(struct recipient *r, struct args key, struct args value)
{
	unsigned int notify = 0;
	int rc;

	if (args_is_word(key, "NOTIFY")) {
		rc = parameter_parse_notify(value.at, value.len, &notify);
		if (rc == 0)
			rc = recipient_set_notify(r, notify);
	} else if (args_is_word(key, "ORCPT")) {
		rc = set_original(r, value);
	} else {
		return unknown_parameter;
	}
	return rc < 0 ? bad_value : NULL;
}

/* ---- commands ------------------------------------------------------ */

static void
on_ehlo(struct server *s, struct args args)
{
	(void)args;
	server_reset(s);
	server_reply(s, "250-%s", s->host);
	server_reply(s, "250-PIPELINING");
	server_reply(s, "250-SIZE %" PRIu64, s->limits.text_bytes_max);
	server_reply(s, "250-8BITMIME");
	server_reply(s, "250-SMTPUTF8");
	server_reply(s, "250 DSN");
}

static void
on_helo(struct server *s, struct args args)
{
	(void)args;
	server_reset(s);
	server_reply(s, "250 %s", s->host);
}

static void
on_mail(struct server *s, struct args args)
{
	const char *wrong = NULL;
	struct args path;

	if (s->has_sender) {
		server_complain(s, "503 5.5.1 Nested MAIL command");
		return;
	}
	if (!args_cut_prefix(&args, "FROM") ||
	    args_cut_path(&args, &path) < 0) {
		server_complain(s, "501 5.5.4 Syntax: MAIL FROM:<address>");
		return;
	}
	if (path.len > 0 && !address_is_valid(path.at, path.len)) {
		server_complain(s, "501 5.1.7 Bad sender address syntax");
		return;
	}
	envelope_set_sender(&s->envelope, path.at, path.len);
	for (args_skip_blanks(&args); !wrong && args.len > 0;
	     args_skip_blanks(&args)) {
		struct args value;
		struct args key = args_cut_parameter(&args, &value);

		wrong = take_mail_parameter(s, key, value);
	}
	if (wrong) {
		server_reset(s);
		server_complain(s, wrong);
		return;
	}
	s->has_sender = true;
	server_reply(s, "250 2.1.0 Ok");
}

/* Look at the parameters before the recipient is one. */
static const char *
take_recipient(struct server *s, struct args path, struct args args)
{
	struct recipient given = {0};
	struct recipient *r;
	const char *wrong = NULL;

	for (args_skip_blanks(&args); !wrong && args.len > 0;
	     args_skip_blanks(&args)) {
		struct args value;
		struct args key = args_cut_parameter(&args, &value);

		wrong = take_rcpt_parameter(&given, key, value);
	}
	if (!wrong) {
		r = envelope_add_recipient(&s->envelope, path.at, path.len);
		r->notify = given.notify;
		free(r->original);
		r->original = given.original;
	} else {
		free(given.original);
	}
	return wrong;
}

static void
on_rcpt(struct server *s, struct args args)
{
	const char *wrong;
	struct args path;

	if (!s->has_sender) {
		server_complain(s, "503 5.5.1 Need MAIL command");
		return;
	}
	if (!args_cut_prefix(&args, "TO") || args_cut_path(&args, &path) < 0) {
		server_complain(s, "501 5.5.4 Syntax: RCPT TO:<address>");
		return;
	}
	if (!address_is_valid(path.at, path.len)) {
		server_complain(s, "501 5.1.3 Bad recipient address syntax");
		return;
	}
	if (s->envelope.recipient_count >= s->limits.recipients_max ||
	    s->envelope.recipient_count >= ENVELOPE_RECIPIENTS_MAX) {
		server_complain(s, "452 4.5.3 Too many recipients");
		return;
	}
	wrong = take_recipient(s, path, args);
	if (wrong)
		server_complain(s, wrong);
	else
		server_reply(s, "250 2.1.5 Ok");
}

static void
on_data(struct server *s, struct args args)
{
	(void)args;
	if (!s->has_sender) {
		server_complain(s, "503 5.5.1 Need MAIL command");
		return;
	}
	if (s->envelope.recipient_count == 0) {
		server_complain(s, "554 5.5.1 No valid recipients");
		return;
	}
	server_begin_text(s);
	server_reply(s, "354 End data with <CR><LF>.<CR><LF>");
}

static void
on_rset(struct server *s, struct args args)
{
	(void)args;
	server_reset(s);
	server_reply(s, "250 2.0.0 Ok");
}

static void
on_noop(struct server *s, struct args args)
{
	(void)args;
	server_reply(s, "250 2.0.0 Ok");
}

static void
on_vrfy(struct server *s, struct args args)
{
	(void)args;
	server_reply(
	    s, "252 2.0.0 Cannot verify, but will take a message and try");
}

static void
on_help(struct server *s, struct args args)
{
	(void)args;
	server_reply(
	    s, "214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT");
}

static void
on_quit(struct server *s, struct args args)
{
	(void)args;
	server_reply(s, "221 2.0.0 Bye");
	s->is_over = true;
}

static const struct {
	const char *name;
	void (*run)(struct server *s, struct args args);
} commands[] = {
    {"EHLO", on_ehlo},
    {"HELO", on_helo},
    {"MAIL", on_mail},
    {"RCPT", on_rcpt},
    {"DATA", on_data},
    {"RSET", on_rset},
    {"NOOP", on_noop},
    {"VRFY", on_vrfy},
    {"HELP", on_help},
    {"QUIT", on_quit},
};

void
server_run_command(struct server *s)
{
	struct args args = {s->line.data, s->line.len};
	struct args word;

	s->is_unix = args.len == 0 || args.at[args.len - 1] != '\r';
	while (args.len > 0 && args.at[args.len - 1] == '\r')
		args.len--;
	word = args_cut_word(&args);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (args_is_word(word, commands[i].name)) {
			commands[i].run(s, args);
			return;
		}
	}
	server_complain(s, "502 5.5.2 Command not recognized");
}
