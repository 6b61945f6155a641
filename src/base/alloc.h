/* SPDX-License-Identifier: ISC */
/*
 * alloc.h - memory that is there or the program is not
 *
 *   Out of memory  one handler for the whole program. Every size is capped
 *                  before it gets here and the spool is transactional, so
 *                  ending is safe: mini_sendmail exits 71, others abort.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

#include "base/compiler.h"

/* Call handler, which must not return, when memory runs out. */
void alloc_on_failure(void (*handler)(void));

/* Memory ran out where another library allocates. */
NORETURN void alloc_fail(void);

/* Allocate len bytes, zeroed; len 0 is taken as 1. Never NULL. */
void *alloc_zeroed(size_t len) MUST_CHECK;

/* Resize to count elements of size bytes each; overflow counts as failure. */
void *alloc_resize(void *p, size_t count, size_t size) MUST_CHECK;

/* A copy of len bytes with a NUL behind them. Never NULL. */
char *alloc_copy(const void *data, size_t len) MUST_CHECK;

#endif
