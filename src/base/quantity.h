/* SPDX-License-Identifier: ISC */
/*
 * quantity.h - sizes and durations as people write them
 *
 *   Each is digits and at most one letter; -EINVAL for anything else, -ERANGE
 *   for what does not fit.
 */
#ifndef BASE_QUANTITY_H
#define BASE_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

enum { QUANTITY_TEXT_MAX = 24 };

/* A number of bytes, 1 or more; K, M, G and T are powers of 1024, in either
 * case. */
int quantity_parse_size(const char *text, uint64_t *bytes) MUST_CHECK;

/* A time, 1 s or more, in milliseconds: s, m, h or d must be there. */
int quantity_parse_duration(const char *text, int64_t *ms) MUST_CHECK;

/* A number without a unit, 0 or more. */
int quantity_parse_count(const char *text, uint64_t *n) MUST_CHECK;

/* Write them in the greatest unit that leaves no rest, into text of
 * QUANTITY_TEXT_MAX bytes, and return text. */
const char *quantity_format_size(uint64_t bytes, char *text);
const char *quantity_format_duration(int64_t ms, char *text);

#endif
