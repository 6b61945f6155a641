/* SPDX-License-Identifier: ISC */
/* Apart from spool.c, so that a negative control which puts something in the
 * place of spool_commit() is what is called here. */
#include "spool/spool.h"

int
spool_end(struct spool *s, int rc)
{
	int committed;

	if (rc < 0) {
		spool_abort(s);
		return rc;
	}
	committed = spool_commit(s);
	return committed < 0 ? committed : rc;
}
