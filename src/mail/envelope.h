/* SPDX-License-Identifier: ISC */
/*
 * envelope.h - who sent a message, to whom, and who handed it in
 *
 *   An envelope is written once, at submission, and never changes. Addresses
 *   are kept as they go into MAIL FROM:<> and RCPT TO:<> (RFC 5321 section
 *   4.1.2), without the angle brackets; an empty sender is the null sender.
 */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

enum {
	ENVELOPE_ADDRESS_MAX =
	    1024, /* bytes; RFC 5321 says 256, mail has more */
	ENVELOPE_RECIPIENTS_MAX =
	    10000, /* in one record, whatever the limits */
};

/* What is known of the process that submitted; facts to trace, not to trust. */
struct submitter {
	uint32_t uid;
	uint32_t pid;
};

struct envelope {
	char *sender; /* never NULL once set; "" is the null sender */
	char **recipients;
	uint32_t
	    *hashes; /* of the recipients, so that many are soon compared */
	size_t recipient_count;
	int64_t submitted_ms; /* wall clock, milliseconds since 1970 */
	uint64_t text_len;    /* bytes of the text that belongs to it */
	struct submitter submitter;
};

/* An envelope of no sender and no recipients. */
void envelope_init(struct envelope *e);
void envelope_release(struct envelope *e);

/* Copy an address of len bytes into the envelope. */
void envelope_set_sender(struct envelope *e, const char *address, size_t len);

/*
 * Append a recipient unless it is there already (compared byte by byte, as
 * only the relay knows which spellings are the same mailbox).
 */
void envelope_add_recipient(
    struct envelope *e, const char *address, size_t len);

#endif
