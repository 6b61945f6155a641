/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "mail/text.h"
#include "spool/limit.h"

int
limit_error(enum submit_limit limit)
{
	static const int errors[] = {
	    [SUBMIT_WITHIN_LIMITS] = 0,
	    [SUBMIT_BLOCKED] = -ECANCELED,
	    [SUBMIT_MESSAGE_BYTES] = -EMSGSIZE,
	    [SUBMIT_RELAY_BYTES] = -EMSGSIZE,
	    [SUBMIT_RECIPIENTS] = -E2BIG,
	    [SUBMIT_RATE] = -EAGAIN,
	    [SUBMIT_QUOTA] = -EDQUOT,
	};

	return errors[limit];
}

uint64_t
limit_count_for_relay(const struct spool_piece *pieces, size_t piece_count)
{
	struct text_size size = {0};

	for (size_t i = 0; i < piece_count; i++)
		text_size_add(&size, pieces[i].data, pieces[i].len);
	return text_size_end(&size) + SUBMIT_RECEIVED_MAX;
}

enum submit_limit
limit_find(const struct envelope *e, uint64_t relay_bytes, int64_t now_ms,
    const struct spool_settings *settings,
    const struct spool_counters *counters)
{
	uint64_t sum;

	if (settings->is_blocked)
		return SUBMIT_BLOCKED;
	/* Unless the clock was put back. */
	if (settings->refuse_until_ms > now_ms &&
	    settings->refuse_until_ms <= now_ms + SUBMIT_REFUSE_MAX_MS)
		return SUBMIT_RATE;
	if (e->text_len > settings->message_bytes_max)
		return SUBMIT_MESSAGE_BYTES;
	if (settings->relay_bytes_max > 0 &&
	    relay_bytes > settings->relay_bytes_max)
		return SUBMIT_RELAY_BYTES;
	if (e->recipient_count > settings->recipients_max)
		return SUBMIT_RECIPIENTS;
	if (__builtin_add_overflow(counters->bytes, e->text_len, &sum) ||
	    sum > settings->quota_bytes)
		return SUBMIT_QUOTA;
	return SUBMIT_WITHIN_LIMITS;
}
