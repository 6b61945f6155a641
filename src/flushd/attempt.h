/* SPDX-License-Identifier: ISC */
/*
 * attempt.h - what the result of an SMTP transaction makes of a message; pure
 */
#ifndef FLUSHD_ATTEMPT_H
#define FLUSHD_ATTEMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flushd/smtp.h"
#include "mail/envelope.h"
#include "site/retry.h"
#include "spool/state.h"

enum attempt_verdict {
	ATTEMPT_AGAIN,	/* store the state; recipients are left that nothing is
			   known against: go on with them */
	ATTEMPT_KEEP,	/* store the state; the message stays in the spool */
	ATTEMPT_REMOVE, /* every recipient was delivered */
};

/*
 * Bring state up to date with result, whose recipients are those of state at
 * the indexes in tried (result->recipient_count of them). submitted_ms is the
 * envelope's.
 *
 * Sent is delivered, failed is failed. A transaction that ended otherwise than
 * in sent and untried recipients counts as one attempt of the message. A
 * deferred recipient backs off by the policy, and fails when expired ("4.4.7
 * ..." in front of the last reply). An ambiguous one backs off by
 * retry_ambiguous_delay_ms(), then holds the message ("maybe delivered: ...");
 * the longer of the two counts. A held one holds the message, whatever the
 * others. Untried ones stay pending
 * and due: at once when nothing else happened. When nothing is pending any
 * more, the message is failed if one recipient is, and to be removed
 * otherwise. A relay that is down is the caller's to see to before: here its
 * untried recipients are simply untried.
 */
enum attempt_verdict attempt_apply(struct message_state *state,
    const size_t *tried, const struct smtp_result *result,
    const struct retry_policy *policy, int64_t submitted_ms,
    const struct clock_moment *now, uint32_t random);

#endif
