/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>

#include "flushctl/drain.h"
#include "flushctl/verdict.h"
#include "listing/display.h"

enum { RELAY_DOWN_CRITICAL_SEC = 60, REASON_SHOWN_MAX = 200 };

#define NONE UINT64_MAX /* as a limit */

const char *const verdict_names[] = {
    [VERDICT_OK] = "OK",
    [VERDICT_WARNING] = "WARNING",
    [VERDICT_CRITICAL] = "CRITICAL",
    [VERDICT_UNKNOWN] = "UNKNOWN",
};

const struct thresholds verdict_thresholds = {
    .waiting = {1000, 10000},
    .age_sec = {15 * 60, 2 * 3600},
};

/* What is being judged, and what is wrong so far: "a, b". */
struct judgement {
	const struct snapshot *snapshot;
	const struct thresholds *thresholds;
	struct snapshot_sum sum;
	int64_t now_sec;
	enum verdict verdict;
	struct buf wrong;
};

/* ---- what is wrong ------------------------------------------------- */

/* Something is so bad; what it is comes behind. */
static void
blame(struct judgement *j, enum verdict verdict)
{
	if (verdict > j->verdict)
		j->verdict = verdict;
	if (j->wrong.len > 0)
		buf_add_str(&j->wrong, ", ");
}

static enum verdict
compare(uint64_t value, const struct threshold *t)
{
	return value > t->crit	 ? VERDICT_CRITICAL
	       : value > t->warn ? VERDICT_WARNING
				 : VERDICT_OK;
}

/* A "|" would begin what a program reads. */
static void
add_words(struct buf *out, const char *words)
{
	const size_t begin = out->len;

	display_add(out, words);
	if (out->len - begin > REASON_SHOWN_MAX) {
		out->len = begin + REASON_SHOWN_MAX;
		out->data[out->len] = '\0';
		buf_add_str(out, "...");
	}
	for (char *p = out->data + begin; *p; p++)
		if (*p == '|')
			*p = '/';
}

static void
judge_relay(struct judgement *j)
{
	const struct snapshot_relay *r = &j->snapshot->relay;
	const int64_t down_sec = j->now_sec - r->since_sec;

	if (snapshot_is_relay_up(j->snapshot))
		return;
	if (!j->snapshot->has_relay) {
		blame(j, VERDICT_CRITICAL);
		buf_add_str(&j->wrong, "relay is down");
		return;
	}
	blame(j, down_sec < RELAY_DOWN_CRITICAL_SEC ? VERDICT_WARNING
						    : VERDICT_CRITICAL);
	buf_add_str(&j->wrong, "relay is down for ");
	drain_add_duration(&j->wrong, down_sec);
	if (*r->reason) {
		buf_add_str(&j->wrong, " (");
		add_words(&j->wrong, r->reason);
		buf_add_char(&j->wrong, ')');
	}
}

/* One site's spool is the site's trouble; all of them are the host's. */
static void
judge_errors(struct judgement *j)
{
	const struct snapshot *s = j->snapshot;

	if (j->sum.in_error == 0)
		return;
	blame(
	    j, j->sum.in_error < s->count ? VERDICT_WARNING : VERDICT_CRITICAL);
	buf_add_format(&j->wrong, "%zu site%s in error", j->sum.in_error,
	    j->sum.in_error == 1 ? "" : "s");
	for (size_t i = 0; i < s->count; i++)
		if (snapshot_is_in_error(&s->sites[i])) {
			buf_add_str(&j->wrong, " (");
			add_words(&j->wrong, s->sites[i].name);
			buf_add_str(&j->wrong, ": ");
			add_words(&j->wrong, s->sites[i].error);
			buf_add_char(&j->wrong, ')');
			return;
		}
}

/* Append " (NAME: N)", the site that has most of it. */
static void
add_worst(struct judgement *j, uint64_t (*value)(const struct snapshot_site *))
{
	const struct snapshot_site *worst = NULL;

	for (size_t i = 0; i < j->snapshot->count; i++) {
		const struct snapshot_site *site = &j->snapshot->sites[i];

		if (!worst || value(site) > value(worst))
			worst = site;
	}
	if (!worst || j->snapshot->count == 1)
		return;
	buf_add_str(&j->wrong, " (");
	add_words(&j->wrong, worst->name);
	buf_add_format(&j->wrong, ": %" PRIu64 ")", value(worst));
}

static void
judge_waiting(struct judgement *j)
{
	const enum verdict v = compare(j->sum.waiting, &j->thresholds->waiting);

	if (v == VERDICT_OK)
		return;
	blame(j, v);
	buf_add_format(&j->wrong, "%" PRIu64 " waiting", j->sum.waiting);
	add_worst(j, snapshot_waiting);
}

/*
 * Of a site that keeps held or failed messages nobody knows whose age it is:
 * they may lie for weeks while all that waits is new.
 */
