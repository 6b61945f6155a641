/* SPDX-License-Identifier: ISC */
/*
 * state.h - what has become of a message so far
 *
 *   The part of a message that changes. A message leaves the spool when no
 *   recipient is pending or failed any more: each was delivered, or its sender
 *   was told. Until then it is in one of the
 *   states of enum message_phase.
 */
#ifndef SPOOL_STATE_H
#define SPOOL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

enum message_phase {
	PHASE_NEW,	/* nobody tried it yet; due */
	PHASE_DEFERRED, /* tried; due again at due_ms */
	PHASE_HELD,	/* waits for an operator; reason says why */
	PHASE_FAILED,	/* nothing pending, but a recipient was refused */
	PHASE_COUNT
};

/* "new", "deferred", "held", "failed". */
extern const char *const message_phase_names[PHASE_COUNT];

enum recipient_status {
	RECIPIENT_PENDING,   /* to be tried, first or again */
	RECIPIENT_DELIVERED, /* the relay took it: never again */
	RECIPIENT_FAILED,    /* the relay refused it for good, or it expired */
	RECIPIENT_REPORTED,  /* the same, and its sender has been told */
	RECIPIENT_COUNT
};

/* "pending", "delivered", "failed", "reported". */
extern const char *const recipient_status_names[RECIPIENT_COUNT];

enum {
	STATE_REPLY_MAX = 512,	/* bytes kept of what a relay said */
	STATE_REASON_MAX = 512, /* bytes of why a message is held */
};

struct recipient_state {
	enum recipient_status status;
	char *reply; /* the last that was said about it; NULL: nothing yet */
};

/* True if nothing more is to be done: delivered, or failed and reported. */
bool recipient_is_settled(const struct recipient_state *r);

struct message_state {
	enum message_phase phase;
	uint32_t attempts;	 /* real ones: the relay was up */
	uint32_t ambiguous_dots; /* times the reply to the final dot was lost */
	int64_t due_ms;		 /* wall clock; NEW and DEFERRED only */
	int64_t last_attempt_ms; /* wall clock; 0: never */
	int64_t last_attempt_boot_ms;  /* by clock_boot_ms(), of... */
	uint64_t last_attempt_boot_id; /* ...this boot; 0: not known */
	int64_t age_ms; /* time that counts towards its lifetime: retry.h */
	bool is_delay_reported; /* the sender was told that it takes long */
	char *reason;		/* why held; NULL otherwise */
	struct recipient_state *recipients; /* in the envelope's order */
	size_t recipient_count;
};

/* New, due at due_ms, every one of recipient_count pending. */
void state_init(
    struct message_state *s, size_t recipient_count, int64_t due_ms);
void state_release(struct message_state *s);

/* Set what was last said about a recipient, cut to STATE_REPLY_MAX. */
void state_set_reply(
    struct message_state *s, size_t recipient, const char *reply);

/* Put the message on hold for a reason, cut to STATE_REASON_MAX. */
void state_hold(struct message_state *s, const char *reason);

/*
 * Take the message off hold: due at due_ms if somebody is still to get it.
 * False if it is not held, and nothing changes.
 */
bool state_resume(struct message_state *s, int64_t due_ms);

/*
 * Try the message again at due_ms: one that waits for that; of one that failed
 * those whose failure was not reported, as if they had not been tried. True if
 * it is one of these, else nothing changes.
 */
bool state_retry(struct message_state *s, int64_t due_ms);

/* True if the message waits for a time: new or deferred. */
bool state_is_scheduled(const struct message_state *s);

/* How many recipients have this status. */
size_t state_count(const struct message_state *s, enum recipient_status status);

#endif
