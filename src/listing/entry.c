/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "listing/display.h"
#include "listing/entry.h"
#include "mail/queue_id.h"

/*
 * The columns of postfix's showq: id and mark, size, time, address; reasons
 * end at a column of their own. Programs parse this. A site's name makes the
 * first one wider.
 */
#define FORMAT_ENTRY "%-*s %7ju %20.20s "
enum { ID_WIDTH = 11, ADDRESS_COLUMN = 41, REASON_WIDTH = 76 };

const char entry_heading[] =
    "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n";

/* With the slash behind it. */
static int
site_column(const struct entry *e)
{
	return e->site ? e->site_width + 1 : 0;
}

void
entry_add_heading(struct buf *b, const struct entry *e)
{
	if (e->site)
		buf_add_format(b, "%-*s%s", ID_WIDTH + site_column(e),
		    "-Site/Queue ID-", entry_heading + ID_WIDTH);
	else
		buf_add_str(b, entry_heading);
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
	buf_add_format(b, FORMAT_ENTRY, ID_WIDTH + site_column(e), name.data,
	    (uintmax_t)(e->envelope ? e->envelope->text_len : 0), when.data);
	buf_release(&when);
	buf_release(&name);
}

/* Append a line in parentheses that ends where postfix lets it end. */
static void
add_reason(struct buf *b, const struct buf *reason)
{
	if (reason->len < REASON_WIDTH)
		buf_add_format(b, "%*s", REASON_WIDTH - (int)reason->len, "");
	buf_add_format(b, "(%s)\n", reason->data);
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
	if (s->reason) {
		buf_add_str(&line, ": ");
		display_add(&line, s->reason);
	}
	add_reason(b, &line);
	buf_release(&line);
}

static void
add_recipients(struct buf *b, const struct entry *e)
{
	const struct message_state *s = e->state;
	const char *last = "";

	for (size_t i = 0; i < s->recipient_count; i++) {
		const struct recipient_state *r = &s->recipients[i];

		if (recipient_is_settled(r))
			continue;
		if (r->reply && strcmp(r->reply, last) != 0) {
			struct buf line = BUF_INIT;

			display_add(&line, r->reply);
			add_reason(b, &line);
			buf_release(&line);
		}
		last = r->reply ? r->reply : "";
		buf_add_format(b, "%*s", ADDRESS_COLUMN + site_column(e), "");
		display_add(b, e->envelope->recipients[i].address);
		buf_add_char(b, '\n');
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
		add_reason(b, &line);
		buf_release(&line);
		return;
	}
	display_add_sender(b, e->envelope->sender);
	buf_add_char(b, '\n');
	add_state(b, e, add_time);
	add_recipients(b, e);
}
