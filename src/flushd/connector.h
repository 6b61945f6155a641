/* SPDX-License-Identifier: ISC */
/*
 * connector.h - open a TCP connection without waiting for it
 */
#ifndef FLUSHD_CONNECTOR_H
#define FLUSHD_CONNECTOR_H

#include <systemd/sd-event.h>

#include "base/compiler.h"
#include "site/relay.h"

struct connector;

enum { CONNECTOR_TIMEOUT_MS = 5000 };

/* fd is connected and the callee's to close; or it is -errno. */
typedef void connector_done_fn(void *context, int fd);

/*
 * Connect to the relay; done is called once, from the event loop, within
 * CONNECTOR_TIMEOUT_MS. The connector is gone when it is called.
 */
struct connector *connector_new(sd_event *event, const struct relay *relay,
    connector_done_fn *done, void *context) MUST_CHECK;

/* Give up without a call; NULL is fine. */
void connector_free(struct connector *c);

#endif
