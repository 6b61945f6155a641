/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/log.h"
#include "sendmail/command_word.h"
#include "sendmail/option_table.h"

static int
refuse(char letter, const char *value, struct buf *why)
{
	buf_add_format(why, "option -%c", letter);
	log_escape(why, value, strlen(value), COMMAND_WORD_SHOWN_MAX);
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
	return command_word_set_sender(o, value, why);
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
	command_word_show(why, value);
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

static const struct option_rule rules[] = {
    {'A', OPTION_VALUE_SEPARABLE, NULL},
    {'B', OPTION_VALUE_SEPARABLE, on_body_type},
    {'C', OPTION_VALUE_SEPARABLE, on_refused},
    {'D', OPTION_VALUE_ATTACHED, on_refused},
    {'E', OPTION_VALUE_NONE, NULL},
    {'F', OPTION_VALUE_SEPARABLE, on_full_name},
    {'G', OPTION_VALUE_NONE, NULL},
    {'I', OPTION_VALUE_NONE, on_nothing},
    {'J', OPTION_VALUE_NONE, NULL},
    {'L', OPTION_VALUE_SEPARABLE, NULL},
    {'M', OPTION_VALUE_ATTACHED, on_refused},
    {'N', OPTION_VALUE_SEPARABLE, on_notify},
    {'O', OPTION_VALUE_SEPARABLE, on_long_setting},
    {'R', OPTION_VALUE_SEPARABLE, on_ret},
    {'T', OPTION_VALUE_ATTACHED, NULL},
    {'U', OPTION_VALUE_NONE, NULL},
    {'V', OPTION_VALUE_SEPARABLE, on_envid},
    {'X', OPTION_VALUE_SEPARABLE, on_refused},
    {'b', OPTION_VALUE_SEPARABLE, on_mode},
    {'c', OPTION_VALUE_NONE, NULL},
    {'d', OPTION_VALUE_ATTACHED, on_refused},
    {'e', OPTION_VALUE_SEPARABLE, NULL},
    {'f', OPTION_VALUE_SEPARABLE, on_sender},
    {'h', OPTION_VALUE_SEPARABLE, NULL},
    {'i', OPTION_VALUE_NONE, on_flag},
    {'m', OPTION_VALUE_NONE, NULL},
    {'n', OPTION_VALUE_NONE, NULL},
    {'o', OPTION_VALUE_SEPARABLE, on_setting},
    {'p', OPTION_VALUE_SEPARABLE, NULL},
    {'q', OPTION_VALUE_ATTACHED, on_nothing},
    {'r', OPTION_VALUE_SEPARABLE, on_sender},
    {'s', OPTION_VALUE_ATTACHED, NULL},
    {'t', OPTION_VALUE_NONE, on_flag},
    {'v', OPTION_VALUE_NONE, on_flag},
    {'x', OPTION_VALUE_NONE, NULL},
};

const struct option_rule *
option_table_find(char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (rules[i].letter == letter)
			return &rules[i];
	}
	return NULL;
}
