/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"

struct unit {
	char letter;
	uint64_t factor;
};

/* The greatest first. */
static const struct unit sizes[] = {
    {'T', UINT64_C(1) << 40},
    {'G', UINT64_C(1) << 30},
    {'M', UINT64_C(1) << 20},
    {'K', UINT64_C(1) << 10},
    {'\0', 1},
};

static const struct unit durations[] = {
    {'d', 24 * 3600 * 1000},
    {'h', 3600 * 1000},
    {'m', 60 * 1000},
    {'s', 1000},
};

/* Read digits up to *end: at least one. */
static int
parse_digits(const char *text, const char **end, uint64_t *n)
{
	const char *p = text;

	*n = 0;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, (uint64_t)(*p - '0'), n))
			return -ERANGE;
	*end = p;
	return p == text ? -EINVAL : 0;
}

static int
parse(const char *text, const struct unit *units, size_t count, bool any_case,
    uint64_t *n)
{
	const char *end;
	int rc = parse_digits(text, &end, n);

	if (rc < 0)
		return rc;
	if (*n == 0 || (*end != '\0' && end[1] != '\0'))
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (*end == units[i].letter ||
		    (any_case && *end >= 'a' &&
			*end - 'a' + 'A' == units[i].letter))
			return __builtin_mul_overflow(*n, units[i].factor, n)
				   ? -ERANGE
				   : 0;
	return -EINVAL;
}

int
quantity_parse_size(const char *text, uint64_t *bytes)
{
	uint64_t n;
	int rc = parse(text, sizes, ARRAY_LEN(sizes), true, &n);

	if (rc == 0)
		*bytes = n;
	return rc;
}

int
quantity_parse_duration(const char *text, int64_t *ms)
{
	uint64_t n;
	int rc = parse(text, durations, ARRAY_LEN(durations), false, &n);

	if (rc == 0 && n > INT64_MAX)
		rc = -ERANGE;
	if (rc == 0)
		*ms = (int64_t)n;
	return rc;
}

int
quantity_parse_count(const char *text, uint64_t *n)
{
	const char *end;
	uint64_t got;
	int rc = parse_digits(text, &end, &got);

	if (rc == 0 && *end != '\0')
		rc = -EINVAL;
	if (rc == 0)
		*n = got;
	return rc;
}

static const char *
format(uint64_t n, const struct unit *units, size_t count, char *text)
{
	const struct unit *unit = &units[count - 1];

	for (size_t i = 0; n > 0 && i < count; i++)
		if (n % units[i].factor == 0) {
			unit = &units[i];
			break;
		}
	snprintf(text, QUANTITY_TEXT_MAX, "%" PRIu64 "%.1s", n / unit->factor,
	    &unit->letter);
	return text;
}

const char *
quantity_format_size(uint64_t bytes, char *text)
{
	return format(bytes, sizes, ARRAY_LEN(sizes), text);
}

const char *
quantity_format_duration(int64_t ms, char *text)
{
	return format((uint64_t)ms, durations, ARRAY_LEN(durations), text);
}
