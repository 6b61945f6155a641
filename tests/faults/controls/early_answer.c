/* SPDX-License-Identifier: ISC */
/*
 * early_answer.c - a negative control: success is said before the commit
 *
 *   Linked with --wrap=spool_commit into mini_sendmail. The caller has his
 *   exit 0 or his 250 while a process of its own still writes. What befalls
 *   that one loses an acknowledged message, and the experiments must notice.
 */
#include <unistd.h>

#include "spool/spool.h"

int __real_spool_commit(struct spool *s);
int __wrap_spool_commit(struct spool *s);

int
__wrap_spool_commit(struct spool *s)
{
	if (fork() == 0)
		_exit(__real_spool_commit(s) < 0);
	spool_abort(s);
	return 0;
}
