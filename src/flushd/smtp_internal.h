/* SPDX-License-Identifier: ISC */
/*
 * smtp_internal.h - what the parts of the SMTP client share; for smtp*.c only
 *
 *   smtp.c           the functions of smtp.h; takes replies in
 *   smtp_steps.c     a conversation's states: what to say on entering one, what
 *                    a reply means in it, what the loss of the connection does
 *   smtp_command.c   commands as bytes, and whether their replies are due
 *   smtp_verdict.c   what a refusal says about the mail
 */
#ifndef FLUSHD_SMTP_INTERNAL_H
#define FLUSHD_SMTP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flushd/smtp.h"
#include "flushd/smtp_ehlo.h"
#include "flushd/smtp_reply.h"
#include "mail/text.h"

enum smtp_state {
	SMTP_STATE_BANNER,
	SMTP_STATE_EHLO,
	SMTP_STATE_HELO,
	SMTP_STATE_READY,
	SMTP_STATE_RSET, /* before a message: one was left open */
	SMTP_STATE_MAIL,
	SMTP_STATE_RCPT,
	SMTP_STATE_DATA,
	SMTP_STATE_TEXT,
	SMTP_STATE_DOT,
	SMTP_STATE_UNDO,    /* RSET behind the MAIL of a probe */
	SMTP_STATE_DISCARD, /* replies to what was pipelined behind a refused
			       MAIL */
	SMTP_STATE_OVER,
	SMTP_STATE_COUNT
};

enum smtp_progress {
	SMTP_UNDECIDED,
	SMTP_ACCEPTED, /* by RCPT; the rest is up to DATA and the dot */
	SMTP_SETTLED,  /* its outcome is in the result */
};

struct smtp {
	enum smtp_state state;
	char *helo_name;
	struct smtp_extensions extensions;
	unsigned int message_count;
	unsigned int error_count;
	bool needs_rset; /* a transaction was left open */
	bool is_proven;	 /* a MAIL was answered: the relay does work */

	struct buf out;	  /* of which the first out_at bytes are written */
	size_t out_at;	  /* in out */
	uint64_t written; /* bytes, ever */

	/* Where each command ends whose reply has not come yet, counted in
	 * bytes ever written: a reply before that is none to it. */
	uint64_t awaited[SMTP_RECIPIENTS_MAX + 2];
	size_t awaited_at;
	size_t awaited_count;
	struct smtp_reply reply;
	uint64_t reply_count;

	const struct smtp_message *message;
	struct smtp_message probe;
	enum smtp_progress progress[SMTP_RECIPIENTS_MAX];
	size_t recipient; /* whose RCPT is awaited */
	size_t accepted_count;
	struct text_wire wire;
	struct smtp_result result;
};

struct smtp_step {
	const char *name;
	enum smtp_want want;
	int64_t timeout_sec;
	const char *classes;	       /* of replies that make sense */
	void (*enter)(struct smtp *s); /* NULL: nothing to say */
	void (*reply)(struct smtp *s);
	/* The connection is lost, or as good as; words say how. */
	void (*lost)(struct smtp *s, const char *words);
};

extern const struct smtp_step smtp_steps[SMTP_STATE_COUNT];

/* Go over to a state and say what is to be said there. */
void smtp_enter(struct smtp *s, enum smtp_state state);

/* Settle a recipient; words are what was said about it. */
void smtp_settle(struct smtp *s, size_t recipient, enum smtp_outcome outcome,
    const char *words);

/* Forget the message, whose result is complete. */
void smtp_finish(struct smtp *s);

/* QUIT, whose reply nobody waits for. */
void smtp_say_goodbye(struct smtp *s);

/* ---- smtp_command.c --------------------------------------------------- */

/* False for an address that could end a command or its own brackets. */
bool smtp_address_is_sendable(const char *address);

bool smtp_address_needs_utf8(const char *address);

/* Append a command to the output; its reply is then awaited. */
void smtp_command(struct smtp *s, const char *verb, const char *argument);
void smtp_command_mail(struct smtp *s);
void smtp_command_rcpt(struct smtp *s, size_t recipient);

/* The text's last line and the dot. */
void smtp_command_dot(struct smtp *s);

/* A reply is due once all of the output is written. */
void smtp_expect_reply(struct smtp *s);

/* True once the command was written whose reply is the next to come. */
bool smtp_is_reply_due(const struct smtp *s);

/* That reply came. */
void smtp_reply_came(struct smtp *s);

bool smtp_is_all_written(const struct smtp *s);

/* The first undecided recipient from i on; recipient_count: there is none. */
size_t smtp_next_undecided(const struct smtp *s, size_t i);

/* A probe is a message without recipients; it sends nothing but MAIL. */
bool smtp_is_probe(const struct smtp *s);

#endif
