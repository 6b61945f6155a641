/* SPDX-License-Identifier: ISC */
/*
 * minder.h - one worker's life, as its supervisor sees it
 *
 *   Starts it, with what it is to go by as the first word on its channel, and
 *   passes on what it says. A worker that is silent for 50 s (see pulse.h),
 *   does not read or talks nonsense is killed. What its end means is found
 *   out here; what follows from that is the keeper's affair.
 */
#ifndef FLUSHD_MINDER_H
#define FLUSHD_MINDER_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/compiler.h"
#include "flushd/caution.h"
#include "flushd/channel.h"
#include "site/policy.h"
#include "site/rate.h"
#include "site/refused_log.h"
#include "site/site.h"

struct minder;

/* What a worker is given; the caller's, and not needed when it has started. */
struct minder_task {
	const char *site; /* its name, for the log */
	const struct site_spool *spool;
	const struct policy *policy;
	const struct rate *rate; /* what was sent lately */
	const struct refused_mark *refused_mark;
	const struct caution *caution;
};

struct minder_end {
	const char *words;  /* for the log and who asks; valid in the call */
	bool is_well;	    /* nothing is wrong with worker or spool */
	bool is_relay_down; /* it left because of that */
	bool is_explained;  /* it has said itself what went wrong */
	bool was_leaving;   /* it had been told to */
};

/* Who has a minder. All are called from the event loop. */
struct minder_host {
	/* It says something that is for the supervisor. When it has ended,
	 * only COUNTS and ENDS_AT of what it said before are passed on. */
	void (*heard)(void *context, const struct channel_message *m);
	/* It was silent for so long, and has been killed. */
	void (*silent)(void *context, int sec);
	/* It has ended, all it said was passed on, and the minder is gone. */
	void (*ended)(void *context, const struct minder_end *end);
	void *context;
};

/* Start a worker; NULL: could not, and why is in the log. */
struct minder *minder_new(sd_event *event, const struct minder_task *task,
    const struct minder_host *host) MUST_CHECK;

/* Kill it without a call, and wait; NULL is fine. */
void minder_free(struct minder *m);

/*
 * Tell it something. Without a worker (NULL is fine), or if it is leaving,
 * nothing is said.
 */
void minder_tell(struct minder *m, enum channel_kind kind, const char *text);

/* The same: lend it a connection to a relay of this name, for that line. */
void minder_lend(struct minder *m, int line, const char *relay, int fd);

/* Tell it to leave when an open dot is settled. It hears nothing more from us,
 * and may still say something. */
void minder_let_go(struct minder *m);
bool minder_is_leaving(const struct minder *m);

/* Kill it: ended() will be called. NULL is fine. */
void minder_kill(struct minder *m);

#endif
