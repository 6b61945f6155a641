/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "flushd/answer.h"
#include "flushd/health.h"
#include "flushd/keeper.h"
#include "flushd/overview.h"
#include "flushd/roster.h"
#include "flushd/slots.h"
#include "site/relay.h"

enum { REASON_SHOWN_MAX = 512 };

void
overview_log_relay(const struct overview *o, bool is_up, int64_t down_ms)
{
	const char *name = o->host->relay->name;
	const char *reason = health_reason(o->host->health);
	struct buf words = BUF_INIT;

	if (is_up) {
		log_notice("relay=%s state=up down_sec=%jd", name,
		    (intmax_t)(down_ms / 1000));
		return;
	}
	log_escape(&words, reason, strlen(reason), REASON_SHOWN_MAX);
	log_warning("relay=%s state=down waiting=%ju reason=\"%s\"", name,
	    (uintmax_t)roster_waiting(o->roster), words.data);
	buf_release(&words);
}

void
overview_add_notice(const struct overview *o, struct buf *line)
{
	const bool is_up = health_is_up(o->host->health);
	const char *reason = health_reason(o->host->health);
	const size_t count = roster_count(o->roster);

	buf_add_format(line, "%zu site%s, %ju waiting, relay %s is %s", count,
	    count == 1 ? "" : "s", (uintmax_t)roster_waiting(o->roster),
	    o->host->relay->name, is_up ? "up" : "down");
	if (is_up)
		return;
	buf_add_str(line, ": ");
	log_clean(line, reason, strlen(reason), REASON_SHOWN_MAX);
}

static struct answer_places
places(const struct slots *s)
{
	return (struct answer_places){
	    slots_used(s), slots_max(s), slots_waiting(s)};
}

static void
answer_relay(
    const struct overview *o, struct buf *out, const struct answer_time *now)
{
	const struct health *h = o->host->health;
	const struct answer_relay a = {
	    .name = o->host->relay->name,
	    .is_up = health_is_up(h),
	    .since_ms = health_since_ms(h),
	    .reason = health_reason(h),
	    .next_probe_ms = health_next_probe_ms(h),
	    .connections = places(o->host->connections),
	    .workers = places(o->host->workers),
	    .site_count = roster_count(o->roster),
	    .waiting = roster_waiting(o->roster),
	    .started_ms = o->started_ms,
	};

	answer_add_relay(out, &a, now);
}

/* Root may know all, and a site's user what is his. */
bool
overview_answer(const struct overview *o, uid_t uid, char *at, struct buf *out)
{
	const struct answer_time now = {clock_boot_ms(), clock_wall_ms()};

	if (roster_answer(o->roster, uid, at, out, &now))
		return true;
	/* By which it is seen that the answer is whole. */
	if (uid == 0)
		answer_relay(o, out, &now);
	return false;
}
