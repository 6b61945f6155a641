/* SPDX-License-Identifier: ISC */
/*
 * size.h - sizes as people write them
 */
#ifndef FLUSHCTL_SIZE_H
#define FLUSHCTL_SIZE_H

#include <stdint.h>

#include "base/compiler.h"

/*
 * Read a number of bytes, 1 or more: digits, then perhaps K, M, G or T for
 * powers of 1024, in either case. 0, or -EINVAL; -ERANGE beyond 64 bits.
 */
int size_parse(const char *text, uint64_t *bytes) MUST_CHECK;

#endif
