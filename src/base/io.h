/* SPDX-License-Identifier: ISC */
/*
 * io.h - reads and writes that wait
 *
 *   They wait on descriptors that do not block, too: whoever started us may
 *   have set them so for his own purposes.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/compiler.h"

/* Read what there is, at most len bytes: how many, 0 at the end, or -errno. */
ssize_t io_read(int fd, void *data, size_t len) MUST_CHECK;

/*
 * Append everything up to end of file to b. 0 or -errno: -EMSGSIZE as soon as
 * b holds limit + 1 bytes, and whoever wants more of it calls again with a
 * greater limit.
 */
int io_read_all(int fd, size_t limit, struct buf *b) MUST_CHECK;

/*
 * Read everything up to end of file and forget it, so that the writer does not
 * die of SIGPIPE; *count grows by how many bytes that was. 0 or -errno.
 */
int io_drain(int fd, uint64_t *count) MUST_CHECK;

/* Write all of data, however many calls that takes. 0 or -errno. */
int io_write_all(int fd, const void *data, size_t len) MUST_CHECK;

/*
 * See to it that descriptors 0, 1 and 2 are taken, so that no file opened later
 * becomes one of them. Those that were closed cannot be read or written: what
 * a caller did not give is an error, not an empty file. 0 or -errno.
 */
int io_secure_standard_fds(void) MUST_CHECK;

/* Close every descriptor from first up; callers leak theirs to us. */
void io_close_from(int first);

#endif
