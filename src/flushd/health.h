/* SPDX-License-Identifier: ISC */
/*
 * health.h - whether the relay takes mail, and finding it out
 *
 *   Keeps the breaker: closed, mail flows; open, nothing is tried but probes.
 *   It opens when a connection of ours fails or a probe does, and closes when a
 *   probe goes through. What a worker says of the relay only asks for a probe.
 */
#ifndef FLUSHD_HEALTH_H
#define FLUSHD_HEALTH_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/compiler.h"
#include "site/relay.h"

struct health;

/* Called from the event loop after each probe, with what it found. */
typedef void health_verdict_fn(void *context, bool is_up);

/* Called when the breaker has opened, or has closed as the relay is up; it was
 * open for down_ms then. */
typedef void health_changed_fn(void *context, bool is_up, int64_t down_ms);

/* The relay is believed to be up until something fails. */
struct health *health_new(sd_event *event, const struct relay *relay,
    health_verdict_fn *verdict, health_changed_fn *changed,
    void *context) MUST_CHECK;
void health_free(struct health *h); /* NULL is fine */

bool health_is_up(const struct health *h);

/* Since when it is believed to be up or down, and while it is down when it is
 * asked next: clock_boot_ms(). */
int64_t health_since_ms(const struct health *h);
int64_t health_next_probe_ms(const struct health *h);

/* The last that was said against the relay, by it or of it. */
const char *health_reason(const struct health *h);

/* A connection of ours was not made; error is -errno. */
void health_take_failure(struct health *h, int error);

/* Probe, as somebody complains, but not more than once a second; a verdict will
 * come. */
void health_probe(struct health *h, const char *complaint);

#endif
