/* SPDX-License-Identifier: ISC */
/*
 * session.h - an SMTP session on standard input and output (sendmail -bs)
 */
#ifndef SENDMAIL_SESSION_H
#define SENDMAIL_SESSION_H

#include "base/compiler.h"
#include "sendmail/server.h"

/* Take the message that the server has, and accept or refuse it. */
typedef void session_message_fn(struct server *s);

/*
 * Run the session to its end: QUIT, the end of the input, or too many errors.
 * Each verdict is written before anything more is read. 0, or the -errno with
 * which reading or writing failed: the client may have missed a verdict.
 */
int session_run(struct server *s, session_message_fn *message) MUST_CHECK;

#endif
