/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "flushd/answer.h"
#include "flushd/health.h"
#include "flushd/keeper.h"
#include "flushd/lessons.h"
#include "flushd/line.h"
#include "flushd/minder.h"
#include "flushd/slots.h"
#include "flushd/wake.h"

struct keeper {
	const struct keeper_host *host;
	struct site site;
	struct policy policy;

	struct wake wake;	  /* when the next worker is to run */
	struct slots_guest place; /* among the workers */
	struct site_spool spool;  /* while a worker runs, or is_only */
	struct minder *minder;	  /* of the worker; NULL: none runs */
	struct line *line;	  /* to the relay, for it */
	struct line *second_line; /* likewise, while there is one to spare */
	bool is_complaint_open;	  /* it waits for a verdict */
	bool is_at_work;	  /* it has found something to do */
	bool is_last_look;	  /* it leaves if it finds nothing */

	struct lessons lessons; /* of its workers */
	int64_t next_due_ms;	/* as one has said, wall clock */

	bool is_barred; /* nobody knows where its spool is */
	bool is_stopping;
	bool has_ended;
	enum keeper_end end;
};

/* ---- what a worker says -------------------------------------------- */

static void
on_line(void *context, int fd)
{
	struct keeper *k = context;

	if (fd < 0)
		minder_tell(k->minder, CHANNEL_RELAY_DOWN, "");
	else
		minder_lend(k->minder, 0, k->host->relay->name, fd);
}

/* It goes on with the first. */
static void
on_second_line(void *context, int fd)
{
	struct keeper *k = context;

	if (fd >= 0)
		minder_lend(k->minder, 1, k->host->relay->name, fd);
}

static void
close_lines(struct keeper *k)
{
	line_close(k->line);
	line_close(k->second_line);
}

static void
on_need_relay(struct keeper *k, const struct channel_message *m)
{
	/* It works: what it commits is no news, and what others do it finds
	 * when it looks for more. */
	k->is_at_work = true;
	k->is_last_look = false;
	wake_unwatch(&k->wake);
	k->wake.is_wanted = minder_is_leaving(k->minder);
	k->wake.empty_runs = 0;
	if (minder_is_leaving(k->minder))
		return;
	if (!health_is_up(k->host->health))
		minder_tell(k->minder, CHANNEL_RELAY_DOWN, "");
	else if (m->line == 0)
		line_open(k->line);
	else
		line_open_spare(k->second_line);
}

static void
on_complaint(struct keeper *k, const struct channel_message *m)
{
	struct buf words = BUF_INIT;

	log_escape(&words, m->text, strlen(m->text), sizeof(m->text));
	log_notice("site=%s relay=%s complaint=\"%s\"", k->site.name,
	    k->host->relay->name, words.data);
	lessons_take_complaint(&k->lessons, words.data);
	k->is_complaint_open = true;
	health_probe(k->host->health, words.data);
	buf_release(&words);
}

static void
on_idle(struct keeper *k, const struct channel_message *m)
{
	k->is_last_look = true;
	k->next_due_ms = m->next_due_ms;
	close_lines(k);
	/* From here on nothing is missed: what came before the watch is found
	 * by the last look, what comes after it is seen by the watch. */
	wake_watch(&k->wake, k->site.name, k->spool.dir_fd);
	wake_at(&k->wake, m->next_due_ms);
	minder_tell(k->minder, CHANNEL_LOOK_AGAIN, "");
}

static void
on_heard(void *context, const struct channel_message *m)
{
	struct keeper *k = context;

	switch (m->kind) {
	case CHANNEL_COUNTS:
		lessons_take_counts(&k->lessons, m);
		return;
	case CHANNEL_NEED_RELAY:
		on_need_relay(k, m);
		return;
	case CHANNEL_COMPLAINT:
		on_complaint(k, m);
		return;
	case CHANNEL_IDLE:
		on_idle(k, m);
		return;
	case CHANNEL_ENDS_AT:
		lessons_take_end(&k->lessons, k->site.name, m);
		return;
	case CHANNEL_ALIVE:
	case CHANNEL_POLICY:
	case CHANNEL_RELAY:
	case CHANNEL_RELAY_UP:
	case CHANNEL_RELAY_DOWN:
	case CHANNEL_LOOK_AGAIN:
	case CHANNEL_KIND_COUNT:
	default:
		return;
	}
}

static void
on_silent(void *context, int sec)
{
	struct keeper *k = context;

	lessons_error(&k->lessons, k->site.name,
	    "worker is silent for %d s: killed", sec);
}

/* ---- its end ------------------------------------------------------- */

static void
end(struct keeper *k, enum keeper_end how)
{
	k->is_stopping = true;
	k->has_ended = true;
	k->end = how;
	wake_stop(&k->wake);
	slots_leave(k->host->workers, &k->place);
	k->host->ended(k->host->context, k);
}

