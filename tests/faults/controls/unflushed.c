/* SPDX-License-Identifier: ISC */
/*
 * unflushed.c - a negative control: a spool that is made, but not flushed
 *
 *   Linked with --wrap=fsync into flushctl. What init says is there need not be
 *   there after a power cut.
 */
int __wrap_fsync(int fd);

int
__wrap_fsync(int fd)
{
	(void)fd;
	return 0;
}
