/* SPDX-License-Identifier: ISC */
#include "flushd/smtp_verdict.h"

static bool
has_status(
    const struct smtp_reply *r, unsigned int subject, unsigned int detail)
{
	return r->status.class && r->status.subject == subject &&
	       r->status.detail == detail;
}

/* The message is too large, or the sender's address cannot be one. */
static bool
is_about_message(const struct smtp_reply *r)
{
	if (!r->status.class)
		return r->code == 501 || r->code == 552;
	/* 555: a parameter that EHLO offered. That is not the message's fault.
	 */
	if (r->code == 555)
		return false;
	return r->status.subject == 1 || has_status(r, 2, 3) ||
	       has_status(r, 3, 4) || has_status(r, 5, 2) ||
	       has_status(r, 5, 4) || has_status(r, 6, 7);
}

enum smtp_outcome
smtp_verdict_mail(const struct smtp_reply *r)
{
	if (smtp_reply_class(r) == 4)
		return SMTP_DEFERRED;
	return is_about_message(r) ? SMTP_FAILED : SMTP_HELD;
}

/*
 * Policy (5.7.x) and refusals that do not say why may be the relay's own
 * mistake and then concern all mail; a command out of sequence (5.5.1) is never
 * about a recipient.
 */
static enum smtp_outcome
verdict_about_recipient(const struct smtp_reply *r)
{
	if (smtp_reply_class(r) == 4)
		return SMTP_DEFERRED;
	if (!r->status.class || r->status.subject == 7 || has_status(r, 5, 1))
		return SMTP_HELD;
	return SMTP_FAILED;
}

enum smtp_outcome
smtp_verdict_rcpt(const struct smtp_reply *r, bool has_accepted)
{
	/* RFC 5321 section 4.5.3.1.10: too many of them, 552 as well as 452. */
	if (has_accepted &&
	    (r->code == 452 || r->code == 552 || has_status(r, 5, 3)))
		return SMTP_UNTRIED;
	return verdict_about_recipient(r);
}

enum smtp_outcome
smtp_verdict_data(const struct smtp_reply *r)
{
	return verdict_about_recipient(r);
}

enum smtp_outcome
smtp_verdict_dot(const struct smtp_reply *r)
{
	return smtp_reply_class(r) == 4 ? SMTP_DEFERRED : SMTP_FAILED;
}
