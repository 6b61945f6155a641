/* SPDX-License-Identifier: ISC */
/*
 * local_time.h - times as the operator's clock on the wall shows them
 */
#ifndef FLUSHCTL_LOCAL_TIME_H
#define FLUSHCTL_LOCAL_TIME_H

#include <stdint.h>

#include "base/buf.h"

/* Append wall_ms in local time: "Sun Nov 22 09:58:10", as mailq does. */
void local_time_add(struct buf *b, int64_t wall_ms);

/* The same as "2026-11-22 09:58:10 +0100". */
void local_time_add_full(struct buf *b, int64_t wall_ms);

#endif
