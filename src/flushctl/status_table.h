/* SPDX-License-Identifier: ISC */
/*
 * status_table.h - what flushd says of its sites, as a table; pure
 */
#ifndef FLUSHCTL_STATUS_TABLE_H
#define FLUSHCTL_STATUS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"

/* How it is shown. */
struct status_style {
	bool has_colours;
	size_t width; /* of the terminal; what is longer is cut; 0: nothing */
	int64_t now_sec;  /* since 1970 */
	bool wants_relay; /* its line comes last, to root: without it the
			     answer is not whole */
};

/*
 * Append the table of an answer, which is one JSON object a line. 0; -EBADMSG:
 * it is not what flushd says, or not whole; -EPERM: a refusal, whose words are
 * appended instead.
 */
int status_table_add(struct buf *out, const char *answer, size_t len,
    const struct status_style *style) MUST_CHECK;

/* Append a duration in its greatest unit: 59s, 12m, 47h, 3d. */
void status_table_add_duration(struct buf *out, int64_t sec);

#endif
