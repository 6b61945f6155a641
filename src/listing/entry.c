/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "listing/display.h"
#include "listing/entry.h"
#include "mail/queue_id.h"

/*
 * The columns of postfix's showq: id and mark, size, time, address; reasons
 * end at a column of their own. Programs parse this. A site's name makes the
 * first one wider.
 */
#define FORMAT_ENTRY "%-*s %7ju %20.20s "
enum {
	ID_WIDTH = 11,
	ADDRESS_COLUMN = 41,
	REASON_WIDTH = 76,
	BEHIND_ID = 28,	    /* bytes of size and time */
	BROKEN_COLUMN = 12, /* of a reason that takes several lines */
};

const char entry_heading[] =
    "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n";

/* SIZE_MAX: of any. */
static size_t
width_of(const struct entry *e)
{
	if (e->width == 0)
		return SIZE_MAX;
	return e->width > ENTRY_WIDTH_MIN ? (size_t)e->width : ENTRY_WIDTH_MIN;
}

/* With the slash behind it. */
static int
site_column(const struct entry *e)
{
	return e->site ? e->site_width + 1 : 0;
}

void
entry_add_heading(struct buf *b, const struct entry *e)
{
	struct buf line = BUF_INIT;

	if (e->site)
		buf_add_format(&line, "%-*s%s", ID_WIDTH + site_column(e),
		    "-Site/Queue ID-", entry_heading + ID_WIDTH);
	else
		buf_add_str(&line, entry_heading);
	if (line.len - 1 > width_of(e)) {
		buf_add(b, line.data, width_of(e));
		buf_add_char(b, '\n');
	} else {
		buf_add(b, line.data, line.len);
	}
	buf_release(&line);
}

int64_t
entry_id_time_ms(uint64_t id)
{
	return (int64_t)(id / 1000);
}

static const char *
mark_of(const struct entry *e)
{
	if (!e->envelope || e->state->phase == PHASE_HELD ||
	    e->state->phase == PHASE_FAILED)
		return "!";
	return e->is_sending ? "*" : "";
}

static void
add_head(struct buf *b, const struct entry *e, entry_time_fn *add_time)
{
	char id[QUEUE_ID_TEXT_MAX];
	struct buf name = BUF_INIT;
	struct buf when = BUF_INIT;

	if (e->site)
		buf_add_format(&name, "%s/", e->site);
	buf_add_format(&name, "%s%s", queue_id_format(e->id, id), mark_of(e));
	add_time(&when,
	    e->envelope ? e->envelope->submitted_ms : entry_id_time_ms(e->id));
	buf_add_char(&when, ' ');
	/* A long name of a site has a line of its own. */
	if (e->site && name.len + BEHIND_ID > width_of(e)) {
		buf_add_format(b, "%s\n", name.data);
		buf_clear(&name);
	}
	buf_add_format(b, FORMAT_ENTRY, ID_WIDTH + site_column(e), name.data,
	    (uintmax_t)(e->envelope ? e->envelope->text_len : 0), when.data);
	buf_release(&when);
	buf_release(&name);
}

/* ---- addresses ----------------------------------------------------- */

/* A line, in its column or where it ends with the terminal; never broken. */
static void
add_address_line(struct buf *b, const struct entry *e, const struct buf *text)
{
	const size_t width = width_of(e);
	size_t column = ADDRESS_COLUMN + (size_t)site_column(e);

	if (column + text->len > width)
		column = text->len + 1 < width ? width - text->len : 1;
	buf_add_format(b, "%*s%s\n", (int)column, "", text->data);
}

/* Of the last line so far. */
static size_t
line_len(const struct buf *b)
{
	const char *end = memrchr(b->data, '\n', b->len);

	return end ? (size_t)(b->data + b->len - end - 1) : b->len;
}

/* Behind the head, or below where it does not fit. */
static void
add_sender(struct buf *b, const struct entry *e, size_t column)
{
	struct buf text = BUF_INIT;

	display_add_sender(&text, e->envelope->sender);
	if (column + text.len > width_of(e)) {
		while (b->data[b->len - 1] == ' ')
			b->len--;
		buf_add_char(b, '\n');
		add_address_line(b, e, &text);
	} else {
		buf_add_format(b, "%s\n", text.data);
	}
	buf_release(&text);
}

