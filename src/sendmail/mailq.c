/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "listing/listing.h"
#include "sendmail/failure.h"
#include "sendmail/mailq.h"

/* Output is written in pieces of about this, or a long line's length. */
enum { WRITE_LEN = 64 * 1024 };

struct mailq {
	struct visit *visit;
	struct listing listing;
	struct buf out;
	struct buf *why;
};

/* A jail has no zone files, and a stranger may say where they are. */
static void
add_time(struct buf *b, int64_t wall_ms)
{
	char text[CLOCK_TEXT_MAX];

	buf_add_str(b, clock_mailq(wall_ms, text));
}

static int
flush(struct mailq *q)
{
	int err = io_write_all(STDOUT_FILENO, q->out.data, q->out.len);

	buf_clear(&q->out);
	if (err == 0)
		return 0;
	buf_add_format(
	    q->why, "cannot write to standard output: %s", strerror(-err));
	return EX_SOFTWARE;
}

/* Out of the lock: whoever reads this may be slow. */
static int
print_page(struct mailq *q)
{
	const struct entry *e;
	int code = 0;

	while (code == 0 && (e = listing_next(&q->listing))) {
		listing_add_text(&q->listing, e, &q->out, add_time);
		if (q->out.len >= WRITE_LEN)
			code = flush(q);
	}
	return code ? code : flush(q);
}

static int
print_end(struct mailq *q)
{
	const uintmax_t damaged = q->listing.damaged_count;
	int code;

	listing_add_end(&q->listing, &q->out);
	code = flush(q);
	if (code == 0 && damaged > 0) {
		buf_add_format(q->why, "%ju damaged message%s", damaged,
		    damaged == 1 ? "" : "s");
		code = EX_CONFIG;
	}
	return code;
}

int
mailq_print(struct visit *v, struct buf *why)
{
	struct mailq q = {.visit = v, .why = why};
	int code = 0;
	int rc = 1;

	buf_init(&q.out);
	while (rc > 0 && code == 0) {
		/* It is each page that waits for senders, not all together. */
		v->patience_ms = VISIT_PATIENCE_MS;
		rc = visit_list(v, &q.listing);
		code = print_page(&q);
	}
	if (code == 0)
		code =
		    rc == 0 ? print_end(&q) : failure_of_spool(v->dir, rc, why);
	listing_release(&q.listing);
	buf_release(&q.out);
	return code;
}
