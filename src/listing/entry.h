/* SPDX-License-Identifier: ISC */
/*
 * entry.h - one message of a list, as mailq shows it; pure
 *
 *   Recipients that were delivered, or whose failure was reported, are left
 *   out, as postfix does.
 */
#ifndef LISTING_ENTRY_H
#define LISTING_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/envelope.h"
#include "spool/state.h"

struct entry {
	uint64_t id;
	const struct envelope *envelope; /* NULL: damaged */
	const struct message_state *state;
	bool is_sending;  /* the relay is being given it right now */
	const char *site; /* shown in front of the id; NULL: not */
	int site_width;	  /* of the column, in which others may be longer */
	int width; /* of a terminal: reasons are broken into lines that fit, and
		      addresses have lines of their own; 0: each is one line,
		      as programs want it */
};

/* In less no list is broken into lines. */
enum { ENTRY_WIDTH_MIN = 60 };

/* Append a time as "Sun Nov 22 09:58:10", in the zone of whoever reads it. */
typedef void entry_time_fn(struct buf *b, int64_t wall_ms);

/* The line above the first entry, without sites; and for one with a site. */
extern const char entry_heading[];
void entry_add_heading(struct buf *b, const struct entry *e);

/* Append the entry as lines, without the empty line that follows it. */
void entry_add_text(
    struct buf *b, const struct entry *e, entry_time_fn *add_time);

/* When a message that cannot be read came: its id says so. Milliseconds. */
int64_t entry_id_time_ms(uint64_t id);

#endif
