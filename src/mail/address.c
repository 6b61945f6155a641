/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "mail/address.h"
#include "mail/envelope.h"

/* RFC 5322 section 3.2.3; a byte of 128 and more is text (RFC 6532). */
static bool
is_special(char c)
{
	return c && strchr("()<>[]:;@\\,.\"", c);
}

/* What separates or joins words for postfix: the specials and UUCP's. */
static bool
is_operator(char c)
{
	return is_special(c) || c == '|' || c == '%' || c == '!';
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_control(char c)
{
	return (unsigned char)c < 32 || c == 127;
}

/* ---- validity ------------------------------------------------------------ */

enum place {
	IN_LOCAL,
	IN_QUOTES,
	BEHIND_JOINT, /* in the domain, whose words are joined by these */
	IN_DOMAIN,
	IN_LITERAL,
	BEHIND_LITERAL,
	NOWHERE
};

/* The operators that may stand in a domain. */
static bool
is_joint(char c)
{
	return strchr("@.:|%!", c);
}

/*
 * Where the byte behind c is, if c stands in place; NOWHERE: c cannot. A
 * literal is a word of its own, for else it reads as another address.
 */
static enum place
step(enum place place, char c)
{
	if (place != IN_QUOTES && (c == ' ' || strchr("<>,;()\\", c)))
		return NOWHERE;
	switch (place) {
	case IN_LOCAL:
		return c == '@'		 ? BEHIND_JOINT
		       : c == '"'	 ? IN_QUOTES
		       : strchr("[]", c) ? NOWHERE
					 : place;
	case IN_QUOTES:
		return c == '"' ? IN_LOCAL : place;
	case IN_LITERAL:
		return c == ']'		  ? BEHIND_LITERAL
		       : strchr("[\"", c) ? NOWHERE
					  : place;
	case BEHIND_JOINT:
	case IN_DOMAIN:
		if (c == '[' && place == BEHIND_JOINT)
			return IN_LITERAL;
		return is_joint(c)	   ? BEHIND_JOINT
		       : strchr("[]\"", c) ? NOWHERE
					   : IN_DOMAIN;
	case BEHIND_LITERAL:
		return is_joint(c) ? BEHIND_JOINT : NOWHERE;
	case NOWHERE:
	default:
		return NOWHERE;
	}
}

bool
address_is_valid(const char *address, size_t len)
{
	enum place place = IN_LOCAL;

	if (len == 0 || len > ENVELOPE_ADDRESS_MAX)
		return false;
	/* A relay would read it as a route to what follows the colon. */
	if (address[0] == '@' && memchr(address, ':', len))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (is_control(address[i]))
			return false;
		if (place == IN_QUOTES && address[i] == '\\') {
			if (++i == len || is_control(address[i]))
				return false;
			continue;
		}
		place = step(place, address[i]);
		if (place == NOWHERE)
			return false;
	}
	return place != IN_QUOTES && place != IN_LITERAL;
}

bool
address_is_utf8(const char *address, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)address[i] >= 128)
			return true;
	}
	return false;
}

/* ---- tokens -------------------------------------------------------------- */

enum token_type {
	TOKEN_END,
	TOKEN_ATOM,
	TOKEN_QUOTED,
	TOKEN_LITERAL,	/* [...] */
	TOKEN_OPERATOR, /* one byte */
	TOKEN_ANGLE,	/* <...>, see next_part() */
};

struct token {
	enum token_type type;
	const char *start;
	const char *end;
	const char *content; /* what stands within quotes or brackets, or all */
	const char *content_end;
};

static struct token
make_token(enum token_type type, const char *start, const char *end)
{
	return (struct token){type, start, end, start, end};
}

/* What runs from p up to close, or as far as it goes without one. */
static struct token
make_enclosed(enum token_type type, const char *p, const char *end, char close)
{
	struct token t = {.type = type, .start = p, .content = p + 1};

	for (p++; p < end && *p != close; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
	}
	t.content_end = p;
	t.end = p < end ? p + 1 : end;
	return t;
}

static const char *
skip_comment(const char *p, const char *end)
{
	size_t depth = 0;

	for (; p < end; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
	}
	return end;
}

