/* SPDX-License-Identifier: ISC */
/*
 * unlisted.c - a negative control: a commit does not list who joined it
 *
 *   Linked with --wrap=environment_put into mini_sendmail and flushd. Nobody
 *   can settle it then, and the experiments must notice.
 */
#include "spool/environment.h"

int __real_environment_put(struct environment *e,
    enum environment_record record, const struct buf *content);
int __wrap_environment_put(struct environment *e,
    enum environment_record record, const struct buf *content);

int
__wrap_environment_put(struct environment *e, enum environment_record record,
    const struct buf *content)
{
	return record == ENVIRONMENT_JOINED
		   ? 0
		   : __real_environment_put(e, record, content);
}
