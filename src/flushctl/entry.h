/* SPDX-License-Identifier: ISC */
/*
 * entry.h - one message of a list, as mailq and as postqueue -j show it; pure
 *
 *   Recipients that were delivered are left out, as postfix does.
 */
#ifndef FLUSHCTL_ENTRY_H
#define FLUSHCTL_ENTRY_H

#include <stdint.h>

#include "base/buf.h"
#include "mail/envelope.h"
#include "spool/state.h"

struct entry {
	uint64_t id;
	const struct envelope *envelope; /* NULL: damaged */
	const struct message_state *state;
};

/* The line above the first entry. */
extern const char entry_heading[];

/* Append the entry as lines, without the empty line that follows it. */
void entry_add_text(struct buf *b, const struct entry *e);

/*
 * Append the entry as one JSON object and a newline, in ASCII. Bytes that are
 * not UTF-8 become U+FFFD.
 */
void entry_add_json(struct buf *b, const struct entry *e);

/* When a message that cannot be read came: its id says so. Milliseconds. */
int64_t entry_id_time_ms(uint64_t id);

#endif
