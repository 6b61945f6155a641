/* SPDX-License-Identifier: ISC */
/*
 * exposition.h - what flushd says of its sites, as Prometheus reads it; pure
 *
 *   The text format 0.0.4. Counters begin at 0 when flushd starts, which
 *   Prometheus takes for the reset that it is.
 */
#ifndef FLUSHCTL_EXPOSITION_H
#define FLUSHCTL_EXPOSITION_H

#include "base/buf.h"
#include "flushctl/snapshot.h"

/* Append all metrics; with NULL, that flushd does not answer. */
void exposition_add(struct buf *out, const struct snapshot *s);

/* Append text as the value of a label, without its quotes. */
void exposition_add_label(struct buf *out, const char *text);

#endif
