/* SPDX-License-Identifier: ISC */
/*
 * listing.h - the messages of a spool in pages
 *
 *   Senders   wait for one page at most, which is soon read. What was read is
 *             shown when the lock is let go: whoever reads it may be slow.
 *   Memory    that of one page, however long the queue is.
 *   Trust     every byte of an entry is hostile; the text is fit for a
 *             terminal.
 */
#ifndef LISTING_LISTING_H
#define LISTING_LISTING_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "listing/entry.h"
#include "listing/filter.h"
#include "spool/spool.h"

enum {
	/* A page ends as soon as it has one of these, or took so long. */
	LISTING_PAGE_MESSAGES = 100,
	LISTING_PAGE_RECIPIENTS = 5000,
	LISTING_PAGE_MS = 10,
};

enum listing_order {
	LISTING_BY_AGE,	 /* the oldest first */
	LISTING_BY_TIME, /* what is tried next first, then what waits for a
			    person; one that is put off meanwhile may come
			    twice */
};

struct listing {
	const struct filter *filter; /* NULL: all */
	enum listing_order order;
	const char *site; /* of entries: entry.h */
	int site_width;
	int width;

	uint64_t last_id; /* read so far */
	struct {
		int64_t due_ms;
		uint64_t id;
		bool is_over;
	} schedule; /* read so far, when by time */
	struct {
		size_t count;
		size_t shown;
		struct entry entries[LISTING_PAGE_MESSAGES];
		struct envelope envelopes[LISTING_PAGE_MESSAGES];
		struct message_state states[LISTING_PAGE_MESSAGES];
	} page; /* entries point into it: not to be copied */

	uintmax_t count; /* of all that was shown */
	uintmax_t damaged_count;
	uint64_t bytes;
};

/* Begin with zeros, or what is wanted in front; release in any case. */
void listing_release(struct listing *l);

/*
 * Replace the page by the one behind it, inside a transaction of s. 1 while
 * there is more behind that, 0 if not, or -errno; what was read before an error
 * is in the page.
 */
int listing_read_page(struct listing *l, struct spool *s) MUST_CHECK;

/* The next entry of the page that is wanted, counted as shown; NULL: no more.
 */
const struct entry *listing_next(struct listing *l);

/* Append the entry that was shown last, behind what separates it. */
void listing_add_text(const struct listing *l, const struct entry *e,
    struct buf *out, entry_time_fn *add_time);

/* Append the line below all entries, or the one that says there are none. */
void listing_add_end(const struct listing *l, struct buf *out);

#endif
