/* SPDX-License-Identifier: ISC */
/*
 * buf.h - a byte string that grows
 *
 *   data is never NULL and always has a NUL at data[len], so it can be read
 *   as a C string; it may hold NULs of its own. Start with BUF_INIT.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "base/compiler.h"

struct buf {
	char *data;
	size_t len;
	size_t capacity; /* 0: data is not ours */
};

extern char buf_empty[1];
#define BUF_INIT                                                               \
	{                                                                      \
		.data = buf_empty                                              \
	}

void buf_init(struct buf *b);

/* Free the content and start again; b may hold BUF_INIT. */
void buf_release(struct buf *b);

/* Forget the content, keep the memory. */
void buf_clear(struct buf *b);

/* Make room for extra more bytes (and the NUL) behind len. */
void buf_reserve(struct buf *b, size_t extra);

void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_add_format(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_add_vformat(struct buf *b, const char *fmt, va_list ap)
    PRINTF_LIKE(2, 0);

/* Drop the first len bytes, at most all of them. */
void buf_consume(struct buf *b, size_t len);

/* Give the content away, NUL-terminated, for free(); b is empty again. */
char *buf_detach(struct buf *b) MUST_CHECK;

#endif
