/* SPDX-License-Identifier: ISC */
/*
 * unwary.c - a negative control: no worker learns from the end of another
 *
 *   Linked with --wrap=caution_format into flushd. A message whose outcome
 *   cannot be recorded is sent by each worker, and the experiments must
 *   notice.
 */
#include "flushd/caution.h"

char *__wrap_caution_format(const struct caution *c, char *text);

char *
__wrap_caution_format(const struct caution *c, char *text)
{
	(void)c;
	*text = '\0';
	return text;
}
