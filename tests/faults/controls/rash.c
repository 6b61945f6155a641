/* SPDX-License-Identifier: ISC */
/*
 * rash.c - a negative control: a worker that sends what is not settled
 *
 *   Linked with --wrap=spool_is_unsettled into flushd. It may be withdrawn by
 *   then, and the experiments must notice.
 */
#include <stdbool.h>

#include "spool/spool.h"

bool __wrap_spool_is_unsettled(const struct spool *s);

bool
__wrap_spool_is_unsettled(const struct spool *s)
{
	(void)s;
	return false;
}