/* It was the last one. */
static void
on_last_worker_ended(struct keeper *k, const struct minder_end *worker)
{
	if (!worker->is_well)
		lessons_take_crash(&k->lessons, k->site.name, worker, 0);
	if (k->is_stopping) {
		end(k, k->end);
	} else if (k->lessons.is_wiser ||
		   (worker->is_well && worker->was_leaving)) {
		/* One pass takes more than one, without a pause. */
		k->wake.empty_runs = 0;
		keeper_run(k);
	} else {
		end(k, worker->is_well && keeper_waiting(k) == 0
			   ? KEEPER_DONE
			   : KEEPER_FAILED);
	}
}

static void
on_crash(struct keeper *k, const struct minder_end *worker)
{
	/* The next worker gets further. */
	if (k->lessons.is_wiser)
		k->wake.crashes = 0;
	lessons_take_crash(
	    &k->lessons, k->site.name, worker, wake_back_off(&k->wake));
}

/* Its site's user may have told it to, and nothing else would wake the site. */
static void
on_left_early(struct keeper *k)
{
	log_warning("site=%s worker left before its work was done; again in "
		    "%d s",
	    k->site.name, (int)(wake_back_off(&k->wake) / 1000));
}

/* The next one runs when there is a reason to. */
static void
on_well_ended(struct keeper *k, const struct minder_end *worker)
{
	k->wake.crashes = 0;
	if (worker->is_relay_down && !health_is_up(k->host->health))
		k->wake.is_wanted = true;
	else if (worker->is_relay_down || k->wake.is_wanted ||
		 k->wake.is_wanted_again)
		keeper_run(k);
	else if (!k->is_last_look)
		on_left_early(k);
}

static void
on_worker_ended(void *context, const struct minder_end *worker)
{
	struct keeper *k = context;

	k->minder = NULL;
	k->is_complaint_open = false;
	/* What comes while the relay is down is to be counted. */
	if (worker->is_relay_down && !k->is_stopping)
		wake_watch(&k->wake, k->site.name, k->spool.dir_fd);
	close_lines(k);
	if (!k->host->is_only)
		site_close(&k->spool);
	slots_leave(k->host->workers, &k->place);
	if (k->host->is_once || k->is_stopping)
		on_last_worker_ended(k, worker);
	else if (worker->is_well)
		on_well_ended(k, worker);
	else
		on_crash(k, worker);
}

/* ---- its birth ----------------------------------------------------- */

/* Nothing that a worker could be given. */
static void
on_no_spool(struct keeper *k, const char *why)
{
	const bool is_end = k->host->is_once || k->host->is_only;

	slots_leave(k->host->workers, &k->place);
	lessons_setback(&k->lessons, k->site.name, why,
	    is_end ? 0 : wake_back_off(&k->wake));
	if (is_end)
		end(k, KEEPER_FAILED);
}

/* Not worth the end of a flushd that has but one site. */
static void
on_no_worker(struct keeper *k)
{
	if (!k->host->is_only)
		site_close(&k->spool);
	slots_leave(k->host->workers, &k->place);
	if (k->host->is_once)
		end(k, KEEPER_FAILED);
	else
		wake_delay(&k->wake, WAKE_DELAY_MAX_MS);
}

static bool
open_spool(struct keeper *k)
{
	struct buf why = BUF_INIT;
	int rc;

	if (k->host->is_only) {
		if (site_is_there(&k->site, &k->spool))
			return true;
		on_no_spool(k, "was removed or replaced");
		return false;
	}
	site_find_user(&k->site);
	rc = site_open(&k->site, &k->spool);
	if (rc == 0)
		return true;
	site_explain(&k->site, rc, &why);
	on_no_spool(k, why.data);
	buf_release(&why);
	return false;
}

/* It has a place. */
static void
start_worker(void *context)
{
	struct keeper *k = context;
	const struct minder_task task = {
	    .site = k->site.name,
	    .spool = &k->spool,
	    .policy = &k->policy,
	    .rate = &k->lessons.rate,
	    .refused_mark = &k->lessons.refused_mark,
	    .caution = &k->lessons.caution,
	};
	const struct minder_host host = {
	    .heard = on_heard,
	    .silent = on_silent,
	    .ended = on_worker_ended,
	    .context = k,
	};

	if (!open_spool(k))
		return;
	wake_begin(&k->wake);
	k->lessons.is_wiser = false;
	k->is_at_work = false;
	k->is_last_look = false;
	k->minder = minder_new(k->host->event, &task, &host);
	if (!k->minder)
		on_no_worker(k);
}

/* Its turn is over; it goes to the end of those who wait. */
static void
on_turn_over(void *context)
{
	struct keeper *k = context;

	k->wake.is_wanted = true;
	minder_let_go(k->minder);
}

void
keeper_run(struct keeper *k)
{
	if (k->is_stopping || k->is_barred)
		return;
	if (k->minder)
		k->wake.is_wanted = true;
	else if (wake_ask(&k->wake, health_is_up(k->host->health)) &&
		 slots_enter(k->host->workers, &k->place))
		start_worker(k);
}

