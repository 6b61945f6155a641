/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "flushd/settled.h"

const char *const settled_kind_names[SETTLED_KIND_COUNT] = {
    [SETTLED_SENT] = "sent",
    [SETTLED_DEFERRED] = "deferred",
    [SETTLED_FAILED] = "failed",
};

/* SETTLED_KIND_COUNT: neither. */
static enum settled_kind
kind_of(enum smtp_outcome outcome)
{
	switch (outcome) {
	case SMTP_SENT:
		return SETTLED_SENT;
	case SMTP_DEFERRED:
	case SMTP_AMBIGUOUS:
		return SETTLED_DEFERRED;
	case SMTP_FAILED:
	case SMTP_HELD:
		return SETTLED_FAILED;
	case SMTP_UNTRIED:
	case SMTP_OUTCOME_COUNT:
	default:
		return SETTLED_KIND_COUNT;
	}
}

void
settled_add(struct settled *s, const struct smtp_result *result)
{
	for (size_t i = 0; i < result->recipient_count; i++) {
		const enum settled_kind kind = kind_of(result->outcomes[i]);

		if (kind == SETTLED_KIND_COUNT)
			continue;
		s->count[kind]++;
		if (kind != SETTLED_SENT && result->replies[i])
			snprintf(s->words, sizeof(s->words), "%.*s",
			    SETTLED_WORDS_SIZE - 1, result->replies[i]);
	}
}
