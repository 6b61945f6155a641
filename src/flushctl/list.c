/* SPDX-License-Identifier: ISC */
#include <stdbool.h>

#include "base/log.h"
#include "flushctl/access.h"
#include "flushctl/entry_json.h"
#include "flushctl/errand.h"
#include "flushctl/local_time.h"
#include "flushctl/request.h"
#include "flushctl/terminal.h"
#include "flushctl/verb.h"
#include "listing/listing.h"

/* Output is written in pieces of about this, or a long line's length. */
enum { WRITE_LEN = 64 * 1024 };

/* Of columns: for all but the name of the site, and for that at least. */
enum { ROOM = 66, NAME_MIN = 3 };

/* What is listed, of all spools. */
struct plan {
	const struct request *request;
	int name_width; /* 0: no site is shown */
	int width;	/* of the terminal; 0: there is none */
};

/* In one spool. */
struct list {
	const struct plan *plan;
	const struct target *target;
	struct spool *spool;
	struct tally *tally;
	struct listing listing;
};

/* ---- in a spool ---------------------------------------------------- */

static int
read_page(struct list *l)
{
	int rc = access_begin(l->spool);

	if (rc == 0)
		rc = listing_read_page(&l->listing, l->spool);
	spool_abort(l->spool);
	return rc;
}

static int
flush(struct buf *out)
{
	int status = verb_write(out->data, out->len);

	buf_clear(out);
	return status;
}

static void
count(struct tally *t, const struct entry *e)
{
	t->count++;
	if (e->envelope)
		t->bytes += e->envelope->text_len;
	else
		t->damaged++;
}

/* Out of the lock: whoever reads this may be slow. */
static int
print_page(struct list *l, struct buf *out)
{
	const char *site = l->target->is_site ? l->target->name : "";
	const struct entry *e;
	int status = STATUS_DONE;

	while (status == STATUS_DONE && (e = listing_next(&l->listing))) {
		count(l->tally, e);
		if (l->plan->request->is_json)
			entry_add_json(out, e, site);
		else
			listing_add_text(&l->listing, e, out, local_time_add);
		if (out->len >= WRITE_LEN)
			status = flush(out);
	}
	return status == STATUS_DONE ? flush(out) : status;
}

static int
report_damage(const struct list *l)
{
	const uint64_t damaged = l->tally->damaged;

	if (damaged == 0)
		return STATUS_DONE;
	log_error("%s: %ju damaged message%s", l->target->name,
	    (uintmax_t)damaged, damaged == 1 ? "" : "s");
	return STATUS_FAILED;
}

static int
print_list(struct list *l)
{
	struct buf out = BUF_INIT;
	int status = STATUS_DONE;
	int rc = 1;

	while (rc > 0 && status == STATUS_DONE) {
		rc = read_page(l);
		status = print_page(l, &out);
	}
	if (status == STATUS_DONE)
		status = rc == 0 ? report_damage(l)
				 : access_failed(l->target->name, rc);
	buf_release(&out);
	listing_release(&l->listing);
	return status;
}

static int
list_spool(const struct errand *e, struct spool *s, struct tally *tally)
{
	const struct plan *plan = e->context;
	struct list l = {.plan = plan,
	    .target = e->target,
	    .spool = s,
	    .tally = tally,
	    .listing = {.filter = &plan->request->filter,
		.order = plan->request->order,
		.site = plan->name_width > 0 ? e->target->name : NULL,
		.site_width = plan->name_width,
		.width = plan->width,
		.count = e->before.count}};

	return print_list(&l);
}

/* ---- the verb ------------------------------------------------------ */

static int
print_end(const struct request *r, const struct tally *total)
{
	struct listing sum = {.count = total->count, .bytes = total->bytes};
	struct buf out = BUF_INIT;
	int status;

	if (total->count == 0 && !filter_is_all(&r->filter))
		buf_add_str(&out, "No message is like that\n");
	else
		listing_add_end(&sum, &out);
	status = flush(&out);
	buf_release(&out);
	return status;
}

/* On a terminal some room is left for addresses. */
static int
name_width(const struct targets *targets, int width)
{
	const int wanted = targets_name_width(targets);
	const int max = width > ROOM + NAME_MIN ? width - ROOM : NAME_MIN;

	return width > 0 && wanted > max ? max : wanted;
}

static int
list_all(const struct request *r, const struct targets *targets)
{
	const int width = terminal_width();
	const struct plan plan = {.request = r,
	    .name_width = name_width(targets, width),
	    .width = width};
	struct errand errand = {.run = list_spool, .context = &plan};
	struct tally total = {0};
	int status = errand_run_all(&errand, targets, &total);

	/* What could be read is summed up, unless nothing could. */
	if (r->is_json || (status == STATUS_FAILED && total.count == 0))
		return status;
	return print_end(r, &total) == STATUS_DONE ? status : STATUS_FAILED;
}

static int
run(const struct selection *selection, int argc, char **argv)
{
	struct targets targets = {0};
	struct request r;
	int status = request_parse(&r, selection,
	    WHERE_ANY | REQUEST_FILTER | REQUEST_JSON | REQUEST_SORT, argc,
	    argv);

	if (status == STATUS_DONE)
		status = targets_find(
		    &targets, &r.selection, argv[0], false, NULL, 0);
	if (status == STATUS_DONE)
		status = list_all(&r, &targets);
	targets_release(&targets);
	return status;
}

const struct verb verb_list = {
    .name = "list",
    .summary = "list the messages that wait",
    .arguments = "[--json] [--sort age|next] [FILTER ...]",
    .help =
	"List the messages that wait, as mailq(1) does. Behind the id, * means "
	"that it\nis being sent, ! that only a person can help: held, failed "
	"or "
	"damaged.\n\n"
	"  --json         one object a line, with the keys of postqueue -j "
	"and more\n"
	"  --sort age     the oldest first; so if not given\n"
	"  --sort next    what is tried next first\n"
	"\n" REQUEST_FILTER_HEADING REQUEST_FILTER_HELP,
    .takes_where = true,
    .run = run,
};
