/* SPDX-License-Identifier: ISC */
/*
 * server.h - SMTP as sendmail -bs speaks it; no I/O inside
 *
 *   Bytes in, replies out (RFC 5321, as far as a pipe from a program needs it;
 *   RFC 1870, 2920, 3461, 6152, 6531). Whoever drives it stores the messages.
 *
 *   Line ends   Commands end in LF or CRLF. A text ends at CRLF.CRLF and
 * nowhere else, so that no body can smuggle a command; unless the DATA command
 * itself ended in a bare LF, as what the client writes are then lines of Unix.
 *   Bounded     A command line, a text and the recipients have limits, and
 *               what is too long is read and forgotten.
 */
#ifndef SENDMAIL_SERVER_H
#define SENDMAIL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "mail/envelope.h"

struct server;

struct server_limits {
	uint64_t text_bytes_max;
	uint64_t recipients_max;
};

/* Greet as host. */
struct server *server_new(
    const char *host, const struct server_limits *limits) MUST_CHECK;
void server_free(struct server *s); /* NULL is fine */

enum server_want {
	SERVER_WANT_INPUT,
	SERVER_WANT_VERDICT, /* there is a message: accept or refuse it */
	SERVER_WANT_NOTHING, /* it is over */
};

/*
 * Take input, until all of it is taken or something else is wanted; *used is
 * how many bytes. What is not taken comes again behind the verdict.
 */
enum server_want server_input(
    struct server *s, const char *data, size_t len, size_t *used);

/* The replies that were not yet written; clear it when they are. */
struct buf *server_output(struct server *s);

/*
 * The message that waits for a verdict: its envelope, but for what the
 * submission adds, and its text as it came, less the dots that SMTP doubles.
 * Both may be changed, or moved away.
 */
struct envelope *server_envelope(struct server *s);
struct buf *server_text(struct server *s);

/*
 * How many bytes the text had if that was more than it may have: it was read
 * and forgotten, and the message can only be refused. Else 0.
 */
uint64_t server_forgotten_bytes(const struct server *s);

void server_accept(struct server *s, const char *queue_id);

/* Refuse it for the reason that an exit code of sysexits.h means. */
void server_refuse(struct server *s, int exit_code, const char *why);

#endif
