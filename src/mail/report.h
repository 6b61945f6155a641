/* SPDX-License-Identifier: ISC */
/*
 * report.h - tell a sender what became of a message; pure
 *
 *   RFCs      3464 and 6522: multipart/report in three parts, for people, for
 *             programs, and what is brought back of the message; 3461 section
 *             6 for what a sender asked for; 3834 against answers to it; 6533
 *             where an address is not ASCII or SMTPUTF8 was asked for.
 *   Safety    whatever was said by a relay or stands in a hostile spool, a
 *             report is canonical text (text.h), each field of it is ours, and
 *             no part of it ends before its end.
 */
#ifndef MAIL_REPORT_H
#define MAIL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "mail/envelope.h"

enum report_action {
	REPORT_FAILED,	/* nobody tries it any more */
	REPORT_DELAYED, /* it is still tried */
	REPORT_RELAYED, /* given to a server that reports no delivery */
	REPORT_ACTION_COUNT
};

/* "failed", "delayed", "relayed". */
extern const char *const report_action_names[REPORT_ACTION_COUNT];

enum {
	REPORT_HEADER_MAX = 50000, /* bytes of a header that are brought back */
	REPORT_MESSAGE_MAX = 1 << 20, /* of a message; of longer ones the header
				       */
};

struct report_recipient {
	const struct recipient *recipient;
	enum report_action action;
	const char *reply; /* the last that was said; NULL: nothing */
};

struct report {
	const char *host;		 /* our name */
	const char *relay;		 /* HOST:PORT, as relay.h has it */
	const char *id;			 /* of the message, for people */
	const char *to;			 /* whom it is for */
	const struct envelope *envelope; /* of the message */
	const struct report_recipient *recipients; /* one at least */
	size_t recipient_count;
	int64_t now_ms;		/* wall clock */
	int64_t retry_until_ms; /* wall clock; for REPORT_DELAYED */
	const char *text; /* of the message: all of it, or its beginning */
	size_t text_len;
	bool is_whole; /* all of it */
};

/* Append the report to out. */
void report_compose(const struct report *r, struct buf *out);

/* True if the report has to be sent with SMTPUTF8 (RFC 6531). */
bool report_is_utf8(const struct report *r);

#endif
