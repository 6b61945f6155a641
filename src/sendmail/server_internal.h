/* SPDX-License-Identifier: ISC */
/*
 * server_internal.h - what the files of the server share
 *
 *   server.c          bytes in, verdicts out, and the replies
 *   server_command.c  what each command does
 *   server_text.c     where a text ends, and which dots are its own
 */
#ifndef SENDMAIL_SERVER_INTERNAL_H
#define SENDMAIL_SERVER_INTERNAL_H

#include "sendmail/server.h"

/* Where in the text the next byte stands. */
enum text_place {
	TEXT_LINE_START,
	TEXT_BEHIND_DOT,    /* which begins a line */
	TEXT_BEHIND_DOT_CR, /* as above */
	TEXT_IN_LINE,
};

struct server {
	char *host;
	struct server_limits limits;
	struct buf out;
	struct buf line; /* a command, until its end comes */
	bool is_line_too_long;
	unsigned int errors;
	bool is_over;

	bool has_sender; /* a transaction is open */
	struct envelope envelope;

	bool is_in_text;
	bool has_message; /* it waits for a verdict */
	bool is_unix;	  /* DATA ended in a bare LF */
	enum text_place place;
	char last;	     /* byte of the text */
	uint64_t text_bytes; /* of which text has all or none */
	struct buf text;
};

/* Add a reply of one line. */
void server_reply(struct server *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Say what is wrong; after too much of it, that it is over. */
void server_complain(struct server *s, const char *words);

/* Forget the transaction. */
void server_reset(struct server *s);

/* Do what s->line says. */
void server_run_command(struct server *s);

/* Behind the reply to DATA comes the text. */
void server_begin_text(struct server *s);

/* Take a piece of the text, at least a byte or a step: how many bytes. */
size_t server_take_text(
    struct server *s, const char *data, size_t len) MUST_CHECK;

#endif
