/* SPDX-License-Identifier: ISC */
/*
 * late_error.c - a disk that takes the last write of a commit and denies it
 *
 *   Linked with --wrap=pwrite and pwrite64, whichever LMDB was built with, into
 *   mini_sendmail. LMDB's meta page arrives, is reported as lost, and cannot be
 *   taken back: the one case in which a message is stored although the commit
 *   failed.
 */
#include <errno.h>
#include <unistd.h>

enum { META_LEN = 120 }; /* what LMDB writes of its meta page */

ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t len, off_t at);

ssize_t
__wrap_pwrite(int fd, const void *data, size_t len, off_t at)
{
	static int count;

	if (len != META_LEN)
		return __real_pwrite(fd, data, len, at);
	if (count++ == 0 && __real_pwrite(fd, data, len, at) < 0)
		return -1;
	errno = EIO;
	return -1;
}

ssize_t
__wrap_pwrite64(int fd, const void *data, size_t len, off_t at)
{
	return __wrap_pwrite(fd, data, len, at);
}
