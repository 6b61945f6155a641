/* SPDX-License-Identifier: ISC */
/*
 * unlocked.c - a negative control: a sender that waits for nobody
 *
 *   Linked with --wrap=lock_take into mini_sendmail. Two of them write at the
 *   same time, and the experiments must notice.
 */
#include "spool/lock.h"

int __wrap_lock_take(int fd, enum lock_kind kind, int64_t deadline_ms);

int
__wrap_lock_take(int fd, enum lock_kind kind, int64_t deadline_ms)
{
	(void)fd;
	(void)kind;
	(void)deadline_ms;
	return 0;
}
