/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>

#include "base/log.h"
#include "flushctl/access.h"
#include "flushctl/entry.h"
#include "flushctl/verb.h"

/* What is read under one lock, which every sender waits for meanwhile. */
enum { BATCH_MESSAGES = 100, BATCH_BYTES = 1 << 20 };

struct listing {
	struct spool *spool;
	bool is_json;
	uint64_t last_id;
	uintmax_t count;
	uintmax_t damaged_count;
	uint64_t bytes;
};

/* ---- entries ------------------------------------------------------- */

static void
add_entry(struct listing *l, const struct entry *e, struct buf *out)
{
	if (l->is_json) {
		entry_add_json(out, e);
	} else {
		buf_add_str(out, l->count == 0 ? entry_heading : "\n");
		entry_add_text(out, e);
	}
	l->count++;
}

static int
add_message(struct listing *l, uint64_t id, struct buf *out)
{
	struct message_state state;
	struct envelope envelope;
	struct entry e = {.id = id};
	int rc = spool_get(l->spool, id, &envelope, &state);

	if (rc == 0) {
		e.envelope = &envelope;
		e.state = &state;
		l->bytes += envelope.text_len;
		add_entry(l, &e, out);
		envelope_release(&envelope);
		state_release(&state);
	} else if (rc == -EBADMSG || rc == -ENOENT) {
		/* -ENOENT: some part is there, or its id would not be. */
		l->damaged_count++;
		add_entry(l, &e, out);
		rc = 0;
	}
	return rc;
}

/* Append the entries of one batch. 0; -ENOENT: that was the last. */
static int
add_batch(struct listing *l, struct buf *out)
{
	int rc = access_begin(l->spool);

	for (int n = 0; rc == 0 && n < BATCH_MESSAGES && out->len < BATCH_BYTES;
	     n++) {
		rc = spool_next(l->spool, &l->last_id);
		if (rc == 0)
			rc = add_message(l, l->last_id, out);
	}
	spool_abort(l->spool);
	return rc;
}

/* ---- the list ------------------------------------------------------ */

static int
print_end(const struct listing *l)
{
	struct buf line = BUF_INIT;
	int status;

	if (l->is_json)
		return STATUS_DONE;
	if (l->count == 0)
		buf_add_str(&line, "Mail queue is empty\n");
	else
		buf_add_format(&line, "\n-- %ju Kbytes in %ju Request%s.\n",
		    (uintmax_t)(l->bytes / 1024), l->count,
		    l->count == 1 ? "" : "s");
	status = verb_write(line.data, line.len);
	buf_release(&line);
	return status;
}

static int
print_list(struct listing *l, const char *dir)
{
	struct buf out = BUF_INIT;
	int status = STATUS_DONE;
	int rc = 0;

	while (rc == 0 && status == STATUS_DONE) {
		buf_clear(&out);
		rc = add_batch(l, &out);
		/* Out of the lock: whoever reads this may be slow. */
		status = verb_write(out.data, out.len);
	}
	buf_release(&out);
	if (status != STATUS_DONE)
		return status;
	if (rc != -ENOENT)
		return access_failed(dir, rc);
	status = print_end(l);
	if (l->damaged_count > 0) {
		log_error("%s: %ju damaged message%s", dir, l->damaged_count,
		    l->damaged_count == 1 ? "" : "s");
		status = STATUS_FAILED;
	}
	return status;
}

static int
run(const char *spool_dir, int argc, char **argv)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'},
	    {0},
	};
	struct listing l = {0};
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
		status = print_list(&l, spool_dir);
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
