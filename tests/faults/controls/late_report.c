/* SPDX-License-Identifier: ISC */
/*
 * late_report.c - a negative control: state first, its report afterwards
 *
 *   Linked with --wrap=delivery_report into flushd. They are two transactions,
 *   each of them durable. A fault between them loses the report, and the
 *   experiments must notice.
 */
#include "flushd/delivery.h"
#include "flushd/turn.h"

int __wrap_delivery_report(struct delivery *d, struct spool *s, bool is_removed,
    const struct envelope *report, const struct buf *text, int64_t now_ms,
    uint64_t *report_id);

int
__wrap_delivery_report(struct delivery *d, struct spool *s, bool is_removed,
    const struct envelope *report, const struct buf *text, int64_t now_ms,
    uint64_t *report_id)
{
	const struct spool_piece piece = {text->data, text->len};
	int rc = is_removed ? delivery_remove(d, s) : delivery_store(d, s);

	*report_id = 0;
	if (rc == 0)
		rc = turn_begin_adding(s, text->len);
	if (rc < 0)
		return rc;
	return turn_end(s, spool_put(s, report, &piece, 1, now_ms, report_id));
}
