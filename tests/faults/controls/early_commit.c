/* SPDX-License-Identifier: ISC */
/*
 * early_commit.c - a negative control: what is sent leaves the spool at once
 *
 *   Linked with --wrap=delivery_read into flushd. The message is removed when
 *   its last piece has been handed to the connection: before the relay has
 *   replied to the final dot, and even before it has the dot. A fault between
 *   then and the reply loses mail, and the experiments must notice.
 */
#include "flushd/delivery.h"

int __real_delivery_read(
    struct delivery *d, struct spool *s, const char **text, size_t *len);
int __wrap_delivery_read(
    struct delivery *d, struct spool *s, const char **text, size_t *len);

int
__wrap_delivery_read(
    struct delivery *d, struct spool *s, const char **text, size_t *len)
{
	int rc = __real_delivery_read(d, s, text, len);

	return rc == 0 ? delivery_remove(d, s) : rc;
}
