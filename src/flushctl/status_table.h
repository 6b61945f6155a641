/* SPDX-License-Identifier: ISC */
/*
 * status_table.h - what flushd says of its sites, as a table; pure
 *
 *   First the relay and what waits in all, then a line for each site and below
 *   it the last that went wrong, if that is no old story. A "!" stands before
 *   those in trouble.
 */
#ifndef FLUSHCTL_STATUS_TABLE_H
#define FLUSHCTL_STATUS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flushctl/snapshot.h"

/* How it is shown. */
struct status_style {
	bool has_colours;
	size_t width;  /* of the terminal; what is longer is cut; 0: nothing */
	size_t height; /* lines at most, the last may say how many sites are
			  left out; 0: all are shown */
	int64_t now_sec; /* since 1970 */
	bool has_flow;	 /* what comes and goes in place of what is deferred */
	bool has_all_errors; /* old ones too */
};

/* Append the table of the sites in their order. */
void status_table_add(struct buf *out, const struct snapshot *s,
    const struct status_style *style);

/* Append a number in at most width characters, 4 or more: 9999, 10k, 99M... */
void status_table_add_number(struct buf *out, uint64_t n, int width);

#endif
