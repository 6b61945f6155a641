/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <strings.h>

#include "mail/header.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Bytes from p up to and with the end of its line. */
static size_t
line_len(const char *p, size_t len)
{
	const char *lf = memchr(p, '\n', len);

	return lf ? (size_t)(lf - p) + 1 : len;
}

/* Set the name of the field and where its value begins; false: no field. */
static bool
split(struct header_field *f)
{
	size_t i = 0;

	while (i < f->raw_len && f->raw[i] > 32 && f->raw[i] < 127 &&
	       f->raw[i] != ':')
		i++;
	f->name = f->raw;
	f->name_len = i;
	while (i < f->raw_len && is_blank(f->raw[i]))
		i++;
	if (f->name_len == 0 || i == f->raw_len || f->raw[i] != ':')
		return false;
	f->value = f->raw + i + 1;
	return true;
}

bool
header_next(struct header_cursor *c, struct header_field *f)
{
	struct header_field next = {.raw = c->at};
	size_t len;

	if (c->len == 0)
		return false;
	len = next.raw_len = line_len(c->at, c->len);
	if (!split(&next))
		return false;
	while (len < c->len && is_blank(c->at[len]))
		len += line_len(c->at + len, c->len - len);
	next.raw_len = len;
	next.value_len = len - (size_t)(next.value - next.raw);
	if (next.value_len > 0 && next.raw[len - 1] == '\n')
		next.value_len--;
	c->at += len;
	c->len -= len;
	*f = next;
	return true;
}

bool
header_is(const struct header_field *f, const char *name)
{
	return strlen(name) == f->name_len &&
	       strncasecmp(f->name, name, f->name_len) == 0;
}
