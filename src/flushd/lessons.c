/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "flushd/lessons.h"
#include "flushd/wake.h"
#include "mail/queue_id.h"

enum { REPEAT_MS = 60 * 60 * 1000 };

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

/* Whoever waits as long as the last time, and for the same reason, is no news.
 */
static bool
is_news(struct lessons *l, bool is_same, int64_t delay_ms)
{
	const int64_t now_ms = clock_boot_ms();

	if (is_same && delay_ms == WAKE_DELAY_MAX_MS && l->setback_ms > 0 &&
	    now_ms - l->setback_ms < REPEAT_MS)
		return false;
	l->setback_ms = delay_ms == WAKE_DELAY_MAX_MS ? now_ms : 0;
	return true;
}

/* is_explained: what is remembered are the words of the worker. */
static void
set_back(struct lessons *l, const char *site, const char *why, int64_t delay_ms,
    bool is_explained)
{
	const int delay_sec = (int)(delay_ms / 1000);
	struct buf words = BUF_INIT;
	bool is_same;

	buf_add_str(&words, why);
	if (delay_ms > 0)
		buf_add_format(&words, "; again in %d s", delay_sec);
	is_same = is_explained || strcmp(words.data, l->standing.error) == 0;
	if (delay_ms == 0)
		log_error("site=%s %s", site, why);
	else if (is_news(l, is_same, delay_ms))
		log_error("site=%s %s; again in %d s", site, why, delay_sec);
	if (!is_explained)
		standing_note(&l->standing, clock_wall_ms(), "%s", words.data);
	buf_release(&words);
}

void
lessons_setback(
    struct lessons *l, const char *site, const char *why, int64_t delay_ms)
{
	set_back(l, site, why, delay_ms, false);
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
	l->standing.crashes++;
	set_back(l, site, end->words, delay_ms, end->is_explained);
}
