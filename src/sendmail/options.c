/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <sysexits.h>

#include "sendmail/command_word.h"
#include "sendmail/option_table.h"
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

/* ---- the words ----------------------------------------------------------- */

/* The words that are still to be read. */
struct words {
	char **next;
	char **end;
};

/* The value of an option that word goes on with; false: there is none. */
static bool
take_value(const struct option_rule *rule, const char *behind,
    struct words *rest, const char **value)
{
	*value = rule->value == OPTION_VALUE_NONE ? "" : behind;
	if (rule->value != OPTION_VALUE_SEPARABLE || *behind)
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
	const struct option_rule *rule;
	const char *value;
	const char *p = word;
	int code = 0;

	do {
		rule = option_table_find(*++p);
		if (!rule) {
			buf_add_str(why, "unknown option ");
			command_word_show(why, word);
			return EX_USAGE;
		}
		if (!take_value(rule, p + 1, rest, &value)) {
			buf_add_format(why, "option -%c needs a value", *p);
			return EX_USAGE;
		}
		if (rule->apply)
			code = rule->apply(o, *p, value, why);
	} while (code == 0 && rule->value == OPTION_VALUE_NONE && p[1]);
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
			code = command_word_add_recipients(
			    o, word, is_behind_options, why);
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
