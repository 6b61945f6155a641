/* SPDX-License-Identifier: ISC */
/*
 * utf8.h - tell text in UTF-8 from other bytes
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/*
 * Bytes of the UTF-8 character (RFC 3629) that text begins with, of at most len
 * bytes; 0 if it begins with none, or len is 0.
 */
size_t utf8_len(const char *text, size_t len);

#endif
