/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "jailsh/words.h"

struct parser {
	const char *text;
	size_t len;
	size_t at;
	struct words words;
	size_t used;	  /* of words.bytes */
	size_t word;	  /* where the word began, in the text ... */
	size_t word_used; /* ... and in words.bytes */
	bool is_in_word;
	bool is_plain; /* nothing in the word was quoted yet */
	struct words_refusal *why;
};

static int
refuse(struct parser *p, size_t at, const char *what)
{
	*p->why = (struct words_refusal){.what = what, .at = at};
	return -EINVAL;
}

/* ---- words that are none ------------------------------------------- */

/* Reserved, unless anything of them is quoted. */
static const char *const reserved[] = {"!", "case", "do", "done", "elif",
    "else", "esac", "fi", "for", "if", "then", "until", "while"};

/* What a shell does to itself; quoted, too. No program could. */
static const char *const own[] = {".", ":", "alias", "bg", "break", "cd",
    "chdir", "command", "continue", "eval", "exec", "exit", "export", "fg",
    "getopts", "hash", "jobs", "local", "read", "readonly", "return", "set",
    "shift", "times", "trap", "type", "ulimit", "umask", "unalias", "unset",
    "wait"};

static bool
is_one_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, list[i]) == 0)
			return true;
	return false;
}

static int
check_command(struct parser *p)
{
	const char *word = p->words.bytes + p->word_used;

	if (p->is_plain && is_one_of(word, reserved, ARRAY_LEN(reserved)))
		return refuse(p, p->word, "a reserved word");
	if (is_one_of(word, own, ARRAY_LEN(own)))
		return refuse(
		    p, p->word, "a command that only a shell can carry out");
	return 0;
}

/* ---- words --------------------------------------------------------- */

static void
begin_word(struct parser *p)
{
	if (p->is_in_word)
		return;
	p->is_in_word = true;
	p->is_plain = true;
	p->word = p->at;
	p->word_used = p->used;
}

/* There is room: a byte comes from one of the text at least. */
static void
add(struct parser *p, char c)
{
	p->words.bytes[p->used++] = c;
}

static int
end_word(struct parser *p)
{
	if (!p->is_in_word)
		return 0;
	p->is_in_word = false;
	add(p, '\0');
	if (strlen(p->words.bytes + p->word_used) + 1 < p->used - p->word_used)
		return refuse(p, p->word, "a word that holds a NUL");
	if (p->words.count == 0 && check_command(p) < 0)
		return -EINVAL;
	if (++p->words.count > WORDS_MAX)
		return refuse(p, p->word, "too many words");
	return 0;
}

/* ---- quotes -------------------------------------------------------- */

static int
take_single_quotes(struct parser *p)
{
	const size_t start = p->at;
	const char *text = p->text + start + 1;
	const char *end = memchr(text, '\'', p->len - start - 1);

	begin_word(p);
	p->is_plain = false;
	if (!end)
		return refuse(p, start, "a ' without its other");
	memcpy(p->words.bytes + p->used, text, (size_t)(end - text));
	p->used += (size_t)(end - text);
	p->at = (size_t)(end - p->text) + 1;
	return 0;
}

/* A backslash is one, but in front of these. */
static void
take_backslash_in_quotes(struct parser *p)
{
	const char next = p->at + 1 < p->len ? p->text[p->at + 1] : '\0';

	if (next == '\n') {
		p->at += 2;
		return;
	}
	if (next == '\0' || !strchr("$`\"\\", next)) {
		add(p, '\\');
		p->at++;
		return;
	}
	add(p, next);
	p->at += 2;
}

static int
take_double_quotes(struct parser *p)
{
	const size_t start = p->at;

	begin_word(p);
	p->is_plain = false;
	for (p->at++; p->at < p->len && p->text[p->at] != '"';) {
		const char c = p->text[p->at];

		if (c == '$' || c == '`')
			return refuse(
			    p, p->at, c == '$' ? "an unquoted $" : "a `");
		if (c == '\\') {
			take_backslash_in_quotes(p);
			continue;
		}
		add(p, c);
		p->at++;
	}
	if (p->at == p->len)
		return refuse(p, start, "a \" without its other");
	p->at++;
	return 0;
}

