/* SPDX-License-Identifier: ISC */
/*
 * undead.c - a negative control: every staged message has a living sender
 *
 *   Linked with --wrap=flock into mini_sendmail. The file of a message that was
 *   committed long ago, whose removal a power cut took back, is committed once
 *   more, and the experiments must notice.
 */
#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);

/* Directories are the locks, and a file that is empty is its maker's. */
int
__wrap_flock(int fd, int operation)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		errno = EWOULDBLOCK;
		return -1;
	}
	return __real_flock(fd, operation);
}
