/* SPDX-License-Identifier: ISC */
/*
 * record.h - the records of a spool as bytes: docs/spool-format.md
 *
 *   Encoding never fails. Decoding takes hostile bytes: every length is
 *   checked, every address must be fit for an SMTP command, and what is left
 *   over makes the record damaged: -EBADMSG. Out-parameters are set only on
 *   success.
 */
#ifndef SPOOL_RECORD_H
#define SPOOL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "mail/envelope.h"
#include "spool/state.h"

enum {
	RECORD_FORMAT = 1,	       /* of the whole spool */
	RECORD_MAX = 16 * 1024 * 1024, /* bytes of one record, text apart */
	RECORD_DOMAIN_MAX = 255,
};

/* What the spool is and where it was made. */
struct spool_identity {
	uint64_t directory_inode;
	uint64_t file_inode;   /* of the LMDB file */
	uint64_t copied_to_id; /* messages up to this one came with a copy and
				  are not to be sent; 0: none */
	char *site;	       /* "" where nobody gave it a name */
};

/* All that a sender can know of the world outside its jail. */
struct spool_settings {
	uint64_t message_bytes_max; /* of the text, as stored */
	uint64_t relay_bytes_max;   /* of what the relay takes, as RFC 1870
				       counts; 0: it names no limit */
	bool is_relay_known;	    /* a relay has said so, nobody assumed it */
	uint64_t recipients_max;    /* of one message */
	uint64_t quota_bytes;	    /* of all texts and envelopes together */
	bool is_blocked;	    /* submissions are refused */
	int64_t refuse_until_ms;    /* wall clock; until then they are, as too
				       many wait already; 0: they are not */
	char domain[RECORD_DOMAIN_MAX + 1]; /* for unqualified addresses */
};

/* Kept in every transaction, so that nobody has to count. */
struct spool_counters {
	uint64_t last_id;	     /* the newest id ever given */
	uint64_t bytes;		     /* of all texts and envelope records */
	uint64_t count[PHASE_COUNT]; /* messages by phase */
	bool is_doubtful;	     /* something damaged was not counted */
};

extern const struct spool_settings spool_settings_default;

void record_encode_identity(const struct spool_identity *i, struct buf *out);
int record_decode_identity(
    const char *data, size_t len, struct spool_identity *i) MUST_CHECK;

void record_encode_settings(const struct spool_settings *s, struct buf *out);
int record_decode_settings(
    const char *data, size_t len, struct spool_settings *s) MUST_CHECK;

void record_encode_counters(const struct spool_counters *c, struct buf *out);
int record_decode_counters(
    const char *data, size_t len, struct spool_counters *c) MUST_CHECK;

/* The envelope without its checksum, which the spool adds. */
void record_encode_envelope(const struct envelope *e, struct buf *out);
int record_decode_envelope(
    const char *data, size_t len, struct envelope *e) MUST_CHECK;

void record_encode_state(const struct message_state *s, struct buf *out);
int record_decode_state(
    const char *data, size_t len, struct message_state *s) MUST_CHECK;

#endif
