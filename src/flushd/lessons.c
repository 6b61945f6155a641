/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "flushd/lessons.h"
#include "mail/queue_id.h"

void
lessons_error(struct lessons *l, const char *site, const char *fmt, ...)
{
	struct buf words = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_add_vformat(&words, fmt, ap);
	va_end(ap);
	log_error("site=%s %s", site, words.data);
	standing_note(&l->standing, clock_wall_ms(), "%s", words.data);
	buf_release(&words);
}

void
lessons_take_counts(struct lessons *l, const struct channel_message *m)
{
	const int64_t now_ms = clock_boot_ms();

	l->rate = m->rate;
	rate_clamp(&l->rate, now_ms);
	/* Only the next worker of this site has to do with it. */
	l->refused_mark = m->refused_mark;
	standing_take(&l->standing, m->has_depth ? &m->depth : NULL,
	    &m->settled, now_ms, clock_wall_ms());
	standing_refused(&l->standing, m->refused, now_ms);
}

void
lessons_take_end(
    struct lessons *l, const char *site, const struct channel_message *m)
{
	char id[QUEUE_ID_TEXT_MAX];

	if (m->is_sent)
		l->caution.must_prove = true;
	if (!caution_skip(&l->caution, m->id))
		return;
	l->is_wiser = true;
	lessons_error(l, site,
	    "id=%s status=skipped reason=\"%s\"; again after SIGHUP",
	    queue_id_format(m->id, id),
	    m->is_sent ? "sent, but that cannot be recorded"
		       : "a worker ended at it");
}

void
lessons_take_complaint(struct lessons *l, const char *words)
{
	standing_note(
	    &l->standing, clock_wall_ms(), "relay complaint: %s", words);
}

void
lessons_take_crash(struct lessons *l, const char *site,
    const struct minder_end *end, int64_t delay_ms)
{
	char outlook[32] = "";

	if (delay_ms > 0)
		snprintf(outlook, sizeof(outlook), "; again in %d s",
		    (int)(delay_ms / 1000));
	l->standing.crashes++;
	if (end->is_explained)
		log_error("site=%s %s%s", site, end->words, outlook);
	else
		lessons_error(l, site, "%s%s", end->words, outlook);
}
