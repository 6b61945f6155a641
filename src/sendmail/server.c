/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/alloc.h"
#include "mail/address.h"
#include "mail/parameter.h"
#include "sendmail/server.h"

enum {
	/* RFC 5321 has 512 bytes, parameters and long addresses need more. */
	LINE_LEN_MAX = 4096,
	/* A program that says nothing but nonsense is not going to stop. */
	ERRORS_MAX = 100,
	WHY_SHOWN_MAX = 400,
};

/* Where in the text the next byte stands. */
enum text_place {
	TEXT_LINE_START,
	TEXT_BEHIND_DOT,    /* which begins a line */
	TEXT_BEHIND_DOT_CR, /* as above */
	TEXT_IN_LINE,
};

struct server {
	char *host;
	struct server_limits limits;
	struct buf out;
	struct buf line; /* a command, until its end comes */
	bool is_line_too_long;
	unsigned int errors;
	bool is_over;

	bool has_sender; /* a transaction is open */
	struct envelope envelope;

	bool is_in_text;
	bool has_message; /* it waits for a verdict */
	bool is_unix;	  /* DATA ended in a bare LF */
	enum text_place place;
	char last;	     /* byte of the text */
	uint64_t text_bytes; /* of which text has all or none */
	struct buf text;
};

/* ---- replies ------------------------------------------------------- */

