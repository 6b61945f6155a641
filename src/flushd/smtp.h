/* SPDX-License-Identifier: ISC */
/*
 * smtp.h - the client's side of an SMTP conversation, without I/O
 *
 *   The caller moves bytes: what smtp_output() shows goes to the relay, what
 *   the relay says goes into smtp_input(). smtp_want() tells what the
 *   conversation waits for. A conversation is thus a table in a test, and
 *   hostile replies are just bytes.
 *
 *   Loss         what a reply means is decided here and nowhere else; the
 *                table is in docs/smtp.md. No recipient is called delivered
 *                without a 2xx to the final dot, none failed without a 5xx
 *                that is about it (or an address that this relay cannot be
 *                given), and nothing is sent behind a final dot before its
 *                reply was read.
 *   RFCs         5321; 2920 pipelining; 1870 SIZE; 6152 8BITMIME; 6531
 *                SMTPUTF8; 3461 DSN; 3463 enhanced codes.
 */
#ifndef FLUSHD_SMTP_H
#define FLUSHD_SMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "mail/envelope.h"

struct smtp; /* one connection's conversation */

enum smtp_want {
	SMTP_WANT_REPLY,   /* input, within smtp_timeout_ms() */
	SMTP_WANT_MESSAGE, /* smtp_start(), smtp_probe() or smtp_quit(); the
			      result of the last message is ready */
	SMTP_WANT_TEXT,	   /* smtp_text() or smtp_text_end() */
	SMTP_WANT_NOTHING, /* over: flush the output, if any, and close; the
			      result of the last message is ready */
};

/* What has become of one recipient of a transaction. */
enum smtp_outcome {
	SMTP_UNTRIED,	/* nothing is known against it: try again at once if
			   the connection lives, unpunished */
	SMTP_SENT,	/* the relay has taken responsibility for it */
	SMTP_DEFERRED,	/* later */
	SMTP_FAILED,	/* never */
	SMTP_HELD,	/* refused in a way an operator must look at */
	SMTP_AMBIGUOUS, /* the reply to the final dot was lost */
	SMTP_OUTCOME_COUNT
};

/* "untried", "sent", "deferred", "failed", "held", "ambiguous". */
extern const char *const smtp_outcome_names[SMTP_OUTCOME_COUNT];

enum {
	SMTP_RECIPIENTS_MAX = 500, /* of one transaction */
	SMTP_MESSAGES_MAX = 100,   /* of one connection, which then ends */
	SMTP_ERRORS_MAX = 8,	   /* 4xx and 5xx; likewise */
};

struct smtp_message {
	const char *sender; /* "" is the null sender */
	const struct recipient *const *recipients;
	size_t recipient_count; /* 1 to SMTP_RECIPIENTS_MAX */
	uint64_t wire_len;	/* for SIZE=, from text_size_end() */
	bool is_8bit;		/* a byte of the text is not ASCII, or may be */
	bool is_smtputf8;	/* the submitter asked for SMTPUTF8 */
	bool is_soft_bounce;	/* the relay's 5xx count as 4xx */
	enum parameter_ret ret;
	const char *envid; /* NULL: none */
};

struct smtp_result {
	enum smtp_outcome outcomes[SMTP_RECIPIENTS_MAX];
	char *replies[SMTP_RECIPIENTS_MAX]; /* what was said; NULL: nothing */
	size_t recipient_count;
	bool is_relay_down; /* the relay is at fault, not the message: the
			       breaker is to be asked, and what is not settled
			       is SMTP_UNTRIED */
	char *relay_reason; /* phase and words, when is_relay_down or
			       is_alarming; otherwise NULL */
	bool is_alarming;   /* the relay refuses us for good: tell somebody */
};

/* A conversation that waits for the banner. helo_name is ours, for EHLO. */
struct smtp *smtp_new(const char *helo_name) MUST_CHECK;
void smtp_free(struct smtp *s); /* NULL is fine */

enum smtp_want smtp_want(const struct smtp *s);

/* How long the awaited reply may take altogether, from the time the command
 * was written (RFC 5321 section 4.5.3.2); a drip of bytes does not extend it.
 * With SMTP_WANT_TEXT: how long a piece of text may take to be written. */
int64_t smtp_timeout_ms(const struct smtp *s);

/* How many replies were read so far: when it changes, the time of the next one
 * begins, even if both are awaited in the same phase (pipelined RCPT). */
uint64_t smtp_reply_count(const struct smtp *s);

/* Bytes to write, 0 for none; tell how many were written. */
size_t smtp_output(const struct smtp *s, const char **data);
void smtp_written(struct smtp *s, size_t len);

/* Bytes that were read. Tell what was written first: a reply to what was not
 * yet written is a protocol error. */
void smtp_input(struct smtp *s, const char *data, size_t len);

/* The connection is gone: end of file, an error, a deadline. reason is put in
 * front of people. What it means depends on the phase. */
void smtp_lost(struct smtp *s, const char *reason);

/* Begin a transaction; message and what it points to must stay until its
 * result is ready, which it may be at once. Only when SMTP_WANT_MESSAGE. */
void smtp_start(struct smtp *s, const struct smtp_message *message);

/* Find out whether the relay would take mail: MAIL FROM:<> with SIZE, RSET.
 * The result has no recipients; a 4xx means that it is down, a 5xx that it is
 * up but alarming. Only when SMTP_WANT_MESSAGE. */
void smtp_probe(struct smtp *s, uint64_t wire_len);

/* Hand over canonical text, and its end; only when SMTP_WANT_TEXT. Keep the
 * output short: write before handing over more. */
void smtp_text(struct smtp *s, const char *text, size_t len);
void smtp_text_end(struct smtp *s);

/* True while the reply to a final dot is awaited: to go away now would leave
 * it open whether the relay has the message. */
bool smtp_is_dot_open(const struct smtp *s);

/* Say goodbye; SMTP_WANT_NOTHING follows. Only when SMTP_WANT_MESSAGE. */
void smtp_quit(struct smtp *s);

/* What became of the last message, or of the greeting (no recipients then). */
const struct smtp_result *smtp_result(const struct smtp *s);

/* The largest message the relay announced (SIZE), 0: it did not say. */
uint64_t smtp_size_limit(const struct smtp *s);

/* True if the relay reports what becomes of a message (DSN, RFC 3461). */
bool smtp_has_dsn(const struct smtp *s);

/* The phase the conversation is in, for logs: "banner", "EHLO", "MAIL"... */
const char *smtp_phase_name(const struct smtp *s);

#endif
