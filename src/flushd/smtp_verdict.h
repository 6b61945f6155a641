/* SPDX-License-Identifier: ISC */
/*
 * smtp_verdict.h - what a refusal says about the mail; pure
 *
 *   For replies of class 4 and 5. docs/smtp.md has the table and the reasons;
 *   relays that are down (421 everywhere, 452 to MAIL) are not decided here.
 */
#ifndef FLUSHD_SMTP_VERDICT_H
#define FLUSHD_SMTP_VERDICT_H

#include <stdbool.h>

#include "flushd/smtp.h"
#include "flushd/smtp_reply.h"

/* MAIL was refused: the outcome of every recipient. */
enum smtp_outcome smtp_verdict_mail(const struct smtp_reply *r);

/* RCPT was refused, has_accepted: after another was accepted. */
enum smtp_outcome smtp_verdict_rcpt(
    const struct smtp_reply *r, bool has_accepted);

/* DATA was refused: the outcome of the accepted recipients. */
enum smtp_outcome smtp_verdict_data(const struct smtp_reply *r);

/* The text was refused: the outcome of the accepted recipients. */
enum smtp_outcome smtp_verdict_dot(const struct smtp_reply *r);

#endif
