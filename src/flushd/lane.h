/* SPDX-License-Identifier: ISC */
/*
 * lane.h - one connection of a worker, and the message that is on it
 *
 *   A lane takes a message, sends it, hands over what became of it, and takes
 *   the next one. What to send, and what a result is worth, is its user's
 *   matter; when a connection is over, so is who asks for another.
 */
#ifndef FLUSHD_LANE_H
#define FLUSHD_LANE_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/compiler.h"
#include "flushd/delivery.h"
#include "flushd/smtp.h"

struct lane;

/* What a lane did to a message. */
struct lane_report {
	const struct smtp_result *result;
	const char *relay;
	bool has_relay_dsn;
};

/* Called with the context from the event loop, or from within functions of the
 * lane. */
struct lane_user {
	/* False: nothing may be begun for now. */
	bool (*may_begin)(void *context);

	/* True: nothing may be begun before lane_go_on(), and the connection is
	 * kept. Not asked by who has a message. */
	bool (*must_wait)(void *context, const struct lane *l);

	/* The next message, in d: true. False: there is none for now. */
	bool (*next)(void *context, struct delivery *d);

	/* Something has become of the message, which is the user's now. False:
	 * begin nothing more. */
	bool (*settled)(void *context, struct delivery *d,
	    const struct lane_report *report);

	/* The relay is at fault, and the connection is over. */
	void (*complained)(
	    void *context, struct lane *l, const struct smtp_result *result);

	/* A relay has greeted us: the largest message it takes, 0: not said. */
	void (*met)(void *context, uint64_t size_limit);

	/* The message cannot be read: -EBADMSG, it was put back; otherwise the
	 * spool is of no use. */
	void (*failed)(void *context, int error);

	/* The message was not sent, and is the spool's again. */
	void (*put_back)(void *context, uint64_t id);

	/* The connection is over. */
	void (*over)(void *context);

	void *context;
};

/* Without a connection. helo_name is ours, for EHLO, and stays. */
struct lane *lane_new(sd_event *event, struct spool *spool,
    const char *helo_name, const struct lane_user *user) MUST_CHECK;
void lane_free(struct lane *l); /* NULL is fine */

/* Work on this connection, to a relay of this name, which the lane takes over;
 * there must be none yet. */
void lane_open(struct lane *l, int fd, const char *relay);
bool lane_is_open(const struct lane *l);

/* End the connection, if there is one, whatever is under way on it. */
void lane_close(struct lane *l);

/* Have a message ready: true, or false if there is none. */
bool lane_take(struct lane *l);
bool lane_has_message(const struct lane *l);

/* Give up the message, if there is one. */
void lane_put_back(struct lane *l);

/* The relay is up, whatever it did to us: that is held against the message, if
 * there is one. False: nothing more can be begun. */
bool lane_blame(struct lane *l, const char *reason);

/* Between the begin and the end of a transaction. */
bool lane_is_busy(const struct lane *l);

/* It waits for lane_go_on(), which else does nothing. Not from within what the
 * lane calls. */
bool lane_is_waiting(const struct lane *l);
void lane_go_on(struct lane *l);

/* The reply to a final dot is awaited. */
bool lane_is_dot_open(const struct lane *l);

#endif
