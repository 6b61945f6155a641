/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "base/clock.h"
#include "listing/listing.h"

/* ---- pages --------------------------------------------------------- */

static void
clear_page(struct listing *l)
{
	for (size_t i = 0; i < l->page.count; i++) {
		if (!l->page.entries[i].envelope)
			continue;
		envelope_release(&l->page.envelopes[i]);
		state_release(&l->page.states[i]);
	}
	l->page.count = 0;
	l->page.shown = 0;
}

/* Read a message into the page: how many recipients it has, or -errno. */
static int
read_message(struct listing *l, struct spool *s, uint64_t id)
{
	const size_t i = l->page.count;
	struct envelope *envelope = &l->page.envelopes[i];
	struct message_state *state = &l->page.states[i];
	int rc = spool_get(s, id, envelope, state);

	/* -ENOENT: some part is there, or its id would not be. */
	if (rc < 0 && rc != -EBADMSG && rc != -ENOENT)
		return rc;
	l->page.entries[i] = (struct entry){.id = id,
	    .site = l->site,
	    .site_width = l->site_width,
	    .width = l->width};
	if (rc == 0) {
		l->page.entries[i].envelope = envelope;
		l->page.entries[i].state = state;
		l->page.entries[i].is_sending = spool_is_sending(s, id);
	}
	l->page.count++;
	return rc == 0 ? (int)envelope->recipient_count : 0;
}

/* Forget the message that was read last. */
static void
drop_message(struct listing *l)
{
	const size_t i = --l->page.count;

	envelope_release(&l->page.envelopes[i]);
	state_release(&l->page.states[i]);
}

/* By time: those with a time. -ENOENT: no more. */
static int
read_scheduled(struct listing *l, struct spool *s)
{
	int64_t next_ms;
	int rc = spool_next_due(
	    s, INT64_MAX, &l->schedule.due_ms, &l->schedule.id, &next_ms);

	if (rc < 0)
		return rc;
	rc = read_message(l, s, l->schedule.id);
	/* What is no whole message comes with those that have no time. */
	if (rc >= 0 && !l->page.entries[l->page.count - 1].envelope)
		l->page.count--;
	return rc;
}

/* The next by age. -ENOENT: no more. */
static int
read_next(struct listing *l, struct spool *s)
{
	int rc = spool_next(s, &l->last_id);

	return rc < 0 ? rc : read_message(l, s, l->last_id);
}

/* By time: those without one. */
static int
read_unscheduled(struct listing *l, struct spool *s)
{
	const struct entry *e;
	int rc = read_next(l, s);

	if (rc < 0)
		return rc;
	e = &l->page.entries[l->page.count - 1];
	if (e->envelope && state_is_scheduled(e->state))
		drop_message(l);
	return rc;
}

static int
read_one(struct listing *l, struct spool *s)
{
	int rc;

	if (l->order == LISTING_BY_AGE)
		return read_next(l, s);
	if (l->schedule.is_over)
		return read_unscheduled(l, s);
	rc = read_scheduled(l, s);
	if (rc != -ENOENT)
		return rc;
	l->schedule.is_over = true;
	return read_unscheduled(l, s);
}

int
listing_read_page(struct listing *l, struct spool *s)
{
	const int64_t end_ms = clock_boot_ms() + LISTING_PAGE_MS;
	int recipients = 0;
	int rc;

	clear_page(l);
	do {
		rc = read_one(l, s);
		if (rc == -ENOENT)
			return 0;
		if (rc < 0)
			return rc;
		recipients += rc;
	} while (l->page.count < LISTING_PAGE_MESSAGES &&
		 recipients < LISTING_PAGE_RECIPIENTS &&
		 clock_boot_ms() < end_ms);
	return 1;
}

void
listing_release(struct listing *l)
{
	clear_page(l);
}

/* ---- entries ------------------------------------------------------- */

const struct entry *
listing_next(struct listing *l)
{
	const struct entry *e;

	do {
		if (l->page.shown == l->page.count)
			return NULL;
		e = &l->page.entries[l->page.shown++];
	} while (l->filter && !filter_matches(l->filter, e));
	l->count++;
	if (e->envelope)
		l->bytes += e->envelope->text_len;
	else
		l->damaged_count++;
	return e;
}

void
listing_add_text(const struct listing *l, const struct entry *e,
    struct buf *out, entry_time_fn *add_time)
{
	if (l->count == 1)
		entry_add_heading(out, e);
	else
		buf_add_char(out, '\n');
	entry_add_text(out, e, add_time);
}

void
listing_add_end(const struct listing *l, struct buf *out)
{
	if (l->count == 0)
		buf_add_str(out, "Mail queue is empty\n");
	else
		buf_add_format(out, "\n-- %ju Kbytes in %ju Request%s.\n",
		    (uintmax_t)(l->bytes / 1024), l->count,
		    l->count == 1 ? "" : "s");
}
