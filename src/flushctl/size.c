/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "flushctl/size.h"

int
size_parse(const char *text, uint64_t *bytes)
{
	static const char units[] = "KkMmGgTt";
	const char *p = text;
	const char *unit;
	uint64_t n = 0;
	int shift = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return -ERANGE;
	if (p == text)
		return -EINVAL;
	unit = *p ? strchr(units, *p) : NULL;
	if (unit) {
		shift = 10 * (1 + (int)(unit - units) / 2);
		p++;
	}
	if (*p || n == 0)
		return -EINVAL;
	if (n > UINT64_MAX >> shift)
		return -ERANGE;
	*bytes = n << shift;
	return 0;
}