static void reply(struct server *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
reply(struct server *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_add_vformat(&s->out, fmt, ap);
	va_end(ap);
	buf_add_str(&s->out, "\r\n");
}

/* Say what is wrong; after too much of it, that it is over. */
static void
complain(struct server *s, const char *words)
{
	reply(s, "%s", words);
	if (++s->errors < ERRORS_MAX)
		return;
	reply(s, "421 4.7.0 %s Too many errors", s->host);
	s->is_over = true;
}

static void
reset(struct server *s)
{
	envelope_release(&s->envelope);
	envelope_init(&s->envelope);
	buf_release(&s->text);
	s->text_bytes = 0;
	s->has_sender = false;
	s->has_message = false;
}

/* ---- paths and parameters ------------------------------------------ */

/* What is left of a command line. */
struct rest {
	const char *at;
	size_t len;
};

static void
skip(struct rest *r, size_t len)
{
	r->at += len;
	r->len -= len;
}

static void
skip_blanks(struct rest *r)
{
	while (r->len > 0 && (*r->at == ' ' || *r->at == '\t'))
		skip(r, 1);
}

/* Cut the next word off; empty at the end. */
static struct rest
cut_word(struct rest *r)
{
	struct rest word;

	skip_blanks(r);
	word = (struct rest){r->at, 0};
	while (word.len < r->len && !strchr(" \t", r->at[word.len]))
		word.len++;
	skip(r, word.len);
	return word;
}

static bool
is_word(struct rest word, const char *text)
{
	return word.len == strlen(text) &&
	       strncasecmp(word.at, text, word.len) == 0;
}

/* Where the angle bracket that ends a path is: quotes may hold one. */
static size_t
find_end_of_path(const struct rest *r)
{
	bool is_quoted = false;

	for (size_t i = 0; i < r->len; i++) {
		if (is_quoted && r->at[i] == '\\')
			i++;
		else if (r->at[i] == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && r->at[i] == '>')
			return i;
	}
	return r->len;
}

/* A source route is read and forgotten: RFC 5321 appendix C. */
static void
skip_route(struct rest *path)
{
	const char *colon;

	if (path->len == 0 || *path->at != '@')
		return;
	colon = memchr(path->at, ':', path->len);
	if (colon)
		skip(path, (size_t)(colon + 1 - path->at));
}

/* Cut "<path>" off, or a word where the brackets are missing. */
static int
cut_path(struct rest *r, struct rest *path)
{
	skip_blanks(r);
	if (r->len == 0)
		return -EINVAL;
	if (*r->at != '<') {
		*path = cut_word(r);
		return 0;
	}
	skip(r, 1);
	*path = (struct rest){r->at, find_end_of_path(r)};
	if (path->len == r->len)
		return -EINVAL;
	skip(r, path->len + 1);
	skip_route(path);
	return 0;
}

/* Cut the keyword and the value of a parameter; the value may be empty. */
static struct rest
cut_parameter(struct rest *r, struct rest *value)
{
	struct rest word = cut_word(r);
	const char *equals = memchr(word.at, '=', word.len);

	*value = (struct rest){word.at + word.len, 0};
	if (equals) {
		value->at = equals + 1;
		value->len = word.len - (size_t)(value->at - word.at);
		word.len = (size_t)(equals - word.at);
	}
	return word;
}

static const char bad_value[] = "501 5.5.4 Bad value of a parameter";
static const char unknown_parameter[] = "555 5.5.4 Unsupported parameter";
static const char too_large[] = "552 5.3.4 Message too large";

/* NULL, or what is wrong with the size that is going to be sent. */
static const char *
check_size(const struct server *s, struct rest value)
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
set_envid(struct envelope *e, struct rest value)
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
take_mail_parameter(struct server *s, struct rest key, struct rest value)
{
	struct envelope *e = &s->envelope;
	int rc = 0;

	if (is_word(key, "SIZE"))
		return check_size(s, value);
	if (is_word(key, "BODY"))
		rc = parameter_parse_body(value.at, value.len, &e->body);
	else if (is_word(key, "RET"))
		rc = parameter_parse_ret(value.at, value.len, &e->ret);
	else if (is_word(key, "ENVID"))
		rc = set_envid(e, value);
	else if (is_word(key, "SMTPUTF8"))
		e->is_smtputf8 = true;
	else if (!is_word(key, "AUTH")) /* RFC 4954: whoever trusts it may */
		return unknown_parameter;
	return rc < 0 ? bad_value : NULL;
}

static int
set_original(struct recipient *r, struct rest value)
{
	struct buf text = BUF_INIT;
	int rc = parameter_parse_original(value.at, value.len, &text);

	if (rc == 0)
		rc = recipient_set_original(r, text.data, text.len);
	buf_release(&text);
	return rc;
}

static const char *
take_rcpt_parameter(struct recipient *r, struct rest key, struct rest value)
{
	unsigned int notify = 0;
	int rc;

	if (is_word(key, "NOTIFY")) {
		rc = parameter_parse_notify(value.at, value.len, &notify);
		if (rc == 0)
			rc = recipient_set_notify(r, notify);
	} else if (is_word(key, "ORCPT")) {
		rc = set_original(r, value);
	} else {
		return unknown_parameter;
	}
	return rc < 0 ? bad_value : NULL;
}

/* ---- commands ------------------------------------------------------ */

static void
on_ehlo(struct server *s, struct rest args)
{
	(void)args;
	reset(s);
	reply(s, "250-%s", s->host);
	reply(s, "250-PIPELINING");
	reply(s, "250-SIZE %" PRIu64, s->limits.text_bytes_max);
	reply(s, "250-8BITMIME");
	reply(s, "250-SMTPUTF8");
	reply(s, "250 DSN");
}

static void
on_helo(struct server *s, struct rest args)
{
	(void)args;
	reset(s);
	reply(s, "250 %s", s->host);
}

/* True if args begin with the word and a colon, which are cut off. */
static bool
cut_prefix(struct rest *args, const char *word)
{
	const size_t len = strlen(word);

	skip_blanks(args);
	if (args->len < len || strncasecmp(args->at, word, len) != 0)
		return false;
	skip(args, len);
	skip_blanks(args);
	if (args->len == 0 || *args->at != ':')
		return false;
	skip(args, 1);
	return true;
}

static void
on_mail(struct server *s, struct rest args)
{
	const char *wrong = NULL;
	struct rest path;

	if (s->has_sender) {
		complain(s, "503 5.5.1 Nested MAIL command");
		return;
	}
	if (!cut_prefix(&args, "FROM") || cut_path(&args, &path) < 0) {
		complain(s, "501 5.5.4 Syntax: MAIL FROM:<address>");
		return;
	}
	if (path.len > 0 && !address_is_valid(path.at, path.len)) {
		complain(s, "501 5.1.7 Bad sender address syntax");
		return;
	}
	envelope_set_sender(&s->envelope, path.at, path.len);
	for (skip_blanks(&args); !wrong && args.len > 0; skip_blanks(&args)) {
		struct rest value;
		struct rest key = cut_parameter(&args, &value);

		wrong = take_mail_parameter(s, key, value);
	}
	if (wrong) {
		reset(s);
		complain(s, wrong);
		return;
	}
	s->has_sender = true;
	reply(s, "250 2.1.0 Ok");
}

/* Look at the parameters before the recipient is one. */
static const char *
take_recipient(struct server *s, struct rest path, struct rest args)
{
	struct recipient given = {0};
	struct recipient *r;
	const char *wrong = NULL;

	for (skip_blanks(&args); !wrong && args.len > 0; skip_blanks(&args)) {
		struct rest value;
		struct rest key = cut_parameter(&args, &value);

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
on_rcpt(struct server *s, struct rest args)
{
	const char *wrong;
	struct rest path;

	if (!s->has_sender) {
		complain(s, "503 5.5.1 Need MAIL command");
		return;
	}
	if (!cut_prefix(&args, "TO") || cut_path(&args, &path) < 0) {
		complain(s, "501 5.5.4 Syntax: RCPT TO:<address>");
		return;
	}
	if (!address_is_valid(path.at, path.len)) {
		complain(s, "501 5.1.3 Bad recipient address syntax");
		return;
	}
	if (s->envelope.recipient_count >= s->limits.recipients_max ||
	    s->envelope.recipient_count >= ENVELOPE_RECIPIENTS_MAX) {
		complain(s, "452 4.5.3 Too many recipients");
		return;
	}
	wrong = take_recipient(s, path, args);
	if (wrong)
		complain(s, wrong);
	else
		reply(s, "250 2.1.5 Ok");
}

static void
on_data(struct server *s, struct rest args)
{
	(void)args;
	if (!s->has_sender) {
		complain(s, "503 5.5.1 Need MAIL command");
		return;
	}
	if (s->envelope.recipient_count == 0) {
		complain(s, "554 5.5.1 No valid recipients");
		return;
	}
	s->is_in_text = true;
	s->place = TEXT_LINE_START;
	s->last = '\n';
	reply(s, "354 End data with <CR><LF>.<CR><LF>");
}

static void
on_rset(struct server *s, struct rest args)
{
	(void)args;
	reset(s);
	reply(s, "250 2.0.0 Ok");
}

static void
on_noop(struct server *s, struct rest args)
{
	(void)args;
	reply(s, "250 2.0.0 Ok");
}

static void
on_vrfy(struct server *s, struct rest args)
{
	(void)args;
	reply(s, "252 2.0.0 Cannot verify, but will take a message and try");
}

static void
on_help(struct server *s, struct rest args)
{
	(void)args;
	reply(s, "214 2.0.0 EHLO HELO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT");
}

static void
on_quit(struct server *s, struct rest args)
{
	(void)args;
	reply(s, "221 2.0.0 Bye");
	s->is_over = true;
}

static const struct {
	const char *name;
	void (*run)(struct server *s, struct rest args);
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

static void
run_command(struct server *s)
{
	struct rest args = {s->line.data, s->line.len};
	struct rest word;

	s->is_unix = args.len == 0 || args.at[args.len - 1] != '\r';
	while (args.len > 0 && args.at[args.len - 1] == '\r')
		args.len--;
	word = cut_word(&args);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (is_word(word, commands[i].name)) {
			commands[i].run(s, args);
			return;
		}
	}
	complain(s, "502 5.5.2 Command not recognized");
}

/* Take a command line, or what there is of one. */
static size_t
take_line(struct server *s, const char *data, size_t len)
{
	const char *lf = memchr(data, '\n', len);
	size_t used = lf ? (size_t)(lf - data) : len;

	if (s->line.len + used > LINE_LEN_MAX)
		s->is_line_too_long = true;
	else
		buf_add(&s->line, data, used);
	if (!lf)
		return used;
	if (s->is_line_too_long)
		complain(s, "500 5.5.6 Line too long");
	else
		run_command(s);
	s->is_line_too_long = false;
	buf_clear(&s->line);
	return used + 1;
}

/* ---- text ---------------------------------------------------------- */

static void
keep(struct server *s, const char *data, size_t len)
{
	if (len == 0)
		return;
	s->last = data[len - 1];
	s->text_bytes += len;
	if (s->text_bytes > s->limits.text_bytes_max)
		buf_release(&s->text);
	else
		buf_add(&s->text, data, len);
}

static void
end_text(struct server *s)
{
	s->is_in_text = false;
	s->has_message = true;
}

/* Within a line: up to its end, or all there is. */
static size_t
take_rest_of_line(struct server *s, const char *data, size_t len)
{
	const char *lf = memchr(data, '\n', len);
	const size_t before = lf ? (size_t)(lf - data) : len;

	keep(s, data, before);
	if (!lf)
		return len;
	if (s->is_unix || s->last == '\r')
		s->place = TEXT_LINE_START;
	keep(s, "\n", 1);
	return before + 1;
}

/* Take a piece of the text, at least a byte or a step. */
static size_t
take_text(struct server *s, const char *data, size_t len)
{
	const char c = *data;

	switch (s->place) {
	case TEXT_LINE_START:
		s->place = c == '.' ? TEXT_BEHIND_DOT : TEXT_IN_LINE;
		return c == '.';
	case TEXT_BEHIND_DOT:
		if (c == '\n' && s->is_unix) {
			end_text(s);
			return 1;
		}
		s->place = c == '\r' ? TEXT_BEHIND_DOT_CR : TEXT_IN_LINE;
		s->last = '.';
		return c == '\r';
	case TEXT_BEHIND_DOT_CR:
		if (c == '\n') {
			end_text(s);
			return 1;
		}
		s->place = TEXT_IN_LINE;
		keep(s, "\r", 1);
		return 0;
	case TEXT_IN_LINE:
	default:
		return take_rest_of_line(s, data, len);
	}
}

/* ---- the session --------------------------------------------------- */

static enum server_want
want(const struct server *s)
{
	return s->has_message ? SERVER_WANT_VERDICT
	       : s->is_over   ? SERVER_WANT_NOTHING
			      : SERVER_WANT_INPUT;
}

enum server_want
server_input(struct server *s, const char *data, size_t len, size_t *used)
{
	size_t at = 0;

	while (at < len && want(s) == SERVER_WANT_INPUT)
		at += s->is_in_text ? take_text(s, data + at, len - at)
				    : take_line(s, data + at, len - at);
	*used = at;
	return want(s);
}

struct buf *
server_output(struct server *s)
{
	return &s->out;
}

struct envelope *
server_envelope(struct server *s)
{
	return &s->envelope;
}

struct buf *
server_text(struct server *s)
{
	return &s->text;
}

uint64_t
server_forgotten_bytes(const struct server *s)
{
	return s->text_bytes > s->limits.text_bytes_max ? s->text_bytes : 0;
}

/* Symfony finds the id by these very words. */
void
server_accept(struct server *s, const char *queue_id)
{
	assert(server_forgotten_bytes(s) == 0);
	reset(s);
	reply(s, "250 Ok: queued as %s", queue_id);
}

void
server_refuse(struct server *s, int exit_code, const char *why)
{
	static const struct {
		int exit_code;
		const char *words;
	} table[] = {
	    {EX_USAGE, "554 5.5.0"},
	    {EX_DATAERR, "554 5.6.0"},
	    {EX_UNAVAILABLE, "550 5.7.1"},
	    {EX_NOPERM, "550 5.7.1"},
	    {EX_CANTCREAT, "452 4.3.1"},
	    {EX_IOERR, "451 4.3.0"},
	};
	const char *words = "451 4.3.5";
	struct buf line = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].exit_code == exit_code)
			words = table[i].words;
	if (server_forgotten_bytes(s) > 0)
		words = "552 5.3.4";
	reset(s);
	buf_add_format(&line, "%s %.*s", words, WHY_SHOWN_MAX, why);
	complain(s, line.data);
	buf_release(&line);
}

struct server *
server_new(const char *host, const struct server_limits *limits)
{
	struct server *s = alloc_zeroed(sizeof(*s));

	s->host = alloc_copy(host, strlen(host));
	s->limits = *limits;
	buf_init(&s->out);
	buf_init(&s->line);
	buf_init(&s->text);
	envelope_init(&s->envelope);
	reply(s, "220 %s ESMTP mini_sendmail", host);
	return s;
}

void
server_free(struct server *s)
{
	if (!s)
		return;
	envelope_release(&s->envelope);
	buf_release(&s->out);
	buf_release(&s->line);
	buf_release(&s->text);
	free(s->host);
	free(s);
}
