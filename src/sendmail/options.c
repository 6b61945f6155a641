/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/log.h"
#include "mail/address.h"
#include "sendmail/options.h"

const char options_help[] =
    "usage: mini_sendmail [option ...] [address ...]\n"
    "Puts the message on standard input into the spool; see mini_sendmail(8).\n"
    "  -B type     the body is 7BIT or 8BITMIME\n"
    "  -bp         list the messages that wait; so does the name mailq\n"
    "  -bs         speak SMTP on standard input and output instead\n"
    "  -f address  envelope sender; '' or '<>' is the null sender\n"
    "  -F name     full name of the sender, for a From that is added\n"
    "  -i          a line of a single dot does not end the message\n"
    "  -N list     report on: never, or success,failure,delay\n"
    "  -O setting  SMTPUTF8=yes: tell the relay so (RFC 6531)\n"
    "  -R part     reports bring back: full or hdrs\n"
    "  -t          recipients also from To, Cc and Bcc\n"
    "  -V id       reports carry this envelope id\n"
    "  -v          say what became of the message\n"
    "Most other options of sendmail(8) are accepted and ignored.\n";

enum {
	WORD_SHOWN_MAX = 200, /* bytes of an argument in a message */
};

static void
add_word(struct buf *why, const char *word)
{
	buf_add_char(why, '"');
	log_escape(why, word, strlen(word), WORD_SHOWN_MAX);
	buf_add_char(why, '"');
}

/* ---- addresses ----------------------------------------------------------- */

/* The addresses of one argument. */
struct argument {
	struct envelope found;
	bool has_dash;
	bool is_full;
};

static void
add_found(void *context, const char *address, size_t len)
{
	struct argument *a = context;

	if (address[0] == '-')
		a->has_dash = true;
	if (a->found.recipient_count < ENVELOPE_RECIPIENTS_MAX)
		envelope_add_recipient(&a->found, address, len);
	else
		a->is_full = true;
}

/* Find the addresses in an argument; release a in any case. */
static int
parse_argument(struct argument *a, const char *text, struct buf *why)
{
	*a = (struct argument){0};
	envelope_init(&a->found);
	if (address_parse_list(text, strlen(text), add_found, a) == 0)
		return 0;
	buf_add_str(why, "malformed address ");
	add_word(why, text);
	return EX_DATAERR;
}

static bool
is_null_sender(const char *text)
{
	text += strspn(text, " \t");
	if (strncmp(text, "<>", 2) == 0)
		text += 2;
	return text[strspn(text, " \t")] == '\0';
}

static int
set_sender(struct options *o, const char *value, struct buf *why)
{
	struct argument a;
	int code = parse_argument(&a, value, why);
	const char *sender = "";

	if (code == 0 && a.found.recipient_count == 1) {
		sender = a.found.recipients[0].address;
	} else if (code == 0 && !is_null_sender(value)) {
		buf_add_str(why, "option -f takes one address, not ");
		add_word(why, value);
		code = EX_DATAERR;
	}
	if (code == 0 && (a.has_dash || value[0] == '-')) {
		buf_add_str(why, "option -f: begins with a dash: ");
		add_word(why, value);
		code = EX_USAGE;
	}
	if (code == 0) {
		envelope_set_sender(&o->envelope, sender, strlen(sender));
		o->has_sender = true;
	}
	envelope_release(&a.found);
	return code;
}

static int
add_recipients(
    struct options *o, const char *text, bool may_dash, struct buf *why)
{
	struct envelope *e = &o->envelope;
	struct argument a;
	int code = parse_argument(&a, text, why);

	if (code == 0 && a.has_dash && !may_dash) {
		buf_add_str(why, "address begins with a dash: ");
		add_word(why, text);
		code = EX_USAGE;
	}
	if (code == 0 &&
	    (a.is_full || a.found.recipient_count + e->recipient_count >
			      ENVELOPE_RECIPIENTS_MAX)) {
		buf_add_format(
		    why, "more than %d recipients", ENVELOPE_RECIPIENTS_MAX);
		code = EX_UNAVAILABLE;
	}
	for (size_t i = 0; code == 0 && i < a.found.recipient_count; i++) {
		const char *address = a.found.recipients[i].address;

		envelope_add_recipient(e, address, strlen(address));
	}
	envelope_release(&a.found);
	return code;
}

/* ---- what each option does ----------------------------------------------- */

static int
refuse(char letter, const char *value, struct buf *why)
{
	buf_add_format(why, "option -%c", letter);
	log_escape(why, value, strlen(value), WORD_SHOWN_MAX);
	buf_add_str(why, " is refused");
	return EX_USAGE;
}

static int
on_refused(struct options *o, char letter, const char *value, struct buf *why)
{
	(void)o;
	return refuse(letter, value, why);
}

static int
on_sender(struct options *o, char letter, const char *value, struct buf *why)
{
	(void)letter;
	return set_sender(o, value, why);
}

