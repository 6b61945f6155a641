/* SPDX-License-Identifier: ISC */
/*
 * event.h - small additions to sd-event(3)
 */
#ifndef FLUSHD_EVENT_H
#define FLUSHD_EVENT_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/compiler.h"

/* End the program with a line in the log if rc, of doing what, is negative:
 * a loop that cannot watch what it must is of no use. */
void event_must(int rc, const char *what);

/* A one-shot timer on CLOCK_BOOTTIME that is off for now. */
sd_event_source *event_timer_new(
    sd_event *event, sd_event_time_handler_t handler, void *context) MUST_CHECK;

/* Let the timer fire after_ms from now, or never if that is negative. */
void event_timer_set(sd_event_source *timer, int64_t after_ms);

/* Let it fire after_ms from now, unless it does before. */
void event_timer_hasten(sd_event_source *timer, int64_t after_ms);

/* 32 random bits for jitter. */
uint32_t event_random(void);

#endif
