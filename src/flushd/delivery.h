/* SPDX-License-Identifier: ISC */
/*
 * delivery.h - one message on its way from the spool to the relay
 *
 *   Holds at most DELIVERY_PIECE bytes of text and what one read adds to them,
 *   whatever the size of the message, and takes the spool's lock for one piece
 *   at a time.
 */
#ifndef FLUSHD_DELIVERY_H
#define FLUSHD_DELIVERY_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "flushd/smtp.h"
#include "mail/envelope.h"
#include "mail/queue_id.h"
#include "mail/text.h"
#include "spool/digest.h"
#include "spool/spool.h"
#include "spool/state.h"

enum { DELIVERY_PIECE = 1 << 20 };

enum delivery_stage { DELIVERY_TRACE, DELIVERY_TEXT, DELIVERY_END };

struct delivery {
	uint64_t id;
	char name[QUEUE_ID_TEXT_MAX]; /* the id as people see it */
	int64_t loaded_ms;	      /* when, by clock_boot_ms() */
	struct envelope envelope;
	struct message_state state;
	size_t tried[SMTP_RECIPIENTS_MAX]; /* of this transaction, in state */
	const struct recipient *recipients[SMTP_RECIPIENTS_MAX];
	struct smtp_message message; /* of this transaction */
	struct text_size size;	     /* of trace line and text on the wire */
	struct buf trace;	     /* our Received line, ahead of the text */
	struct buf piece;	     /* of the text */
	struct buf head;	     /* its beginning; only if not whole */
	bool is_whole;		     /* the piece is all of it */
	unsigned int received_count; /* Received fields, in its first piece */
	uint64_t checksum;	     /* of the text as it was verified */
	const char *host;	     /* ours, as the trace line has it */
	char domain[RECORD_DOMAIN_MAX + 1]; /* of the site; "": not set */

	/* Where the transaction is in the text. */
	enum delivery_stage stage;
	uint32_t next_chunk;
	struct digest *digest; /* of what was read; only if not whole */
};

/* What a trace line says of where a message comes from; both stay. */
struct delivery_from {
	const char *host;
	const char *site; /* "": it has no name */
};

/* A message that came by so many servers goes round in circles. */
enum { DELIVERY_RECEIVED_MAX = 30 };

/*
 * Read and verify a message whole that the schedule has at due_ms, in a turn of
 * SPOOL_CHANGE that is to be aborted: what recording its outcome will do is
 * tried in it. Of a long text that turn is ended and another begun. Addresses
 * without a domain get the site's, if it has one. -ENOENT: it is gone; -ESTALE:
 * it is not due then; -EBADMSG: it is damaged, by its records, its checksum or
 * a NUL in its text; -ELOOP: it is new, and has more than DELIVERY_RECEIVED_MAX
 * Received fields in the first DELIVERY_PIECE bytes (RFC 5321 section 6.3);
 * otherwise the spool cannot be read. On success release.
 */
int delivery_load(struct delivery *d, struct spool *s, uint64_t id,
    int64_t due_ms, const struct delivery_from *from) MUST_CHECK;
void delivery_release(struct delivery *d);

/* Make to what from is, and from one that was released. Not in a transaction
 * with the relay. */
void delivery_move(struct delivery *to, struct delivery *from);

/*
 * True if an operator has removed it, or put it on hold, since it was loaded:
 * it must not be sent. Looked up in the spool, unless it was loaded just now.
 */
bool delivery_is_off(const struct delivery *d, struct spool *s) MUST_CHECK;

/*
 * Make d->message the next transaction: up to SMTP_RECIPIENTS_MAX recipients
 * that are pending, and the text from its start.
 */
void delivery_begin(struct delivery *d);

/*
 * The next piece of text, in *text and *len until the next call: 1, or 0 at the
 * end. -EBADMSG: the message changed under us; do not end it.
 */
int delivery_read(struct delivery *d, struct spool *s, const char **text,
    size_t *len) MUST_CHECK;

/* The beginning of the text, as it is stored: REPORT_HEADER_MAX bytes at least,
 * or all of it if d->is_whole. */
const struct buf *delivery_head(const struct delivery *d);

/* Hold a message that may not be sent as it is. It is not new any more, by
 * which one that an operator releases is known. */
int delivery_hold(struct spool *s, uint64_t id, const char *reason) MUST_CHECK;

/* Hold a message that delivery_load() found damaged; due_ms is where the
 * schedule had it. Its entry there goes in any case. */
int delivery_hold_damaged(
    struct spool *s, uint64_t id, int64_t due_ms) MUST_CHECK;

/* Remove an entry in the schedule that no message says it has. */
int delivery_forget(struct spool *s, uint64_t id, int64_t due_ms) MUST_CHECK;

/* The same for one that is still found there after it was removed. */
int delivery_forget_misplaced(
    struct spool *s, uint64_t id, int64_t due_ms) MUST_CHECK;

/*
 * In a turn to change: store the state of the message. An operator who put it
 * on hold meanwhile is not overruled: it goes on waiting for him. 0 or -errno;
 * -ENOENT: it was removed.
 */
int delivery_set_state(struct delivery *d, struct spool *s) MUST_CHECK;

/* In a turn of their own: do that, or remove the message; durable at 0, also if
 * it was removed. */
int delivery_store(struct delivery *d, struct spool *s) MUST_CHECK;
int delivery_remove(struct delivery *d, struct spool *s) MUST_CHECK;

/*
 * Do one of both, and put a report of len bytes into the spool: all durable, or
 * nothing. *report_id is 0 if the message had been removed; then there is no
 * report. now_ms is the wall clock.
 */
int delivery_report(struct delivery *d, struct spool *s, bool is_removed,
    const struct envelope *report, const struct buf *text, int64_t now_ms,
    uint64_t *report_id) MUST_CHECK;

#endif
