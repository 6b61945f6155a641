/* SPDX-License-Identifier: ISC */
/*
 * memory.h - an end to what asks for more and more
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/*
 * Let no more than len bytes be taken for data, which files that are mapped to
 * be read are not (RLIMIT_DATA). Without effect in a process that has more
 * already, as one with a sanitizer has.
 */
void memory_limit(size_t len);

#endif
