/* SPDX-License-Identifier: ISC */
/*
 * standing.h - what the supervisor remembers of a site, to be asked for
 *
 *   What comes from a worker was perhaps made up by its site: it is taken so
 *   that it can be added to what others say, and shown.
 */
#ifndef FLUSHD_STANDING_H
#define FLUSHD_STANDING_H

#include <stdint.h>

#include "base/compiler.h"
#include "flushd/depth.h"
#include "flushd/meter.h"
#include "flushd/settled.h"

enum { STANDING_ERROR_SIZE = 256 };

/* All zero: nothing is known yet. */
struct standing {
	struct depth depth;
	int64_t counted_ms; /* when it was so, wall clock; 0: never */
	struct meter meters[SETTLED_KIND_COUNT];
	struct meter arrived; /* messages, since the first time it counted */
	struct meter left;
	struct meter refused; /* submissions, as the site has noted it */
	uint64_t commits;
	uint64_t commit_us;
	char error[STANDING_ERROR_SIZE]; /* the last, printable; "": none */
	int64_t error_ms;		 /* wall clock */
	uint64_t crashes;		 /* of workers */
};

/*
 * A worker has counted; depth may be NULL: not what is there. Both clocks. What
 * has arrived is how much more there is than what did not leave since the last
 * time; so a message that somebody else removed hides one that came.
 */
void standing_take(struct standing *s, const struct depth *depth,
    const struct settled *settled, int64_t boot_ms, int64_t wall_ms);

/* So many more submissions were refused. */
void standing_refused(struct standing *s, uint64_t count, int64_t boot_ms);

/* Something went wrong. */
void standing_note(struct standing *s, int64_t wall_ms, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
