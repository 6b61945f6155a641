/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "flushd/answer.h"
#include "flushd/desk.h"
#include "flushd/event.h"
#include "flushd/roster.h"
#include "flushd/slots.h"
#include "site/conf.h"

enum { ROUND_MS = 10, LOOKING_MIN = 4 };

struct member {
	struct keeper *keeper;
	void (*due)(struct keeper *k); /* what the round is to do; NULL */
	bool is_looking;	       /* as the round has told it to */
	TAILQ_ENTRY(member) link;
};

struct roster {
	const struct keeper_host *host;
	TAILQ_HEAD(members, member) members; /* by name */
	sd_event_source *round_timer;
};

/* ---- who there is -------------------------------------------------- */

/* In front of next, or last. */
static struct keeper *
add(struct roster *r, struct member *next, struct site *site,
    const struct policy *policy)
{
	struct member *m = alloc_zeroed(sizeof(*m));

	m->keeper = keeper_new(r->host, site, policy);
	if (next)
		TAILQ_INSERT_BEFORE(next, m, link);
	else
		TAILQ_INSERT_TAIL(&r->members, m, link);
	return m->keeper;
}

static void
forget(struct roster *r, struct member *m)
{
	TAILQ_REMOVE(&r->members, m, link);
	keeper_free(m->keeper);
	free(m);
}

static int
compare(const struct member *m, const struct conf_site *c)
{
	return strcmp(keeper_name(m->keeper), c->name);
}

static void
stop_unless_wrong(struct member *m, const struct conf *conf)
{
	if (!conf_is_wrong(conf, keeper_name(m->keeper)))
		keeper_stop(m->keeper);
}

/* The first that is of this name and stays, or comes behind it; NULL: none. */
static struct member *
find(struct roster *r, const char *name)
{
	struct member *m;

	TAILQ_FOREACH(m, &r->members, link) {
		const int order = strcmp(keeper_name(m->keeper), name);

		if (order > 0 || (order == 0 && !keeper_is_stopping(m->keeper)))
			return m;
	}
	return NULL;
}

/* That can be seen by whoever asks how the sites are. */
static void
take_wrong(struct roster *r, const char *name)
{
	struct member *m = find(r, name);
	struct site site = {.name = alloc_copy(name, strlen(name))};
	const struct policy policy = {0};

	if (m && strcmp(keeper_name(m->keeper), name) == 0)
		site_release(&site);
	else
		keeper_bar(add(r, m, &site, &policy));
}

void
roster_take(struct roster *r, const struct conf *conf)
{
	struct member *m = TAILQ_FIRST(&r->members);
	struct site site;

	for (size_t i = 0; i < conf->site_count; i++) {
		const struct conf_site *c = &conf->sites[i];
		const struct policy *policy = &c->values.policy;

		for (; m && compare(m, c) < 0; m = TAILQ_NEXT(m, link))
			stop_unless_wrong(m, conf);
		/* One of that name may be on its way out. */
		while (m && compare(m, c) == 0 && keeper_is_stopping(m->keeper))
			m = TAILQ_NEXT(m, link);
		conf_get_site(c, &site);
		if (m && compare(m, c) == 0) {
			keeper_update(m->keeper, &site, policy);
			m = TAILQ_NEXT(m, link);
		} else {
			add(r, m, &site, policy);
		}
	}
	for (; m; m = TAILQ_NEXT(m, link))
		stop_unless_wrong(m, conf);
	for (size_t i = 0; i < conf->wrong_count; i++)
		take_wrong(r, conf->wrong[i]);
}

bool
roster_claim(struct roster *r, struct site *site, const struct policy *policy)
{
	return keeper_claim(add(r, NULL, site, policy));
}

bool
roster_reap(struct roster *r)
{
	struct member *next;

	for (struct member *m = TAILQ_FIRST(&r->members); m; m = next) {
		next = TAILQ_NEXT(m, link);
		if (keeper_has_ended(m->keeper))
			forget(r, m);
	}
	return TAILQ_EMPTY(&r->members);
}

/* ---- a round ------------------------------------------------------- */

/*
 * Those it has sent to look have half of the places, or wait for one; who is
 * not yet due hears of what comes as usual. One who has found something takes
 * turns as everybody does, and holds up nobody here.
 */
