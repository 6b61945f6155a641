/* SPDX-License-Identifier: ISC */
/*
 * clock.h - the two clocks; only programs and the lock ask them
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds since boot, suspend included; never jumps. For deadlines. */
int64_t clock_boot_ms(void);

/* The same in microseconds, to see how long something takes. */
int64_t clock_boot_us(void);

/* Milliseconds since 1970, as the machine believes it. For stored times. */
int64_t clock_wall_ms(void);

/* One moment by both clocks; a boot_id of 0 is not known. */
struct clock_moment {
	int64_t wall_ms;
	int64_t boot_ms;  /* of that boot alone */
	uint64_t boot_id; /* which the kernel makes up at each boot */
};

/*
 * What it is now. The kernel is asked for its boot id the first time, in /proc:
 * call it once before the root directory is changed.
 */
struct clock_moment clock_now(void);

/*
 * Milliseconds from one moment to a later one; never less than 0. By the clock
 * that never jumps if it is the same boot, and known; else by the wall clock,
 * which somebody may have set meanwhile.
 */
int64_t clock_elapsed_ms(
    const struct clock_moment *from, const struct clock_moment *to);

bool clock_is_same_boot(
    const struct clock_moment *a, const struct clock_moment *b);

enum { CLOCK_TEXT_MAX = 48 };

/*
 * Write the date-time of RFC 5322 section 3.3 for wall_ms into text, of
 * CLOCK_TEXT_MAX bytes, and return text. Always UTC: a jail has no zone files,
 * and a zone named by the environment would be a file named by a stranger.
 * No file is read and no memory taken: signal handlers may call it.
 */
char *clock_rfc5322(int64_t wall_ms, char *text);

/* The same as RFC 3339 writes it, to the second: 2026-11-22T12:00:00Z. */
char *clock_rfc3339(int64_t wall_ms, char *text);

/* The same as mailq(1) writes it: "Sun Nov 22 12:00:00". */
char *clock_mailq(int64_t wall_ms, char *text);

#endif