static enum verdict
judge_age_of(const struct judgement *j, const struct snapshot_site *site)
{
	enum verdict v;

	if (site->oldest_age_sec == SNAPSHOT_NEVER ||
	    snapshot_waiting(site) == 0)
		return VERDICT_OK;
	v = compare((uint64_t)site->oldest_age_sec, &j->thresholds->age_sec);
	if (v == VERDICT_CRITICAL &&
	    site->count[PHASE_HELD] + site->count[PHASE_FAILED] > 0)
		v = VERDICT_WARNING;
	return v;
}

static void
judge_age(struct judgement *j)
{
	const struct snapshot_site *worst = NULL;
	enum verdict verdict = VERDICT_OK;

	for (size_t i = 0; i < j->snapshot->count; i++) {
		const struct snapshot_site *site = &j->snapshot->sites[i];
		const enum verdict v = judge_age_of(j, site);

		if (v > verdict ||
		    (worst && v == verdict &&
			site->oldest_age_sec > worst->oldest_age_sec)) {
			worst = site;
			verdict = v;
		}
	}
	if (!worst)
		return;
	blame(j, verdict);
	buf_add_str(&j->wrong, "the oldest is ");
	drain_add_duration(&j->wrong, worst->oldest_age_sec);
	buf_add_str(&j->wrong, " old (");
	add_words(&j->wrong, worst->name);
	buf_add_char(&j->wrong, ')');
}

static uint64_t
held(const struct snapshot_site *site)
{
	return site->count[PHASE_HELD];
}

static uint64_t
failed(const struct snapshot_site *site)
{
	return site->count[PHASE_FAILED];
}

static void
judge_kept(struct judgement *j)
{
	const uint64_t held_count = j->sum.count[PHASE_HELD];
	const uint64_t failed_count = j->sum.count[PHASE_FAILED];

	if (held_count > j->thresholds->held) {
		blame(j, VERDICT_WARNING);
		buf_add_format(&j->wrong, "%" PRIu64 " held", held_count);
		add_worst(j, held);
	}
	if (failed_count > j->thresholds->failed) {
		blame(j, VERDICT_WARNING);
		buf_add_format(&j->wrong, "%" PRIu64 " failed", failed_count);
		add_worst(j, failed);
	}
}

/* ---- what a program reads ------------------------------------------ */

static void
add_limit(struct buf *out, uint64_t limit)
{
	buf_add_char(out, ';');
	if (limit != NONE)
		buf_add_format(out, "%" PRIu64, limit);
}

static void
add_value(struct buf *out, const char *name, uint64_t value, const char *unit,
    uint64_t warn, uint64_t crit)
{
	buf_add_format(out, " %s=%" PRIu64 "%s", name, value, unit);
	add_limit(out, warn);
	add_limit(out, crit);
	buf_add_str(out, ";0");
}

static void
add_values(struct buf *out, const struct judgement *j)
{
	const struct thresholds *t = j->thresholds;
	const struct snapshot_sum *sum = &j->sum;
	const int64_t age_sec = sum->oldest_age_sec;

	buf_add_str(out, " |");
	add_value(
	    out, "waiting", sum->waiting, "", t->waiting.warn, t->waiting.crit);
	add_value(out, "oldest", age_sec > 0 ? (uint64_t)age_sec : 0, "s",
	    t->age_sec.warn, t->age_sec.crit);
	add_value(out, "held", sum->count[PHASE_HELD], "", t->held, NONE);
	add_value(out, "failed", sum->count[PHASE_FAILED], "", t->failed, NONE);
	add_value(out, "in_error", sum->in_error, "", 0, NONE);
	add_value(out, "sites", j->snapshot->count, "", NONE, NONE);
	add_value(out, "in_per_minute", sum->per_minute[COUNTED_ARRIVED], "",
	    NONE, NONE);
	add_value(out, "out_per_minute", sum->per_minute[COUNTED_LEFT], "",
	    NONE, NONE);
}

enum verdict
verdict_add(struct buf *out, const struct snapshot *s,
    const struct thresholds *t, int64_t now_sec)
{
	struct judgement j = {.snapshot = s,
	    .thresholds = t,
	    .sum = snapshot_add_up(s),
	    .now_sec = now_sec,
	    .verdict = VERDICT_OK,
	    .wrong = BUF_INIT};

	judge_relay(&j);
	judge_errors(&j);
	judge_waiting(&j);
	judge_age(&j);
	judge_kept(&j);
	buf_add_format(out, "MAIL %s: ", verdict_names[j.verdict]);
	if (j.wrong.len > 0)
		buf_add_str(out, j.wrong.data);
	else
		buf_add_format(out,
		    "relay is up, %" PRIu64 " waiting in %zu site%s",
		    j.sum.waiting, s->count, s->count == 1 ? "" : "s");
	add_values(out, &j);
	buf_release(&j.wrong);
	return j.verdict;
}
