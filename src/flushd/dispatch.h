/* SPDX-License-Identifier: ISC */
/*
 * dispatch.h - send what is due over one connection or two, and record it
 *
 *   Brings together where messages come from (supply), the connections that
 *   they leave by (lane), and what is to be recorded of them (ledger), and
 *   tells the supervisor what is needed. Ends the event loop when there is
 *   nothing left to do, with an exit status of enum child_exit.
 */
#ifndef FLUSHD_DISPATCH_H
#define FLUSHD_DISPATCH_H

#include <systemd/sd-event.h>

#include "base/compiler.h"
#include "flushd/caution.h"
#include "flushd/channel.h"
#include "flushd/child.h"
#include "site/policy.h"
#include "site/rate.h"
#include "site/refused_log.h"
#include "spool/spool.h"

struct dispatch;

/* What earlier workers of the site have left to this one. */
struct dispatch_past {
	struct caution caution;
	struct rate rate; /* what was sent lately */
	struct refused_mark refused_mark;
};

/* policy and helo_name stay. */
struct dispatch *dispatch_new(sd_event *event, struct spool *spool,
    const struct policy *policy, const char *helo_name,
    const struct dispatch_past *past) MUST_CHECK;
void dispatch_free(struct dispatch *x); /* NULL is fine */

/* Look for something to do. */
void dispatch_start(struct dispatch *x);

/* The supervisor's words, see channel.h: a connection to a relay, which is
 * taken over; that it is up, whatever it did to us; that the spool is watched
 * from here on. */
void dispatch_take_relay(
    struct dispatch *x, int line, int fd, const char *relay);
void dispatch_relay_is_up(struct dispatch *x, const char *reason);
void dispatch_look_again(struct dispatch *x);

/* Begin nothing more; an open dot is waited for, as is its record. */
void dispatch_stop(struct dispatch *x, enum child_exit status);

/* End, whatever is under way. */
void dispatch_leave(struct dispatch *x, enum child_exit status);

/* Tell the supervisor what is known of the spool. */
void dispatch_tell_counts(struct dispatch *x);

#endif
