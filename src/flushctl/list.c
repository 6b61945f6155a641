/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>

#include "base/log.h"
#include "flushctl/access.h"
#include "flushctl/entry_json.h"
#include "flushctl/local_time.h"
#include "flushctl/verb.h"
#include "listing/listing.h"

/* Output is written in pieces of about this, or a long line's length. */
enum { WRITE_LEN = 64 * 1024 };

struct list {
	const char *dir;
	struct spool *spool;
	bool is_json;
	struct listing listing;
};

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

/* Out of the lock: whoever reads this may be slow. */
static int
print_page(struct list *l, struct buf *out)
{
	const struct entry *e;
	int status = STATUS_DONE;

	while (status == STATUS_DONE && (e = listing_next(&l->listing))) {
		if (l->is_json)
			entry_add_json(out, e);
		else
			listing_add_text(&l->listing, e, out, local_time_add);
		if (out->len >= WRITE_LEN)
			status = flush(out);
	}
	return status == STATUS_DONE ? flush(out) : status;
}

static int
print_end(const struct list *l, struct buf *out)
{
	const uintmax_t damaged = l->listing.damaged_count;
	int status = STATUS_DONE;

	if (!l->is_json) {
		listing_add_end(&l->listing, out);
		status = flush(out);
	}
	if (damaged > 0) {
		log_error("%s: %ju damaged message%s", l->dir, damaged,
		    damaged == 1 ? "" : "s");
		status = STATUS_FAILED;
	}
	return status;
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
		status =
		    rc == 0 ? print_end(l, &out) : access_failed(l->dir, rc);
	buf_release(&out);
	listing_release(&l->listing);
	return status;
}

static int
run(const char *spool_dir, int argc, char **argv)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'},
	    {0},
	};
	struct list l = {.dir = spool_dir};
	int option;
	int status;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'j')
			return verb_bad_option(argv);
		l.is_json = true;
	}
	if (optind != argc)
		return verb_usage(
		    argv[0], "'%s' is one argument too many", argv[optind]);
	status = access_open(spool_dir, &l.spool);
	if (status == STATUS_DONE)
		status = print_list(&l);
	spool_close(l.spool);
	return status;
}

const struct verb verb_list = {
    .name = "list",
    .arguments = "[--json]",
    .help = "List the messages that wait, as mailq(1) does. A ! behind the id "
	    "means that\nonly a person can help: held, failed or damaged.\n\n"
	    "  --json  one object a line, with the keys of postqueue -j and "
	    "more\n",
    .takes_spool = true,
    .run = run,
};
