/* SPDX-License-Identifier: ISC */
/*
 * unsettled.c - a negative control: nobody settles
 *
 *   Linked with --wrap=share_settle into mini_sendmail and flushd. What joined
 *   the commit of one who died before he told it is committed once more, what
 *   was withdrawn meanwhile is sent, and the experiments must notice.
 */
#include "spool/share.h"
#include "spool/spool_internal.h"

int __wrap_share_settle(struct spool *s);

int
__wrap_share_settle(struct spool *s)
{
	s->share = (struct share){0};
	return 0;
}
