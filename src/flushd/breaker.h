/* SPDX-License-Identifier: ISC */
/*
 * breaker.h - whether the relay is believed to be up; pure
 *
 *   Closed: mail flows. Open: nothing is tried but probes. Only what the
 *   supervisor sees itself (a connection refused) and what a probe says opens
 *   or closes it; a worker's complaint just asks for a probe.
 */
#ifndef FLUSHD_BREAKER_H
#define FLUSHD_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum breaker_event {
	BREAKER_REFUSED,    /* no connection: asking again is free */
	BREAKER_MISBEHAVED, /* connected, but the relay would take no mail */
	BREAKER_RECOVERED,  /* a probe went through */
};

struct breaker {
	bool is_open;
	unsigned int misbehaved; /* times in a row */
	int64_t next_probe_ms;	 /* clock_boot_ms(); while open */
	int64_t opened_ms;	 /* clock_boot_ms(); while open */
};

/*
 * Take in an event at now_ms; random is any 32 random bits. A probe is due 1 s
 * after a refusal, and 1, 2, 4 ... 30 s after each misbehaviour in a row, less
 * a jitter of up to a quarter of that; a refusal ends the row. True if the
 * breaker opened or closed by it. All zero is a closed breaker.
 */
bool breaker_event(struct breaker *b, enum breaker_event event, int64_t now_ms,
    uint32_t random);

#endif
