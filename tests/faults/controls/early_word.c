/* SPDX-License-Identifier: ISC */
/*
 * early_word.c - a negative control: those who join hear of the commit before
 * it
 *
 *   Linked with --wrap=share_take into mini_sendmail. Who dies in between takes
 *   their messages along, and the experiments must notice.
 */
#include "spool/share.h"

int __real_share_take(struct spool *s);
int __wrap_share_take(struct spool *s);

int
__wrap_share_take(struct spool *s)
{
	int rc = __real_share_take(s);

	if (rc == 0)
		share_acknowledge(s);
	return rc;
}
