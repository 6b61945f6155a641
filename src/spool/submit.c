/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "spool/submit.h"

/* What the spool's settings say of this message. */
static int
check_limits(struct spool *s, const struct envelope *e)
{
	struct spool_settings settings = {0};
	struct spool_counters counters = {0};
	uint64_t sum;
	int rc;

	rc = spool_get_settings(s, &settings);
	if (rc == 0)
		rc = spool_get_counters(s, &counters);
	if (rc < 0)
		return rc;
	if (settings.is_blocked)
		return -ECANCELED;
	if (e->text_len > settings.message_bytes_max)
		return -EMSGSIZE;
	if (e->recipient_count > settings.recipients_max)
		return -E2BIG;
	if (__builtin_add_overflow(counters.bytes, e->text_len, &sum) ||
	    sum > settings.quota_bytes)
		return -EDQUOT;
	return 0;
}

/* What the message takes in the file, its addresses counted at their most. */
static uint64_t
space_needed(const struct envelope *e)
{
	return e->text_len +
	       (uint64_t)e->recipient_count * 2 * ENVELOPE_ADDRESS_MAX;
}

int
spool_submit(struct spool *s, const struct envelope *e,
    const struct spool_piece *pieces, size_t piece_count, int64_t now_ms,
    int64_t deadline_ms, uint64_t *id)
{
	uint64_t given = 0;
	int rc;

	rc = spool_begin(s, SPOOL_WRITE, space_needed(e), deadline_ms);
	if (rc < 0)
		return rc;
	rc = check_limits(s, e);
	if (rc == 0)
		rc = spool_put(s, e, pieces, piece_count, now_ms, &given);
	if (rc == 0)
		rc = spool_commit(s);
	else
		spool_abort(s);
	if (rc == 0)
		*id = given;
	return rc;
}
