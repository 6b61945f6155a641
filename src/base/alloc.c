/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static void (*on_failure)(void) = abort;

void
alloc_on_failure(void (*handler)(void))
{
	on_failure = handler;
}

void
alloc_fail(void)
{
	on_failure();
	abort();
}

void *
alloc_zeroed(size_t len)
{
	void *p = calloc(1, len ? len : 1);

	if (!p)
		alloc_fail();
	return p;
}

void *
alloc_resize(void *old, size_t count, size_t size)
{
	size_t len;
	void *p;

	if (__builtin_mul_overflow(count, size, &len))
		alloc_fail();
	p = realloc(old, len ? len : 1);
	if (!p)
		alloc_fail();
	return p;
}

char *
alloc_copy(const void *data, size_t len)
{
	char *p = alloc_resize(NULL, len + 1, 1);

	if (len)
		memcpy(p, data, len);
	p[len] = '\0';
	return p;
}