static size_t
count_looking(struct roster *r)
{
	size_t count = 0;
	struct member *m;

	TAILQ_FOREACH(m, &r->members, link) {
		m->is_looking &= keeper_is_looking(m->keeper);
		count += m->is_looking;
	}
	return count;
}

static int
on_round_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct roster *r = context;
	const size_t half = slots_max(r->host->workers) / 2;
	const size_t max = half > LOOKING_MIN ? half : LOOKING_MIN;
	size_t count = count_looking(r);
	struct member *m;

	(void)source;
	(void)usec;
	TAILQ_FOREACH(m, &r->members, link) {
		if (!m->due)
			continue;
		if (count >= max) {
			event_timer_set(r->round_timer, ROUND_MS);
			break;
		}
		m->due(m->keeper);
		m->due = NULL;
		m->is_looking = keeper_is_looking(m->keeper);
		count += m->is_looking;
	}
	return 0;
}

static void
begin_round(struct roster *r, void (*due)(struct keeper *k))
{
	struct member *m;

	TAILQ_FOREACH(m, &r->members, link)
		/* Whoever is to be forgiven is to be run too. */
		if (m->due != keeper_forgive)
			m->due = due;
	event_timer_set(r->round_timer, 0);
}

void
roster_run(struct roster *r)
{
	begin_round(r, keeper_run);
}

void
roster_forgive(struct roster *r)
{
	begin_round(r, keeper_forgive);
}

/* ---- for all of them ----------------------------------------------- */

void
roster_stop(struct roster *r)
{
	struct member *m;

	TAILQ_FOREACH(m, &r->members, link)
		keeper_stop(m->keeper);
}

void
roster_kill(struct roster *r)
{
	struct member *m;

	TAILQ_FOREACH(m, &r->members, link)
		keeper_kill(m->keeper);
}

void
roster_take_verdict(struct roster *r, bool is_up)
{
	struct member *m;

	TAILQ_FOREACH(m, &r->members, link)
		keeper_take_verdict(m->keeper, is_up);
}

void
roster_relay_down(struct roster *r)
{
	struct member *m;

	TAILQ_FOREACH(m, &r->members, link)
		keeper_relay_down(m->keeper);
}

/* ---- who asks ------------------------------------------------------ */

size_t
roster_count(const struct roster *r)
{
	size_t count = 0;
	struct member *m;

	TAILQ_FOREACH(m, &r->members, link)
		count++;
	return count;
}

uint64_t
roster_waiting(const struct roster *r)
{
	uint64_t sum = 0;
	struct member *m;

	TAILQ_FOREACH(m, &r->members, link)
		sum += keeper_waiting(m->keeper);
	return sum;
}

bool
roster_has_uid(const struct roster *r, uid_t uid)
{
	struct member *m;

	TAILQ_FOREACH(m, &r->members, link)
		if (keeper_uid(m->keeper) == uid)
			return true;
	return false;
}

bool
roster_answer(const struct roster *r, uid_t uid, char *at, struct buf *out,
    const struct answer_time *now)
{
	struct member *m;

	TAILQ_FOREACH(m, &r->members, link) {
		const char *name = keeper_name(m->keeper);

		if (strcmp(name, at) <= 0 ||
		    (uid != 0 && keeper_uid(m->keeper) != uid))
			continue;
		if (out->len >= DESK_PIECE_LEN)
			return true;
		keeper_answer(m->keeper, out, now);
		snprintf(at, DESK_NAME_SIZE, "%s", name);
	}
	return false;
}

/* ---- life ---------------------------------------------------------- */

struct roster *
roster_new(const struct keeper_host *host)
{
	struct roster *r = alloc_zeroed(sizeof(*r));

	r->host = host;
	TAILQ_INIT(&r->members);
	r->round_timer = event_timer_new(host->event, on_round_timer, r);
	return r;
}

void
roster_free(struct roster *r)
{
	struct member *next;

	if (!r)
		return;
	for (struct member *m = TAILQ_FIRST(&r->members); m; m = next) {
		next = TAILQ_NEXT(m, link);
		forget(r, m);
	}
	sd_event_source_unref(r->round_timer);
	free(r);
}
