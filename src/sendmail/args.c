/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "sendmail/args.h"

static void
skip(struct args *r, size_t len)
{
	r->at += len;
	r->len -= len;
}

void
args_skip_blanks(struct args *r)
{
	while (r->len > 0 && (*r->at == ' ' || *r->at == '\t'))
		skip(r, 1);
}

struct args
args_cut_word(struct args *r)
{
	struct args word;

	args_skip_blanks(r);
	word = (struct args){r->at, 0};
	while (word.len < r->len && !strchr(" \t", r->at[word.len]))
		word.len++;
	skip(r, word.len);
	return word;
}

bool
args_is_word(struct args word, const char *text)
{
	return word.len == strlen(text) &&
	       strncasecmp(word.at, text, word.len) == 0;
}

/* Where the angle bracket that ends a path is: quotes may hold one. */
static size_t
find_end_of_path(const struct args *r)
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
skip_route(struct args *path)
{
	const char *colon;

	if (path->len == 0 || *path->at != '@')
		return;
	colon = memchr(path->at, ':', path->len);
	if (colon)
		skip(path, (size_t)(colon + 1 - path->at));
}

int
args_cut_path(struct args *r, struct args *path)
{
	args_skip_blanks(r);
	if (r->len == 0)
		return -EINVAL;
	if (*r->at != '<') {
		*path = args_cut_word(r);
		return 0;
	}
	skip(r, 1);
	*path = (struct args){r->at, find_end_of_path(r)};
	if (path->len == r->len)
		return -EINVAL;
	skip(r, path->len + 1);
	skip_route(path);
	return 0;
}

struct args
args_cut_parameter(struct args *r, struct args *value)
{
	struct args word = args_cut_word(r);
	const char *equals = memchr(word.at, '=', word.len);

	*value = (struct args){word.at + word.len, 0};
	if (equals) {
		value->at = equals + 1;
		value->len = word.len - (size_t)(value->at - word.at);
		word.len = (size_t)(equals - word.at);
	}
	return word;
}

bool
args_cut_prefix(struct args *args, const char *word)
{
	const size_t len = strlen(word);

	args_skip_blanks(args);
	if (args->len < len || strncasecmp(args->at, word, len) != 0)
		return false;
	skip(args, len);
	args_skip_blanks(args);
	if (args->len == 0 || *args->at != ':')
		return false;
	skip(args, 1);
	return true;
}
