/* SPDX-License-Identifier: ISC */
/*
 * keeper.c - a negative control: what was withdrawn stays in the spool
 *
 *   Linked with --wrap=staged_acknowledge into mini_sendmail and flushd. Who
 *   settles takes a message that was withdrawn for one that was acknowledged,
 *   and the experiments must notice.
 */
#include "spool/staged.h"

int __real_staged_acknowledge(int incoming_fd, uint64_t name, uint64_t id);
int __wrap_staged_acknowledge(int incoming_fd, uint64_t name, uint64_t id);

int
__wrap_staged_acknowledge(int incoming_fd, uint64_t name, uint64_t id)
{
	int rc = __real_staged_acknowledge(incoming_fd, name, id);

	return rc > 0 ? 0 : rc;
}
