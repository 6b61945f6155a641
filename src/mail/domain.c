/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "mail/domain.h"

enum { DOMAIN_MAX = 255, LABEL_MAX = 63 };

static bool
is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

static bool
is_label(const char *name, size_t len)
{
	if (len == 0 || len > LABEL_MAX || !is_alphanumeric(name[0]) ||
	    !is_alphanumeric(name[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alphanumeric(name[i]) && name[i] != '-')
			return false;
	return true;
}

bool
domain_is_valid(const char *name, size_t len)
{
	const char *const end = name + len;
	const char *dot;

	if (len > DOMAIN_MAX)
		return false;
	while ((dot = memchr(name, '.', (size_t)(end - name))) != NULL) {
		if (!is_label(name, (size_t)(dot - name)))
			return false;
		name = dot + 1;
	}
	return is_label(name, (size_t)(end - name));
}
