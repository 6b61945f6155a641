/* SPDX-License-Identifier: ISC */
/*
 * keeper.h - sees to it that one site's spool is emptied
 *
 *   Watches the spool while it has no worker, starts one when something was
 *   submitted or is due and there is a place for it, makes its connections to
 *   the relay, and learns from its end. It never opens the spool's environment,
 *   and what a worker says counts for that worker's spool only.
 */
#ifndef FLUSHD_KEEPER_H
#define FLUSHD_KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "site/policy.h"
#include "site/site.h"

struct answer_time;
struct health;
struct keeper;
struct relay;
struct slots;
struct watch;

enum keeper_end {
	KEEPER_STOPPED, /* as it was told to */
	KEEPER_DONE,	/* is_once: one pass, and nothing waits */
	KEEPER_FAILED,	/* is_once: something waits; is_only: see the log */
};

/* Called from the event loop when no worker runs and none will be started. */
typedef void keeper_ended_fn(void *context, struct keeper *k);

/* What the keepers of all sites share. */
struct keeper_host {
	sd_event *event;
	struct watch *watch;
	struct health *health;
	const struct relay *relay;
	struct slots *workers;	   /* that may run at the same time */
	struct slots *connections; /* that there may be */
	bool is_once;		   /* one pass over what is due, then end */
	bool is_only; /* there is but one site: it is locked for good, and
			 without it there is nothing to do */
	keeper_ended_fn *ended;
	void *context;
};

/* Takes the site over. Nothing is done before keeper_run(). */
struct keeper *keeper_new(const struct keeper_host *host, struct site *site,
    const struct policy *policy) MUST_CHECK;

/* Kills the worker; NULL is fine. */
void keeper_free(struct keeper *k);

/*
 * is_only: take the spool now, and wait for it a little. False: it cannot be
 * served, and the log says why.
 */
bool keeper_claim(struct keeper *k) MUST_CHECK;

/* The next worker goes by this; takes the site over. */
void keeper_update(
    struct keeper *k, struct site *site, const struct policy *policy);

/* Nothing is known of the site but its name, as its file is wrong: no worker
 * runs before keeper_update(). */
void keeper_bar(struct keeper *k);

/* Something may be due: let a worker look, soon. */
void keeper_run(struct keeper *k);

/* The same at once, though it failed before, and what was skipped is tried
 * again. */
void keeper_forgive(struct keeper *k);

/* Let no worker run any more; ended() is called when that is so. An open dot
 * is waited for. */
void keeper_stop(struct keeper *k);
void keeper_kill(struct keeper *k);

/* A probe has found out whether the relay takes mail. */
void keeper_take_verdict(struct keeper *k, bool is_up);

/* The breaker has opened. */
void keeper_relay_down(struct keeper *k);

const char *keeper_name(const struct keeper *k); /* the site's */
bool keeper_is_stopping(const struct keeper *k);
/* A worker waits for a place, or has not found anything to do so far. */
bool keeper_is_looking(const struct keeper *k);
bool keeper_has_ended(const struct keeper *k);
enum keeper_end keeper_end(const struct keeper *k); /* how */
uint64_t keeper_waiting(const struct keeper *k);    /* messages, as last said */
uid_t keeper_uid(const struct keeper *k);	    /* the site's */

/* Append the state of the site, see answer.h. */
void keeper_answer(
    const struct keeper *k, struct buf *out, const struct answer_time *now);

#endif
