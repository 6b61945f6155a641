/* SPDX-License-Identifier: ISC */
/*
 * bounce.h - which failures the sender is told of; pure
 *
 *   There is at most one report after a transaction, of all that there is to
 *   tell. It is a message of its own, to be put into the same spool in the same
 *   transaction as the state in which it counts as told.
 */
#ifndef FLUSHD_BOUNCE_H
#define FLUSHD_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "flushd/smtp.h"
#include "mail/envelope.h"
#include "mail/report.h"
#include "site/retry.h"
#include "spool/state.h"

/* Why a sender is told nothing: mail that nobody wrote, or nobody asked for. */
enum bounce_bar {
	BOUNCE_MAY,
	BOUNCE_NULL_SENDER,    /* it is a report itself, or wants none */
	BOUNCE_FOREIGN_SENDER, /* not of the site's domain, or that is not
				  known: a forged one would get a report of mail
				  that it never sent (backscatter) */
	BOUNCE_BAR_COUNT
};

/* Why a message is kept, in a few words; "" for BOUNCE_MAY. */
extern const char *const bounce_bar_words[BOUNCE_BAR_COUNT];

/* domain is the site's, "" if nobody has set one. */
enum bounce_bar bounce_bar(const char *sender, const char *domain);

/* The circumstances of a transaction that was just applied to a state. */
struct bounce_case {
	const struct envelope *envelope;
	const size_t *tried; /* of each of the result's recipients, which */
	const struct smtp_result *result;
	bool has_relay_dsn; /* the relay reports what it was asked to */
	bool is_last;	    /* nothing more is tried for now */
	const char *domain; /* the site's */
	const struct retry_policy *policy;
	/* For report.h. */
	const char *host, *relay, *id;
	const char *text;
	size_t text_len;
	bool is_whole;
	struct clock_moment now;
	struct submitter submitter; /* of the report: this process */
};

/* A report, and what it changed in the state. */
struct bounce {
	struct envelope envelope;
	struct buf text;
	struct report_recipient *told; /* as the report has them */
	size_t *indexes;	       /* of those, in the state */
	size_t told_count;	       /* 0: there is nothing to tell */
};

/*
 * Make the report that is due now, if one is, and mark the state: failed
 * recipients become reported. Told are those who failed, unless NOTIFY forbids
 * it, once nothing more is tried for now; those who were given to a relay
 * without DSN, and wanted NOTIFY=SUCCESS; and once, after retry_policy's
 * delay_report_ms, those who are still waited for and wanted NOTIFY=DELAY.
 * b is set in any case; release it.
 */
void bounce_make(
    struct bounce *b, const struct bounce_case *c, struct message_state *state);

/* Mark the state as it was, or again: the report could not be stored, or is to
 * be after all. */
void bounce_mark(
    const struct bounce *b, struct message_state *state, bool is_told);

void bounce_release(struct bounce *b);

#endif
