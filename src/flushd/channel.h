/* SPDX-License-Identifier: ISC */
/*
 * channel.h - what the supervisor and a worker say to each other
 *
 *   A SOCK_SEQPACKET socket pair; each packet is one message, some carry a
 *   descriptor. End of file means stop, whichever side sees it.
 *
 *   worker                            supervisor
 *                                     POLICY     what to go by: the first word
 *   COUNTS      what there is, and what
 *               became of what I sent
 *   NEED_RELAY  a connection, please  RELAY      here it is
 *                                     RELAY_DOWN leave: you will be called
 *   COMPLAINT   the relay misbehaved  RELAY_UP   not so: blame the message
 *                                     RELAY_DOWN it does: leave
 *   IDLE        nothing is due        LOOK_AGAIN the watch is armed: look
 *                                                once more, then leave
 *   ENDS_AT     I end at this message
 *   ALIVE       nothing else for a while
 *
 *   Trust        a worker has read a hostile spool: nothing it says is
 *                believed beyond its own site.
 */
#ifndef FLUSHD_CHANNEL_H
#define FLUSHD_CHANNEL_H

#include <stdint.h>

#include "base/compiler.h"
#include "flushd/depth.h"
#include "flushd/settled.h"
#include "site/policy.h"
#include "site/refused_log.h"

enum channel_kind {
	CHANNEL_COUNTS,
	CHANNEL_NEED_RELAY,
	CHANNEL_COMPLAINT,
	CHANNEL_IDLE,
	CHANNEL_ENDS_AT,
	CHANNEL_ALIVE,
	CHANNEL_POLICY,
	CHANNEL_RELAY,
	CHANNEL_RELAY_UP,
	CHANNEL_RELAY_DOWN,
	CHANNEL_LOOK_AGAIN,
	CHANNEL_KIND_COUNT
};

/* Connections that a worker may have at a time. */
enum { CHANNEL_LINES = 2 };

struct channel_message {
	enum channel_kind kind;
	int line;	     /* NEED_RELAY, RELAY: which, from 0 on; what is not
				the first is given only if there is one to
				spare, and nothing is said if there is not */
	int64_t next_due_ms; /* IDLE: wall clock; INT64_MAX: never */
	uint64_t id;	     /* ENDS_AT */
	int is_sent;	     /* ENDS_AT: not 0 if the spool does not say so */
	struct depth depth;  /* COUNTS: when the spool was looked at last */
	int has_depth;	     /* COUNTS: not 0 if it was */
	struct settled settled; /* COUNTS: since the last */
	uint64_t refused;	/* COUNTS: submissions, since the last */
	char text[512]; /* COMPLAINT, RELAY_UP: what the relay did; RELAY: its
			   name */
	struct policy policy;		  /* POLICY */
	struct rate rate;		  /* COUNTS, POLICY */
	struct refused_mark refused_mark; /* COUNTS, POLICY */
};

/*
 * Send a message, with the descriptor fd unless that is -1, without waiting:
 * -EAGAIN if the other side does not read. 0 or -errno.
 */
int channel_send(
    int channel, const struct channel_message *m, int fd) MUST_CHECK;

/*
 * Receive a message and the descriptor that came with it, or -1; with fd NULL,
 * descriptors are discarded whatever their number. 0; -EPIPE at end of file;
 * -EAGAIN; -EPROTO for what is none; or -errno.
 */
int channel_receive(int channel, struct channel_message *m, int *fd) MUST_CHECK;

#endif