static int
on_full_name(struct options *o, char letter, const char *value, struct buf *why)
{
	(void)letter;
	(void)why;
	o->full_name = value;
	return 0;
}

static int
on_flag(struct options *o, char letter, const char *value, struct buf *why)
{
	(void)value;
	(void)why;
	if (letter == 'i')
		o->is_dot_literal = true;
	else if (letter == 't')
		o->is_recipients_from_header = true;
	else if (letter == 'v')
		o->is_verbose = true;
	return 0;
}

/* -I and -q: there are no aliases, and flushd notices new mail by itself. */
static int
on_nothing(struct options *o, char letter, const char *value, struct buf *why)
{
	(void)letter;
	(void)value;
	(void)why;
	o->mode = OPTIONS_NOTHING;
	return 0;
}

/* Say what the option takes instead of value. */
static int
refuse_value(char letter, const char *takes, const char *value, struct buf *why)
{
	buf_add_format(why, "option -%c takes %s, not ", letter, takes);
	add_word(why, value);
	return EX_USAGE;
}

static int
on_body_type(struct options *o, char letter, const char *value, struct buf *why)
{
	if (parameter_parse_body(value, strlen(value), &o->envelope.body) == 0)
		return 0;
	return refuse_value(letter, "7BIT or 8BITMIME", value, why);
}

static int
on_ret(struct options *o, char letter, const char *value, struct buf *why)
{
	if (parameter_parse_ret(value, strlen(value), &o->envelope.ret) == 0)
		return 0;
	return refuse_value(letter, "full or hdrs", value, why);
}

/* As postfix has it, blanks may stand beside the commas. */
static int
on_notify(struct options *o, char letter, const char *value, struct buf *why)
{
	struct buf words = BUF_INIT;
	int err;

	for (const char *p = value; *p; p++) {
		if (*p != ' ' && *p != '\t')
			buf_add_char(&words, *p);
	}
	err = parameter_parse_notify(words.data, words.len, &o->notify);
	buf_release(&words);
	if (err == 0)
		return 0;
	return refuse_value(letter,
	    "never, or success, failure and delay with commas", value, why);
}

/* As postfix has it, this is no xtext, but what that would mean. */
static int
on_envid(struct options *o, char letter, const char *value, struct buf *why)
{
	if (envelope_set_envid(&o->envelope, value, strlen(value)) == 0)
		return 0;
	return refuse_value(
	    letter, "up to 100 printable ASCII characters", value, why);
}

static int
on_mode(struct options *o, char letter, const char *value, struct buf *why)
{
	if (strcmp(value, "m") == 0) {
		o->mode = OPTIONS_SUBMIT;
		return 0;
	}
	if (strcmp(value, "i") == 0)
		return on_nothing(o, letter, value, why);
	if (strcmp(value, "s") == 0) {
		o->mode = OPTIONS_SERVE;
		return 0;
	}
	if (strcmp(value, "p") == 0) {
		o->mode = OPTIONS_LIST;
		return 0;
	}
	return refuse(letter, value, why);
}

static bool
is_true(const char *value)
{
	return value[0] == '\0' || strchr("1tTyY", value[0]);
}

/* Of sendmail's many settings only -oi matters, which -oifalse takes back. */
static int
on_setting(struct options *o, char letter, const char *value, struct buf *why)
{
	(void)letter;
	(void)why;
	if (value[0] == 'i')
		o->is_dot_literal = is_true(value + 1);
	return 0;
}

/* Of those with long names only SMTPUTF8 matters. */
static int
on_long_setting(
    struct options *o, char letter, const char *value, struct buf *why)
{
	static const char name[] = "SMTPUTF8=";

	(void)letter;
	(void)why;
	if (strncasecmp(value, name, sizeof(name) - 1) == 0)
		o->envelope.is_smtputf8 = is_true(value + sizeof(name) - 1);
	return 0;
}

enum value_kind {
	VALUE_NONE,	 /* a flag, may stand in a cluster */
	VALUE_ATTACHED,	 /* the rest of the word, which may be empty */
	VALUE_SEPARABLE, /* the rest of the word, or else the next word */
};

struct rule {
	char letter;
	enum value_kind value;
	/* 0 or an exit code; NULL: accepted and ignored. */
	int (*apply)(
	    struct options *o, char letter, const char *value, struct buf *why);
};