static int
take_backslash(struct parser *p)
{
	if (p->at + 1 == p->len)
		return refuse(p, p->at, "a \\ with nothing behind it");
	/* It and the end of its line are not there at all. */
	if (p->text[p->at + 1] != '\n') {
		begin_word(p);
		p->is_plain = false;
		add(p, p->text[p->at + 1]);
	}
	p->at += 2;
	return 0;
}

/* ---- bytes that stand for themselves, or for more ------------------ */

/* Commands end at the ends of lines; we have one command. */
static int
take_newline(struct parser *p)
{
	for (size_t i = p->at; i < p->len; i++)
		if (!strchr(" \t\n", p->text[i]) || p->text[i] == '\0')
			return refuse(p, p->at, "a second line");
	p->at = p->len;
	return end_word(p);
}

static bool
is_name(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const char c = s[i];
		const bool is_digit = c >= '0' && c <= '9';

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    c != '_' && !(is_digit && i > 0))
			return false;
	}
	return len > 0;
}

/* NAME=VALUE in front of a command sets a variable. */
static bool
is_assignment(const struct parser *p)
{
	return p->words.count == 0 && p->is_in_word && p->is_plain &&
	       is_name(p->words.bytes + p->word_used, p->used - p->word_used);
}

static const struct {
	char c;
	bool only_first; /* in a word */
	const char *what;
} specials[] = {
    {'|', false, "an unquoted |"},
    {'&', false, "an unquoted &"},
    {';', false, "an unquoted ;"},
    {'<', false, "an unquoted <"},
    {'>', false, "an unquoted >"},
    {'(', false, "an unquoted ("},
    {')', false, "an unquoted )"},
    {'{', false, "an unquoted {"},
    {'}', false, "an unquoted }"},
    {'$', false, "an unquoted $"},
    {'`', false, "an unquoted `"},
    {'*', false, "an unquoted *"},
    {'?', false, "an unquoted ?"},
    {'[', false, "an unquoted ["},
    {'#', true, "an unquoted #"},
    {'~', true, "an unquoted ~"},
    {'\0', false, "a NUL"},
};

static int
take_byte(struct parser *p)
{
	const char c = p->text[p->at];

	for (size_t i = 0; i < ARRAY_LEN(specials); i++)
		if (specials[i].c == c &&
		    !(specials[i].only_first && p->is_in_word))
			return refuse(p, p->at, specials[i].what);
	if (c == '=' && is_assignment(p))
		return refuse(p, p->word, "a variable that is set");
	begin_word(p);
	add(p, c);
	p->at++;
	return 0;
}

static int
take_next(struct parser *p)
{
	switch (p->text[p->at]) {
	case ' ':
	case '\t':
		p->at++;
		return end_word(p);
	case '\n':
		return take_newline(p);
	case '\'':
		return take_single_quotes(p);
	case '"':
		return take_double_quotes(p);
	case '\\':
		return take_backslash(p);
	default:
		return take_byte(p);
	}
}

/* ---- all of it ----------------------------------------------------- */

static void
fill_argv(struct words *w)
{
	char *word = w->bytes;

	w->argv = alloc_resize(NULL, w->count + 1, sizeof(*w->argv));
	for (size_t i = 0; i < w->count; i++) {
		w->argv[i] = word;
		word += strlen(word) + 1;
	}
	w->argv[w->count] = NULL;
}

int
words_parse(
    const char *text, size_t len, struct words *w, struct words_refusal *why)
{
	struct parser p = {.text = text, .len = len, .why = why};
	int rc = 0;

	if (len > WORDS_TEXT_MAX)
		return refuse(&p, WORDS_TEXT_MAX, "more than 131072 bytes");
	/* Each word has a NUL, and something of the text between it and the
	 * next. */
	p.words.bytes = alloc_zeroed(len + 1);
	while (p.at < len && rc == 0)
		rc = take_next(&p);
	if (rc == 0)
		rc = end_word(&p);
	if (rc < 0) {
		free(p.words.bytes);
		return rc;
	}
	fill_argv(&p.words);
	*w = p.words;
	return 0;
}

void
words_release(struct words *w)
{
	free(w->argv);
	free(w->bytes);
	*w = (struct words){0};
}
