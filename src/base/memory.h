/* SPDX-License-Identifier: ISC */
/*
 * memory.h - how much memory there is, and an end to what asks for more
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* True if so much could be taken for data now: to do without if it cannot. */
bool memory_has_room(size_t len);

/*
 * Let no more than len bytes be taken for data, which files that are mapped to
 * be read are not (RLIMIT_DATA). Without effect in a process that has more
 * already, as one with a sanitizer has.
 */
void memory_limit(size_t len);

#endif
