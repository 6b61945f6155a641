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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "mail/parameter.h"
#include "mail/submitter.h"

enum {
	ENVELOPE_ADDRESS_MAX =
	    1024, /* bytes; RFC 5321 says 256, mail has more */
	ENVELOPE_RECIPIENTS_MAX =
	    10000, /* in one record, whatever the limits */
};

struct recipient {
	char *address;
	unsigned int notify; /* of enum parameter_notify; 0: not given */
	char *original;	     /* ORCPT, "type;address"; NULL: not given */
};

struct envelope {
	char *sender; /* never NULL once set; "" is the null sender */
	struct recipient *recipients;
	uint32_t
	    *hashes; /* of the recipients, so that many are soon compared */
	size_t recipient_count;
	enum parameter_body body;
	enum parameter_ret ret;
	char *envid;	      /* NULL: not given */
	bool is_smtputf8;     /* the submitter asked for SMTPUTF8 */
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
 * Give every address that has no domain this one, as postfix does: "root"
 * becomes "root@site.test". The null sender stays; so does what has a route in
 * it ("host!user", "user%host"), or would become too long.
 */
void envelope_qualify(struct envelope *e, const char *domain);

/*
 * Append a recipient unless it is there already (compared byte by byte, as
 * only the relay knows which spellings are the same mailbox). Returns the
 * recipient of that address, for its parameters, until the next is added.
 */
struct recipient *envelope_add_recipient(
    struct envelope *e, const char *address, size_t len);

/*
 * Copy a parameter: 0, or -EINVAL if it is not valid (parameter.h), and nothing
 * changed. The last one counts.
 */
int envelope_set_envid(
    struct envelope *e, const char *text, size_t len) MUST_CHECK;
int recipient_set_notify(struct recipient *r, unsigned int notify) MUST_CHECK;
int recipient_set_original(
    struct recipient *r, const char *text, size_t len) MUST_CHECK;

/* Copy those that from has; the others stay. Recipients are not looked at. */
void envelope_copy_parameters(struct envelope *e, const struct envelope *from);
void recipient_copy_parameters(
    struct recipient *r, const struct recipient *from);

#endif