static void
on_wake(void *context)
{
	keeper_run(context);
}

/* ---- the relay ----------------------------------------------------- */

void
keeper_take_verdict(struct keeper *k, bool is_up)
{
	if (k->is_complaint_open) {
		k->is_complaint_open = false;
		minder_tell(k->minder,
		    is_up ? CHANNEL_RELAY_UP : CHANNEL_RELAY_DOWN,
		    health_reason(k->host->health));
	}
	if (is_up && !k->minder && k->wake.is_wanted)
		keeper_run(k);
}

void
keeper_relay_down(struct keeper *k)
{
	if (line_is_awaited(k->line)) {
		line_close(k->line);
		minder_tell(k->minder, CHANNEL_RELAY_DOWN, "");
	}
}

/* ---- life ---------------------------------------------------------- */

struct keeper *
keeper_new(const struct keeper_host *host, struct site *site,
    const struct policy *policy)
{
	struct keeper *k = alloc_zeroed(sizeof(*k));

	k->host = host;
	k->site = *site;
	*site = (struct site){0};
	k->policy = *policy;
	k->place = (struct slots_guest){
	    .entered = start_worker, .asked = on_turn_over, .context = k};
	k->spool = (struct site_spool){.dir_fd = -1, .lock_fd = -1};
	k->next_due_ms = INT64_MAX;
	wake_init(&k->wake, host->event, host->watch, on_wake, k);
	k->line = line_new(host->event, host->relay, host->health,
	    host->connections, on_line, on_turn_over, k);
	k->second_line = line_new(host->event, host->relay, host->health,
	    host->connections, on_second_line, on_turn_over, k);
	return k;
}

void
keeper_free(struct keeper *k)
{
	if (!k)
		return;
	minder_free(k->minder);
	line_free(k->line);
	line_free(k->second_line);
	wake_release(&k->wake);
	slots_leave(k->host->workers, &k->place);
	site_close(&k->spool);
	site_release(&k->site);
	free(k);
}

bool
keeper_claim(struct keeper *k)
{
	const int rc = site_claim(&k->site, &k->spool);

	if (rc < 0)
		log_error("%s: %s", k->site.name, site_error(rc));
	return rc == 0;
}

void
keeper_update(struct keeper *k, struct site *site, const struct policy *policy)
{
	site_release(&k->site);
	k->site = *site;
	*site = (struct site){0};
	k->policy = *policy;
	k->is_barred = false;
}

void
keeper_bar(struct keeper *k)
{
	k->is_barred = true;
	lessons_error(&k->lessons, k->site.name,
	    "its file is wrong; 'flushd --check' says where");
}

void
keeper_forgive(struct keeper *k)
{
	k->lessons.caution.skipped_count = 0;
	wake_forgive(&k->wake);
	/* One that is at work does not know of it. */
	k->wake.is_wanted_again = k->minder != NULL;
	keeper_run(k);
}

void
keeper_stop(struct keeper *k)
{
	if (k->is_stopping)
		return;
	k->is_stopping = true;
	k->end = k->host->is_once ? KEEPER_FAILED : KEEPER_STOPPED;
	if (k->minder)
		minder_let_go(k->minder);
	else
		end(k, k->end);
}

void
keeper_kill(struct keeper *k)
{
	minder_kill(k->minder);
}

const char *
keeper_name(const struct keeper *k)
{
	return k->site.name;
}

bool
keeper_is_stopping(const struct keeper *k)
{
	return k->is_stopping;
}

bool
keeper_is_looking(const struct keeper *k)
{
	return k->place.where == SLOTS_WAITING || (k->minder && !k->is_at_work);
}

bool
keeper_has_ended(const struct keeper *k)
{
	return k->has_ended;
}

enum keeper_end
keeper_end(const struct keeper *k)
{
	return k->end;
}

uint64_t
keeper_waiting(const struct keeper *k)
{
	return depth_waiting(&k->lessons.standing.depth);
}

uid_t
keeper_uid(const struct keeper *k)
{
	return k->site.uid;
}

static enum answer_state
state(const struct keeper *k)
{
	if (k->is_stopping)
		return ANSWER_STOPPING;
	if (k->place.where == SLOTS_WAITING || line_is_awaited(k->line))
		return ANSWER_WAITING;
	if (k->minder)
		return ANSWER_WORKING;
	return k->wake.is_delayed || k->is_barred ? ANSWER_DELAYED
						  : ANSWER_IDLE;
}

void
keeper_answer(
    const struct keeper *k, struct buf *out, const struct answer_time *now)
{
	const struct answer_site a = {
	    .site = &k->site,
	    .standing = &k->lessons.standing,
	    .state = state(k),
	    .next_due_ms = k->next_due_ms,
	    .is_relay_up = health_is_up(k->host->health),
	};

	answer_add_site(out, &a, now);
}
