/* SPDX-License-Identifier: ISC */
#include <stddef.h>

#include "flushd/deadline.h"

/* For each piece of output: RFC 5321 section 4.5.3.2.5. */
enum { WRITE_TIMEOUT_MS = 180 * 1000 };

static const char output_phase[] = "output";

bool
deadline_follow(
    struct deadline *d, const struct smtp *s, bool is_blocked, int64_t now_ms)
{
	struct deadline next = {.replies = smtp_reply_count(s)};

	if (is_blocked) {
		next.phase = output_phase;
		next.due_ms = now_ms + WRITE_TIMEOUT_MS;
	} else if (smtp_want(s) == SMTP_WANT_REPLY) {
		next.phase = smtp_phase_name(s);
		next.due_ms = now_ms + smtp_timeout_ms(s);
	}
	/* Each reply has its own time, however many were asked for at once. */
	if (next.phase == d->phase && next.replies == d->replies)
		return false;
	*d = next;
	return true;
}
