/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "flushd/event.h"

enum { ACCURACY_USEC = 1000 };

void
event_must(int rc, const char *what)
{
	if (rc >= 0)
		return;
	log_error("%s: %s", what, strerror(-rc));
	exit(EXIT_FAILURE);
}

sd_event_source *
event_timer_new(sd_event *event, sd_event_time_handler_t handler, void *context)
{
	sd_event_source *timer = NULL;

	event_must(sd_event_add_time(event, &timer, CLOCK_BOOTTIME, UINT64_MAX,
		       ACCURACY_USEC, handler, context),
	    "timer");
	event_timer_set(timer, -1);
	return timer;
}

static uint64_t
usec_from_now(int64_t ms)
{
	return (uint64_t)(clock_boot_ms() + ms) * 1000;
}

void
event_timer_set(sd_event_source *timer, int64_t after_ms)
{
	if (after_ms < 0) {
		event_must(
		    sd_event_source_set_enabled(timer, SD_EVENT_OFF), "timer");
		return;
	}
	event_must(
	    sd_event_source_set_time(timer, usec_from_now(after_ms)), "timer");
	event_must(
	    sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT), "timer");
}

void
event_timer_hasten(sd_event_source *timer, int64_t after_ms)
{
	int enabled;
	uint64_t at_usec;

	event_must(sd_event_source_get_enabled(timer, &enabled), "timer");
	event_must(sd_event_source_get_time(timer, &at_usec), "timer");
	if (enabled == SD_EVENT_OFF || at_usec > usec_from_now(after_ms))
		event_timer_set(timer, after_ms);
}

uint32_t
event_random(void)
{
	uint32_t bits = 0;

	/* Only jitter depends on it: without entropy there is just none. */
	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits))
		bits = 0;
	return bits;
}