/* ---- reasons ------------------------------------------------------- */

/* Append a line in parentheses that ends where postfix lets it end. */
static void
add_reason(struct buf *b, const struct entry *e, const struct buf *reason)
{
	const size_t width = width_of(e);
	struct buf line = BUF_INIT;
	size_t end = REASON_WIDTH + 2;

	buf_add_format(&line, "(%s)", reason->data);
	if (end > width)
		end = width;
	if (line.len <= width) {
		buf_add_format(b, "%*s%s",
		    (int)(line.len < end ? end - line.len : 0), "", line.data);
	} else {
		/* Below the first word of it, not its parenthesis. */
		buf_add_format(b, "%*s", BROKEN_COLUMN, "");
		display_add_broken(b, line.data, line.len,
		    width - BROKEN_COLUMN - 1, BROKEN_COLUMN + 1);
	}
	buf_add_char(b, '\n');
	buf_release(&line);
}

/*
 * How much of why it is held is to be said: what the relay has said is said of
 * the recipient.
 */
static size_t
reason_len(const struct message_state *s)
{
	const size_t len = strlen(s->reason);
	size_t shown = len;

	for (size_t i = 0; i < s->recipient_count; i++) {
		const struct recipient_state *r = &s->recipients[i];
		const size_t reply_len = r->reply ? strlen(r->reply) : 0;

		if (!recipient_is_settled(r) && reply_len > 0 &&
		    reply_len <= len &&
		    strcmp(s->reason + len - reply_len, r->reply) == 0 &&
		    len - reply_len < shown)
			shown = len - reply_len;
	}
	while (shown < len && shown > 0 && strchr(": ", s->reason[shown - 1]))
		shown--;
	return shown;
}

/* New messages get no line: there is nothing to say. */
static void
add_state(struct buf *b, const struct entry *e, entry_time_fn *add_time)
{
	const struct message_state *s = e->state;
	struct buf line = BUF_INIT;

	if (s->phase == PHASE_NEW && !e->is_sending)
		return;
	buf_add_str(
	    &line, e->is_sending ? "sending" : message_phase_names[s->phase]);
	if (s->attempts > 0)
		buf_add_format(&line, ", %ju attempt%s", (uintmax_t)s->attempts,
		    s->attempts == 1 ? "" : "s");
	if (state_is_scheduled(s) && !e->is_sending) {
		buf_add_str(&line, ", next ");
		add_time(&line, s->due_ms);
	}
	if (s->reason && reason_len(s) > 0) {
		char *reason = alloc_copy(s->reason, reason_len(s));

		buf_add_str(&line, ": ");
		display_add(&line, reason);
		free(reason);
	}
	add_reason(b, e, &line);
	buf_release(&line);
}

static void
add_recipients(struct buf *b, const struct entry *e)
{
	const struct message_state *s = e->state;
	const char *last = "";

	for (size_t i = 0; i < s->recipient_count; i++) {
		const struct recipient_state *r = &s->recipients[i];
		struct buf text = BUF_INIT;

		if (recipient_is_settled(r))
			continue;
		if (r->reply && strcmp(r->reply, last) != 0) {
			display_add(&text, r->reply);
			add_reason(b, e, &text);
			buf_clear(&text);
		}
		last = r->reply ? r->reply : "";
		display_add(&text, e->envelope->recipients[i].address);
		add_address_line(b, e, &text);
		buf_release(&text);
	}
}

void
entry_add_text(struct buf *b, const struct entry *e, entry_time_fn *add_time)
{
	add_head(b, e, add_time);
	if (!e->envelope) {
		struct buf line = BUF_INIT;

		buf_add_str(b, "-\n");
		buf_add_str(&line, "damaged: its records cannot be read");
		add_reason(b, e, &line);
		buf_release(&line);
		return;
	}
	add_sender(b, e, line_len(b));
	add_state(b, e, add_time);
	add_recipients(b, e);
}
