/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

char buf_empty[1];

void
buf_init(struct buf *b)
{
	*b = (struct buf)BUF_INIT;
}

void
buf_release(struct buf *b)
{
	if (b->capacity)
		free(b->data);
	buf_init(b);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->capacity)
		b->data[0] = '\0';
}

void
buf_reserve(struct buf *b, size_t extra)
{
	size_t need = b->len + extra + 1;
	size_t capacity = b->capacity ? b->capacity : 64;

	if (need < extra)
		need = SIZE_MAX; /* overflow: the allocation below fails */
	if (need <= b->capacity)
		return;
	while (capacity < need) {
		/* Large buffers grow by a half: messages have megabytes. */
		size_t step = capacity < 65536 ? capacity : capacity / 2;

		if (__builtin_add_overflow(capacity, step, &capacity))
			capacity = need;
	}
	b->data = alloc_resize(b->capacity ? b->data : NULL, capacity, 1);
	b->data[b->len] = '\0';
	b->capacity = capacity;
}

void
buf_add(struct buf *b, const void *data, size_t len)
{
	if (len == 0)
		return;
	buf_reserve(b, len);
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_add_vformat(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	if (len > 0) {
		buf_reserve(b, (size_t)len);
		vsnprintf(b->data + b->len, (size_t)len + 1, fmt, again);
		b->len += (size_t)len;
	}
	va_end(again);
}

void
buf_add_format(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_add_vformat(b, fmt, ap);
	va_end(ap);
}

void
buf_consume(struct buf *b, size_t len)
{
	if (len >= b->len) {
		buf_clear(b);
		return;
	}
	memmove(b->data, b->data + len, b->len - len + 1);
	b->len -= len;
}

char *
buf_detach(struct buf *b)
{
	char *data = b->capacity ? b->data : alloc_copy("", 0);

	buf_init(b);
	return data;
}
