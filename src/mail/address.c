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

enum place { IN_LOCAL, IN_QUOTES, IN_DOMAIN, IN_LITERAL, NOWHERE };

/* Where the byte behind c is, if c stands in place; NOWHERE: c cannot. */
static enum place
step(enum place place, char c)
{
	if (place == IN_QUOTES)
		return c == '"' ? IN_LOCAL : IN_QUOTES;
	if (c == ' ' || strchr("<>,;()\\", c))
		return NOWHERE;
	if (place == IN_LITERAL)
		return c == ']'		  ? IN_DOMAIN
		       : strchr("[\"", c) ? NOWHERE
					  : place;
	if (c == '@')
		return IN_DOMAIN;
	if (c == '"')
		return place == IN_LOCAL ? IN_QUOTES : NOWHERE;
	if (c == '[')
		return place == IN_DOMAIN ? IN_LITERAL : NOWHERE;
	return c == ']' ? NOWHERE : place;
}

bool
address_is_valid(const char *address, size_t len)
{
	enum place place = IN_LOCAL;

	if (len == 0 || len > ENVELOPE_ADDRESS_MAX)
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
	return place == IN_LOCAL || place == IN_DOMAIN;
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
};

struct token {
	enum token_type type;
	const char *start;
	const char *end;
};

/* The end of what runs from p to close, as far as it goes. */
static const char *
skip_until(const char *p, const char *end, char close)
{
	for (; p < end; p++) {
		if (*p == close)
			return p + 1;
		if (*p == '\\' && p + 1 < end)
			p++;
	}
	return end;
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
		return (struct token){TOKEN_END, end, end};
	if (*p == '"')
		return (struct token){
		    TOKEN_QUOTED, p, skip_until(p + 1, end, '"')};
	if (*p == '[')
		return (struct token){
		    TOKEN_LITERAL, p, skip_until(p + 1, end, ']')};
	if (*p != '\\' && is_operator(*p))
		return (struct token){TOKEN_OPERATOR, p, p + 1};
	return (struct token){TOKEN_ATOM, p, skip_atom(p, end)};
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

/* ---- one address --------------------------------------------------------- */

/* An address without its quoting, as it grows from tokens. */
struct plain {
	char text[ENVELOPE_ADDRESS_MAX];
	size_t len;
	bool is_too_long;
};

static void
plain_add(struct plain *a, char c)
{
	if (a->len < sizeof(a->text))
		a->text[a->len++] = c;
	else
		a->is_too_long = true;
}

static void
plain_add_token(struct plain *a, const struct token *t)
{
	char close = t->type == TOKEN_QUOTED ? '"' : ']';
	const char *p = t->start;

	if (t->type == TOKEN_OPERATOR) {
		plain_add(a, *p);
		return;
	}
	if (t->type == TOKEN_LITERAL)
		plain_add(a, '[');
	if (t->type != TOKEN_ATOM)
		p++;
	for (; p < t->end && !a->is_too_long; p++) {
		if (*p == '\\' && p + 1 < t->end)
			p++;
		else if (t->type != TOKEN_ATOM && *p == close)
			break;
		/* A fold is not part of what it folds. */
		if (*p != '\n' && *p != '\r')
			plain_add(a, *p);
	}
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
	struct plain plain;	    /* the address in the making */
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
		if (is_op(&t, '>') || (is_word(&t) && is_behind_word))
			err = report(list);
		if (!is_op(&t, '>'))
			plain_add_token(&list->plain, &t);
		is_behind_word = is_word(&t);
	}
	return err ? err : report(list);
}

/* What stands between < and >: one address, perhaps behind a route. */
static int
parse_angle(struct list *list, const char *p, const char *end)
{
	struct token t = next_token(p, end);

	if (is_op(&t, '@')) {
		while (t.type != TOKEN_END && !is_op(&t, ':'))
			t = next_token(t.end, end);
		if (t.type != TOKEN_END)
			p = t.end;
	}
	while ((t = next_token(p, end)).type != TOKEN_END) {
		plain_add_token(&list->plain, &t);
		p = t.end;
	}
	return report(list);
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

static const char *
find_last_semicolon(const char *p, const char *end)
{
	const char *last = NULL;
	struct token t;

	while ((t = next_token(p, end)).type != TOKEN_END) {
		if (is_op(&t, ';'))
			last = t.start;
		p = t.end;
	}
	return last;
}

int
address_parse_list(
    const char *list, size_t len, address_found_fn *found, void *context)
{
	const char *end = list + len;
	const char *words = list; /* where a display name or addresses began */
	struct list l = {
	    .found = found,
	    .context = context,
	    .last_semicolon = find_last_semicolon(list, end),
	};
	struct token t = {TOKEN_END, list, list};
	int err = 0;

	do {
		const char *close;

		t = next_token(t.end, end);
		if (t.type == TOKEN_END || is_op(&t, ',') || is_op(&t, ';')) {
			err = parse_words(&l, words, t.start);
			words = t.end;
		} else if (is_op(&t, ':') && l.last_semicolon &&
			   t.start < l.last_semicolon) {
			words = t.end; /* the name of a group */
		} else if (is_op(&t, '<') && (close = find_close(t.end, end))) {
			err = parse_angle(&l, t.end, close);
			t.end = words = close + 1;
		}
	} while (!err && t.type != TOKEN_END);
	return err;
}