static const struct rule rules[] = {
    {'A', VALUE_SEPARABLE, NULL},
    {'B', VALUE_SEPARABLE, on_body_type},
    {'C', VALUE_SEPARABLE, on_refused},
    {'D', VALUE_ATTACHED, on_refused},
    {'E', VALUE_NONE, NULL},
    {'F', VALUE_SEPARABLE, on_full_name},
    {'G', VALUE_NONE, NULL},
    {'I', VALUE_NONE, on_nothing},
    {'J', VALUE_NONE, NULL},
    {'L', VALUE_SEPARABLE, NULL},
    {'M', VALUE_ATTACHED, on_refused},
    {'N', VALUE_SEPARABLE, on_notify},
    {'O', VALUE_SEPARABLE, on_long_setting},
    {'R', VALUE_SEPARABLE, on_ret},
    {'T', VALUE_ATTACHED, NULL},
    {'U', VALUE_NONE, NULL},
    {'V', VALUE_SEPARABLE, on_envid},
    {'X', VALUE_SEPARABLE, on_refused},
    {'b', VALUE_ATTACHED, on_mode},
    {'d', VALUE_ATTACHED, on_refused},
    {'e', VALUE_ATTACHED, NULL},
    {'f', VALUE_SEPARABLE, on_sender},
    {'h', VALUE_SEPARABLE, NULL},
    {'i', VALUE_NONE, on_flag},
    {'m', VALUE_NONE, NULL},
    {'n', VALUE_NONE, NULL},
    {'o', VALUE_ATTACHED, on_setting},
    {'p', VALUE_SEPARABLE, NULL},
    {'q', VALUE_ATTACHED, on_nothing},
    {'r', VALUE_SEPARABLE, on_sender},
    {'s', VALUE_ATTACHED, NULL},
    {'t', VALUE_NONE, on_flag},
    {'v', VALUE_NONE, on_flag},
    {'x', VALUE_NONE, NULL},
};

/* ---- the words ----------------------------------------------------------- */

static const struct rule *
find_rule(char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (rules[i].letter == letter)
			return &rules[i];
	}
	return NULL;
}

/* The words that are still to be read. */
struct words {
	char **next;
	char **end;
};

/* The value of an option that word goes on with; false: there is none. */
static bool
take_value(const struct rule *rule, const char *behind, struct words *rest,
    const char **value)
{
	*value = rule->value == VALUE_NONE ? "" : behind;
	if (rule->value != VALUE_SEPARABLE || *behind)
		return true;
	if (rest->next == rest->end)
		return false;
	*value = *rest->next++;
	return true;
}

/* Read a word of options, "-ti" or "-fjoe@example.org". */
static int
read_cluster(
    struct options *o, const char *word, struct words *rest, struct buf *why)
{
	const struct rule *rule;
	const char *value;
	const char *p = word;
	int code = 0;

	do {
		rule = find_rule(*++p);
		if (!rule) {
			buf_add_str(why, "unknown option ");
			add_word(why, word);
			return EX_USAGE;
		}
		if (!take_value(rule, p + 1, rest, &value)) {
			buf_add_format(why, "option -%c needs a value", *p);
			return EX_USAGE;
		}
		if (rule->apply)
			code = rule->apply(o, *p, value, why);
	} while (code == 0 && rule->value == VALUE_NONE && p[1]);
	return code;
}

static int
read_words(struct options *o, struct words *words, struct buf *why)
{
	bool is_behind_options = false;
	int code = 0;

	while (code == 0 && words->next < words->end) {
		const char *word = *words->next++;

		if (is_behind_options || word[0] != '-' || word[1] == '\0')
			code = add_recipients(o, word, is_behind_options, why);
		else if (strcmp(word, "--") == 0)
			is_behind_options = true;
		else
			code = read_cluster(o, word, words, why);
	}
	return code;
}

static bool
is_called(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, name) == 0;
}

/* The names that sendmail(8) is also called by. */
static void
read_program_name(struct options *o, const char *path)
{
	if (is_called(path, "mailq"))
		o->mode = OPTIONS_LIST;
	else if (is_called(path, "newaliases"))
		o->mode = OPTIONS_NOTHING;
}

/*
 * It has neither -t nor -i: it looks into the header if there are no addresses,
 * and dots are dots to it. PHPMailer's isQmail() calls it.
 */
static void
act_as_qmail_inject(struct options *o)
{
	o->is_dot_literal = true;
	if (o->envelope.recipient_count == 0)
		o->is_recipients_from_header = true;
}

int
options_parse(struct options *o, int argc, char **argv, struct buf *why)
{
	struct words words = {argv + 1, argv + argc};
	int code;

	*o = (struct options){.mode = OPTIONS_SUBMIT};
	envelope_init(&o->envelope);
	if (argc < 1)
		return 0;
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		o->mode = OPTIONS_VERSION;
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		o->mode = OPTIONS_HELP;
		return 0;
	}
	read_program_name(o, argv[0]);
	code = read_words(o, &words, why);
	/* Exit 0 must not be heard as "your message is safe". */
	if (code == 0 && o->mode != OPTIONS_SUBMIT &&
	    (o->is_recipients_from_header || o->envelope.recipient_count)) {
		buf_add_str(why,
		    o->mode == OPTIONS_SERVE
			? "-bs takes messages by SMTP, with neither -t nor "
			  "addresses"
			: "-bp, -q, -I and -bi take no message");
		code = EX_USAGE;
	}
	if (is_called(argv[0], "qmail-inject"))
		act_as_qmail_inject(o);
	return code;
}

void
options_release(struct options *o)
{
	envelope_release(&o->envelope);
}
