/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <strings.h>

#include "base/compiler.h"
#include "flushd/smtp_ehlo.h"

/* Digits up to the end or a blank; anything else is no number: 0. */
static uint64_t
parse_size(const char *at, size_t len)
{
	uint64_t size = 0;

	for (size_t i = 0; i < len && at[i] != ' '; i++) {
		if (at[i] < '0' || at[i] > '9' ||
		    __builtin_mul_overflow(size, 10, &size) ||
		    __builtin_add_overflow(
			size, (unsigned int)(at[i] - '0'), &size))
			return 0;
	}
	return size;
}

static void
take_pipelining(
    struct smtp_extensions *e, const char *args UNUSED, size_t len UNUSED)
{
	e->has_pipelining = true;
}

static void
take_size(struct smtp_extensions *e, const char *args, size_t len)
{
	e->has_size = true;
	e->size_limit = parse_size(args, len);
}

static void
take_8bitmime(
    struct smtp_extensions *e, const char *args UNUSED, size_t len UNUSED)
{
	e->has_8bitmime = true;
}

static void
take_smtputf8(
    struct smtp_extensions *e, const char *args UNUSED, size_t len UNUSED)
{
	e->has_smtputf8 = true;
}

static void
take_dsn(struct smtp_extensions *e, const char *args UNUSED, size_t len UNUSED)
{
	e->has_dsn = true;
}

static const struct {
	const char *keyword;
	void (*take)(struct smtp_extensions *e, const char *args, size_t len);
} known[] = {
    {"PIPELINING", take_pipelining},
    {"SIZE", take_size},
    {"8BITMIME", take_8bitmime},
    {"SMTPUTF8", take_smtputf8},
    {"DSN", take_dsn},
};

void
smtp_ehlo_add(struct smtp_extensions *e, const char *line, size_t len)
{
	const char *blank = len ? memchr(line, ' ', len) : NULL;
	size_t keyword_len = blank ? (size_t)(blank - line) : len;
	size_t args_at = blank ? keyword_len + 1 : len;

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const char *keyword = known[i].keyword;

		if (strlen(keyword) == keyword_len &&
		    strncasecmp(keyword, line, keyword_len) == 0)
			known[i].take(e, line + args_at, len - args_at);
	}
}
