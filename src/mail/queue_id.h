/* SPDX-License-Identifier: ISC */
/*
 * queue_id.h - the name of a message within its spool
 *
 *   A 64-bit number that increases with time, never 0, shown in base 36 with
 *   the characters 0-9 and A-Z, most significant first, without leading zeros.
 */
#ifndef MAIL_QUEUE_ID_H
#define MAIL_QUEUE_ID_H

#include <stdint.h>

#include "base/compiler.h"

enum { QUEUE_ID_TEXT_MAX = 14 }; /* 13 digits for 2^64-1, and a NUL */

/* Write id into text, of QUEUE_ID_TEXT_MAX bytes, and return text. */
char *queue_id_format(uint64_t id, char *text);

/* Read an id; lower case and leading zeros are taken too. 0, or -EINVAL:
 * nothing else is one. */
int queue_id_parse(const char *text, uint64_t *id) MUST_CHECK;

#endif