static const char *
skip_atom(const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p == '\\') {
			if (p + 1 < end)
				p++;
		} else if (is_blank(*p) || is_operator(*p)) {
			break;
		}
	}
	return p;
}

/* The token at p, behind blanks and comments. */
static struct token
next_token(const char *p, const char *end)
{
	while (p < end && (is_blank(*p) || *p == '('))
		p = *p == '(' ? skip_comment(p, end) : p + 1;
	if (p == end)
		return make_token(TOKEN_END, end, end);
	if (*p == '"')
		return make_enclosed(TOKEN_QUOTED, p, end, '"');
	if (*p == '[')
		return make_enclosed(TOKEN_LITERAL, p, end, ']');
	if (*p != '\\' && is_operator(*p))
		return make_token(TOKEN_OPERATOR, p, p + 1);
	return make_token(TOKEN_ATOM, p, skip_atom(p, end));
}

static bool
is_op(const struct token *t, char c)
{
	return t->type == TOKEN_OPERATOR && *t->start == c;
}

static bool
is_word(const struct token *t)
{
	return t->type == TOKEN_ATOM || t->type == TOKEN_QUOTED ||
	       t->type == TOKEN_LITERAL;
}

/* The > that closes the < in front of p; NULL if another < comes first. */
static const char *
find_close(const char *p, const char *end)
{
	struct token t;

	while ((t = next_token(p, end)).type != TOKEN_END) {
		if (is_op(&t, '>'))
			return t.start;
		if (is_op(&t, '<'))
			return NULL;
		p = t.end;
	}
	return NULL;
}

/* As next_token(), but what stands between < and > is one token. */
static struct token
next_part(const char *p, const char *end)
{
	struct token t = next_token(p, end);
	const char *close = is_op(&t, '<') ? find_close(t.end, end) : NULL;

	if (!close)
		return t;
	return (struct token){TOKEN_ANGLE, t.start, close + 1, t.end, close};
}

/* ---- one address --------------------------------------------------------- */

/* An address without its quoting, as it grows from tokens. */
struct plain {
	char text[ENVELOPE_ADDRESS_MAX];
	size_t len;
	bool is_too_long;
	bool is_route; /* it began with an @: a : ends what is to be left out */
};

static void
plain_add(struct plain *a, char c)
{
	if (a->len < sizeof(a->text))
		a->text[a->len++] = c;
	else
		a->is_too_long = true;
}

/*
 * Add what stands in a token, without its quotes. A fold is not part of what
 * it folds (RFC 5322 section 2.2.3), blanks are not part of a literal (section
 * 3.4.1), and SMTP knows no tab.
 */
static void
plain_add_content(struct plain *a, const struct token *t)
{
	bool is_literal = t->type == TOKEN_LITERAL;

	for (const char *p = t->content; p < t->content_end; p++) {
		bool is_escaped = *p == '\\';

		if (is_escaped && ++p == t->content_end)
			return;
		if (!is_blank(*p))
			plain_add(a, *p);
		else if (is_escaped ||
			 (!is_literal && *p != '\n' && *p != '\r'))
			plain_add(a, ' ');
	}
}

static void
plain_add_operator(struct plain *a, char c)
{
	if (c == ':' && a->is_route) {
		a->len = 0;
		a->is_too_long = false;
		a->is_route = false;
		return;
	}
	if (a->len == 0)
		a->is_route = c == '@';
	plain_add(a, c);
}

static void
plain_add_token(struct plain *a, const struct token *t)
{
	if (t->type == TOKEN_OPERATOR) {
		plain_add_operator(a, *t->start);
		return;
	}
	if (t->type == TOKEN_LITERAL)
		plain_add(a, '[');
	plain_add_content(a, t);
	if (t->type == TOKEN_LITERAL)
		plain_add(a, ']');
}

/* True if a local part is not a dot-string (RFC 5321 section 4.1.2). */
static bool
needs_quotes(const char *local, size_t len)
{
	char before = '.';

	for (size_t i = 0; i < len; before = local[i++]) {
		if (local[i] == '.' ? before == '.'
				    : local[i] == ' ' || is_special(local[i]))
			return true;
	}
	return len > 0 && before == '.';
}

