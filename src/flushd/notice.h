/* SPDX-License-Identifier: ISC */
/*
 * notice.h - the line that the service manager shows of us, sd_notify(3)
 */
#ifndef FLUSHD_NOTICE_H
#define FLUSHD_NOTICE_H

#include <systemd/sd-event.h>

#include "base/buf.h"
#include "base/compiler.h"

struct notice;

/* Append the line as it should be now. */
typedef void notice_fn(void *context, struct buf *line);

/*
 * Tell it every 10 s, if it has changed; NULL if there is no service manager.
 */
struct notice *notice_new(
    sd_event *event, notice_fn *line, void *context) MUST_CHECK;
void notice_free(struct notice *n); /* NULL is fine */

#endif
