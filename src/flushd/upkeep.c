/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "flushd/keep.h"
#include "flushd/turn.h"
#include "flushd/upkeep.h"

/* Messages put on hold in one transaction, which senders wait for. */
enum { HELD_AT_ONCE = 200 };

/* ---- copies -------------------------------------------------------- */

static int
is_copy(struct spool *s)
{
	int rc = turn_begin(s, SPOOL_READ);

	if (rc < 0)
		return rc;
	rc = spool_is_copy(s);
	spool_abort(s);
	return rc;
}

/* A spool that has another site's name is a copy. */
static int
name_site(struct spool *s, const char *site)
{
	bool is_ours;
	int rc = turn_begin(s, SPOOL_READ);

	if (rc < 0)
		return rc;
	is_ours = spool_is_of(s, site);
	spool_abort(s);
	if (is_ours)
		return 0;
	rc = turn_begin(s, SPOOL_CHANGE);
	return rc < 0 ? rc : turn_end(s, spool_name_site(s, site));
}

int
upkeep_begin(struct spool *s, const char *site)
{
	uint64_t after_id = 0;
	uintmax_t sum = 0;
	size_t held = 0;
	int rc = 0;

	if (*site != '\0')
		rc = name_site(s, site);
	if (rc == 0)
		rc = is_copy(s);
	if (rc <= 0)
		return rc;
	do {
		rc = turn_begin(s, SPOOL_CHANGE);
		if (rc < 0)
			return rc;
		rc = spool_hold_copied(s, &after_id, HELD_AT_ONCE, &held);
		rc = turn_end(s, rc);
		if (rc >= 0)
			sum += held;
	} while (rc > 0);
	if (sum > 0)
		log_warning("copied spool: %ju messages on hold, as the "
			    "original may have sent them",
		    sum);
	return rc;
}

/* ---- what was removed ---------------------------------------------- */

int
upkeep_sweep(struct spool *s)
{
	int rc;

	do {
		rc = turn_begin(s, SPOOL_CHANGE);
		if (rc < 0)
			return rc;
		rc = spool_sweep(s, clock_wall_ms());
		if (rc == 0) {
			spool_abort(s);
			return 0;
		}
		rc = turn_end(s, rc);
	} while (rc > 0);
	return rc;
}

/* ---- when nothing is due ------------------------------------------- */

/* What there is to do. */
struct needs {
	bool expire;
	bool sweep;
	bool repair;
	bool shrink;
};

static int
find_needs(struct spool *s, struct needs *n)
{
	struct spool_counters counters;
	int rc = turn_begin(s, SPOOL_READ);

	if (rc < 0)
		return rc;
	n->expire = spool_get_counters(s, &counters) == 0 &&
		    counters.count[PHASE_FAILED] > 0;
	n->sweep = spool_has_leftovers(s, clock_wall_ms());
	n->repair = spool_is_doubtful(s);
	n->shrink = spool_is_oversized(s);
	spool_discard_new(s);
	spool_abort(s);
	return 0;
}

static uintmax_t
messages(struct spool *s)
{
	struct spool_counters c = {0};
	uintmax_t sum = 0;

	if (spool_get_counters(s, &c) == 0)
		for (int i = 0; i < PHASE_COUNT; i++)
			sum += c.count[i];
	return sum;
}

/*
 * A repair that was whole and leaves a reason for another one has found what it
 * cannot mend: messages that a walk through the schedule does not come to.
 */
static int
check_repair(struct spool *s)
{
	struct spool_counters c = {0};
	int rc = turn_begin(s, SPOOL_READ);

	if (rc < 0)
		return rc;
	if (spool_is_doubtful(s) && spool_get_counters(s, &c) == 0 &&
	    !c.is_doubtful)
		rc = -EBADMSG;
	spool_abort(s);
	return rc;
}

static int
repair(struct spool *s)
{
	uintmax_t counted;
	uintmax_t found;
	int rc = turn_begin(s, SPOOL_CHANGE);

	if (rc < 0)
		return rc;
	counted = messages(s);
	rc = spool_repair(s);
	found = messages(s);
	rc = turn_end(s, rc);
	if (rc > 0)
		log_warning("the counters did not agree with the messages: "
			    "repaired, %ju counted, %ju found",
		    counted, found);
	if (rc >= 0)
		rc = check_repair(s);
	/* The schedule may have got entries too. */
	return rc < 0 ? rc : 1;
}

