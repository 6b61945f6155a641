/* SPDX-License-Identifier: ISC */
/*
 * futex.h - wait until another process has written into a file
 *
 *   Both have it open, and mapped to wait and to wake. The kernel alone
 *   looks at what is mapped (futex(2)), so it does no harm if somebody cuts
 *   the file off meanwhile.
 */
#ifndef BASE_FUTEX_H
#define BASE_FUTEX_H

#include <stddef.h>

/* The first page of a file; NULL if it cannot be mapped. */
const char *futex_map(int fd);
void futex_unmap(const char *page);

/*
 * Sleep until somebody wakes who waits there or us microseconds are over; or
 * not at all if the four bytes from `at` on, a multiple of four, are not 0.
 * Sometimes less: look again. Without a page it sleeps as long as it may.
 */
void futex_wait(const char *page, size_t at, unsigned int us);

/* Wake who waits there, the bytes being written. */
void futex_wake(const char *page, size_t at);

#endif
