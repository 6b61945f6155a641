/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "mail/queue_id.h"

char *
queue_id_format(uint64_t id, char *text)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char reversed[QUEUE_ID_TEXT_MAX];
	size_t len = 0;

	do {
		reversed[len++] = digits[id % 36];
		id /= 36;
	} while (id > 0);
	for (size_t i = 0; i < len; i++)
		text[i] = reversed[len - 1 - i];
	text[len] = '\0';
	return text;
}

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	return -1;
}

int
queue_id_parse(const char *text, uint64_t *id)
{
	uint64_t value = 0;

	for (const char *p = text; *p; p++) {
		int digit = digit_value(*p);

		if (digit < 0 || __builtin_mul_overflow(value, 36, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return -EINVAL;
	}
	if (value == 0)
		return -EINVAL;
	*id = value;
	return 0;
}