static int
shrink(struct spool *s)
{
	int rc = turn_begin(s, SPOOL_CHANGE);

	if (rc == 0)
		rc = spool_shrink(s);
	if (rc > 0)
		log_info("empty: its file was replaced by a small one");
	return rc < 0 ? rc : 0;
}

int
upkeep_idle(struct spool *s, const struct retry_policy *policy)
{
	const struct clock_moment now = clock_now();
	struct needs n;
	int rc = find_needs(s, &n);

	if (rc == 0 && n.expire)
		rc = keep_expire(s, policy, &now);
	if (rc == 0 && n.expire)
		rc = find_needs(s, &n);
	if (rc == 0 && n.sweep)
		rc = upkeep_sweep(s);
	if (rc == 0 && n.repair)
		rc = repair(s);
	if (rc == 0 && (n.shrink || n.sweep))
		rc = shrink(s);
	return rc;
}

/* ---- the relay ----------------------------------------------------- */

bool
upkeep_knows_relay(struct spool *s)
{
	struct spool_settings settings;
	bool is_known = false;

	if (turn_begin(s, SPOOL_READ) < 0)
		return false;
	if (spool_get_settings(s, &settings) == 0)
		is_known = settings.is_relay_known;
	spool_abort(s);
	return is_known;
}

/* Most of the time there is nothing to change, and no need to write. */
static int
note(struct spool *s, bool (*change)(struct spool_settings *, const void *),
    const void *what)
{
	struct spool_settings settings;
	int rc = turn_begin(s, SPOOL_READ);

	if (rc < 0)
		return rc;
	rc = spool_get_settings(s, &settings);
	spool_abort(s);
	if (rc < 0 || !change(&settings, what))
		return rc;
	rc = turn_begin(s, SPOOL_CHANGE);
	if (rc < 0)
		return rc;
	rc = spool_get_settings(s, &settings);
	if (rc == 0 && change(&settings, what))
		rc = spool_set_settings(s, &settings);
	rc = turn_end(s, rc);
	return rc < 0 ? rc : 1;
}

static bool
change_relay(struct spool_settings *settings, const void *what)
{
	const uint64_t bytes_max = *(const uint64_t *)what;

	if (settings->is_relay_known && settings->relay_bytes_max == bytes_max)
		return false;
	settings->is_relay_known = true;
	settings->relay_bytes_max = bytes_max;
	return true;
}

int
upkeep_note_relay(struct spool *s, uint64_t bytes_max)
{
	int rc = note(s, change_relay, &bytes_max);

	if (rc > 0)
		log_info(
		    "relay takes messages of %ju bytes", (uintmax_t)bytes_max);
	return rc < 0 ? rc : 0;
}

/* ---- the operator -------------------------------------------------- */

static bool
change_limits(struct spool_settings *settings, const void *what)
{
	const struct policy *p = what;

	const bool may_refuse = p->over_rate == POLICY_REFUSE;

	if (settings->message_bytes_max == p->message_bytes_max &&
	    settings->recipients_max == p->recipients_max &&
	    settings->quota_bytes == p->quota_bytes &&
	    strcmp(settings->domain, p->domain) == 0 &&
	    (may_refuse || settings->refuse_until_ms == 0))
		return false;
	if (!may_refuse)
		settings->refuse_until_ms = 0;
	settings->message_bytes_max = p->message_bytes_max;
	settings->recipients_max = p->recipients_max;
	settings->quota_bytes = p->quota_bytes;
	snprintf(settings->domain, sizeof(settings->domain), "%s", p->domain);
	return true;
}

static bool
change_refusal(struct spool_settings *settings, const void *what)
{
	const int64_t until_ms = *(const int64_t *)what;

	if (settings->refuse_until_ms == until_ms)
		return false;
	settings->refuse_until_ms = until_ms;
	return true;
}

int
upkeep_note_refusal(struct spool *s, int64_t until_ms)
{
	int rc = note(s, change_refusal, &until_ms);

	return rc < 0 ? rc : 0;
}

int
upkeep_note_policy(struct spool *s, const struct policy *p)
{
	int rc = p->has_limits ? note(s, change_limits, p) : 0;

	return rc < 0 ? rc : 0;
}