/* A list being read. One of these for all its addresses: they are large. */
struct list {
	address_found_fn *found;
	void *context;
	const char *last_semicolon; /* how far groups may reach; NULL: none */
	const char *words;  /* behind the last part that was understood */
	const char *colon;  /* the last one since then that ends no group */
	struct plain plain; /* the address in the making */
	char quoted[2 * ENVELOPE_ADDRESS_MAX + 2];
};

/* Report the address in the making, if there is one, and begin the next. */
static int
report(struct list *list)
{
	struct plain *a = &list->plain;
	char *out = list->quoted;
	const char *at = memrchr(a->text, '@', a->len);
	size_t local_len = at ? (size_t)(at - a->text) : a->len;
	bool is_quoted = needs_quotes(a->text, local_len);
	size_t len = 0;

	if (a->is_too_long)
		return -EINVAL;
	if (a->len == 0)
		return 0;
	if (is_quoted)
		out[len++] = '"';
	for (size_t i = 0; i < local_len; i++) {
		if (a->text[i] == '"' || a->text[i] == '\\')
			out[len++] = '\\';
		out[len++] = a->text[i];
	}
	if (is_quoted)
		out[len++] = '"';
	memcpy(out + len, a->text + local_len, a->len - local_len);
	len += a->len - local_len;
	a->len = 0;
	a->is_route = false;
	if (!address_is_valid(out, len))
		return -EINVAL;
	list->found(list->context, out, len);
	return 0;
}

/* ---- lists --------------------------------------------------------------- */

/*
 * What stands between separators without <>: each word that no operator joins
 * to the one before it is an address of its own.
 */
static int
parse_words(struct list *list, const char *p, const char *end)
{
	bool is_behind_word = false;
	struct token t;
	int err = 0;

	while (!err && (t = next_token(p, end)).type != TOKEN_END) {
		p = t.end;
		if (is_word(&t) && is_behind_word)
			err = report(list);
		plain_add_token(&list->plain, &t);
		is_behind_word = is_word(&t);
	}
	return err ? err : report(list);
}

/* What stands between < and >: one address. */
static int
parse_angle(struct list *list, const char *p, const char *end)
{
	struct token t;

	while ((t = next_token(p, end)).type != TOKEN_END) {
		plain_add_token(&list->plain, &t);
		p = t.end;
	}
	return report(list);
}

static const char *
find_last_semicolon(const char *p, const char *end)
{
	const char *last = NULL;
	struct token t;

	while ((t = next_part(p, end)).type != TOKEN_END) {
		if (is_op(&t, ';'))
			last = t.start;
		p = t.end;
	}
	return last;
}

/* True if t ends a name, which a group gives to what follows it. */
static bool
is_group_name_end(const struct list *list, const struct token *t)
{
	return is_op(t, ':') && list->last_semicolon &&
	       t->start < list->last_semicolon;
}

static bool
is_separator(const struct token *t)
{
	/* A > that closes nothing ends an address like a comma. */
	return t->type == TOKEN_END || is_op(t, ',') || is_op(t, ';') ||
	       is_op(t, '>');
}

/* Take a part of the list; what means nothing yet is words for a later one. */
static int
parse_part(struct list *list, const struct token *t)
{
	int err = 0;

	if (is_separator(t)) {
		err = parse_words(list, list->words, t->start);
	} else if (t->type == TOKEN_ANGLE) {
		/* Words in front are a name, which has no colon in it. */
		if (list->colon)
			err = parse_words(list, list->words, list->colon);
		if (!err)
			err = parse_angle(list, t->content, t->content_end);
	} else if (!is_group_name_end(list, t)) {
		if (is_op(t, ':'))
			list->colon = t->start;
		return 0;
	}
	list->words = t->end;
	list->colon = NULL;
	return err;
}

int
address_parse_list(
    const char *list, size_t len, address_found_fn *found, void *context)
{
	const char *end = list + len;
	struct list l = {
	    .found = found,
	    .context = context,
	    .last_semicolon = find_last_semicolon(list, end),
	    .words = list,
	};
	struct token t = make_token(TOKEN_END, list, list);
	int err;

	do {
		t = next_part(t.end, end);
		err = parse_part(&l, &t);
	} while (!err && t.type != TOKEN_END);
	return err;
}
