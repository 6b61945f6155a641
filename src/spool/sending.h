/* SPDX-License-Identifier: ISC */
/*
 * sending.h - which messages the worker is giving to the relay right now
 *
 *   Known by a lock of the worker's process on the byte of the file "worker"
 *   whose place is the message's id: nothing is written, and a worker that dies
 *   leaves none. Whoever owns the spool can make one up; it is for people.
 */
#ifndef SPOOL_SENDING_H
#define SPOOL_SENDING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Mark a message, or take its mark away. lock_fd is the file "worker", of which
 * this process must not close another descriptor.
 */
void sending_mark(int lock_fd, uint64_t id, bool is_sending);

/* Open the file to look for marks: a descriptor, or -errno. */
int sending_open(int dir_fd);

/* True if another process has marked the message. */
bool sending_has(int fd, uint64_t id);

#endif
