/* SPDX-License-Identifier: ISC */
/*
 * link.h - an SMTP conversation on a socket, in an event loop
 *
 *   Moves the bytes and keeps the deadlines; what they mean is smtp.h's matter.
 */
#ifndef FLUSHD_LINK_H
#define FLUSHD_LINK_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/compiler.h"
#include "flushd/smtp.h"

struct link;

/*
 * Called when the conversation waits for its user: smtp_want() is not
 * SMTP_WANT_REPLY, and there is little or no output left to write. True:
 * something was begun, go on. False: nothing more to do with it for now, or it
 * was freed.
 */
typedef bool link_ready_fn(void *context);

/*
 * Start a conversation on the connected socket fd, which the link takes over.
 * The event loop must run. Failures to watch the socket end the program.
 */
struct link *link_new(sd_event *event, int fd, const char *helo_name,
    link_ready_fn *ready, void *context) MUST_CHECK;

/* Have the user called again who had nothing to do for now; not while it is. */
void link_go_on(struct link *l);

/* Say QUIT if that is in order, without waiting, and close. NULL is fine. */
void link_free(struct link *l);

struct smtp *link_smtp(struct link *l);

#endif
