/* SPDX-License-Identifier: ISC */
/*
 * digest.h - the checksum of a message: XXH3-64 over its text, then envelope
 *
 *   It finds damage, not forgery: whoever can write a spool can write the
 *   checksum too.
 */
#ifndef SPOOL_DIGEST_H
#define SPOOL_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct digest;

struct digest *digest_new(void) MUST_CHECK;
void digest_free(struct digest *d); /* NULL is fine */

void digest_add(struct digest *d, const char *data, size_t len);

/* How many bytes were added, and their checksum. */
uint64_t digest_len(const struct digest *d);
uint64_t digest_value(const struct digest *d);

#endif
