/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/log.h"
#include "flushctl/access.h"
#include "flushctl/verb.h"
#include "mail/queue_id.h"

/* Messages that are changed in one commit, which senders wait for. */
enum { BATCH_MESSAGES = 200 };

/* What a verb does with a message. */
struct change {
	bool (*apply)(struct message_state *s, int64_t due_ms);
	const char *done;
	const char *unfit; /* why nothing was to be done */
};

struct requeue {
	const struct change *change;
	const char *dir;
	struct spool *spool;
	uint64_t last_id;
	uintmax_t count;
};

/* Change one: 1, or 0 if it is not one for that, or -errno. */
static int
change(const struct requeue *r, uint64_t id)
{
	struct message_state state;
	struct envelope e;
	int rc = spool_get(r->spool, id, &e, &state);

	if (rc < 0)
		return rc;
	if (r->change->apply(&state, clock_wall_ms())) {
		rc = spool_set_state(r->spool, id, &state);
		if (rc == 0)
			rc = 1;
	}
	envelope_release(&e);
	state_release(&state);
	return rc;
}

/* End a transaction: commit if rc is more than 0. rc, or -errno of that. */
static int
end(struct spool *s, int rc)
{
	int committed = 0;

	if (rc > 0)
		committed = spool_commit(s);
	else
		spool_abort(s);
	return committed < 0 ? committed : rc;
}

/* ---- by id --------------------------------------------------------- */

static int
change_one(struct requeue *r, uint64_t id)
{
	int rc = access_begin_change(r->spool);

	if (rc == 0)
		rc = change(r, id);
	if (rc > 0)
		r->count++;
	return end(r->spool, rc);
}

/* Say why one was not changed. */
static int
report(const struct requeue *r, const char *id, int rc)
{
	if (rc == -EBADMSG) {
		log_error("%s: %s: damaged", r->dir, id);
		return STATUS_FAILED;
	}
	if (rc != 0 && rc != -ENOENT)
		return access_failed(r->dir, rc);
	log_error("%s: %s: %s", r->dir, id,
	    rc == -ENOENT ? "no such message" : r->change->unfit);
	return STATUS_NOT_FOUND;
}

static int
change_listed(struct requeue *r, char **ids)
{
	int worst = STATUS_DONE;

	for (; *ids; ids++) {
		uint64_t id = 0;
		int status;
		int rc = queue_id_parse(*ids, &id);

		if (rc == 0)
			rc = change_one(r, id);
		if (rc > 0)
			continue;
		status = report(r, *ids, rc);
		if (status > worst)
			worst = status;
	}
	return worst;
}

/* ---- all ----------------------------------------------------------- */

/* 0; -ENOENT: that was the last. */
static int
change_batch(struct requeue *r)
{
	int count = 0;
	int rc = access_begin_change(r->spool);
	int ended;

	for (int n = 0; rc == 0 && n < BATCH_MESSAGES; n++) {
		int changed = 0;

		rc = spool_next(r->spool, &r->last_id);
		if (rc == 0)
			changed = change(r, r->last_id);
		if (changed > 0)
			count++;
		else if (changed < 0 && changed != -EBADMSG)
			rc = changed; /* a damaged one stays as it is */
	}
	if (rc < 0 && rc != -ENOENT)
		count = 0;
	ended = end(r->spool, count);
	if (ended < 0)
		return ended;
	r->count += (uintmax_t)count;
	return rc;
}

static int
change_all(struct requeue *r)
{
	int rc;

	do {
		rc = change_batch(r);
	} while (rc == 0);
	if (rc != -ENOENT)
		return access_failed(r->dir, rc);
	return r->count > 0 ? STATUS_DONE : STATUS_NOT_FOUND;
}

/* ---- the verb ------------------------------------------------------ */

static int
print_count(const struct requeue *r)
{
	struct buf line = BUF_INIT;
	int status;

	buf_add_format(&line, "%ju message%s %s\n", r->count,
	    r->count == 1 ? "" : "s", r->change->done);
	status = verb_write(line.data, line.len);
	buf_release(&line);
	return status;
}

static int
check_ids(char **argv)
{
	uint64_t id;

	for (char **word = argv + optind; *word; word++)
		if (queue_id_parse(*word, &id) < 0)
			return verb_usage(
			    argv[0], "'%s' is not a queue id", *word);
	return STATUS_DONE;
}

static int
run(const struct change *c, const char *spool_dir, int argc, char **argv)
{
	static const struct option options[] = {
	    {"all", no_argument, NULL, 'a'},
	    {0},
	};
	struct requeue r = {.change = c, .dir = spool_dir};
	bool is_all = false;
	int option;
	int status;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'a')
			return verb_bad_option(argv);
		is_all = true;
	}
	if (is_all == (optind < argc))
		return verb_usage(argv[0], "queue ids or --all are wanted");
	status = check_ids(argv);
	if (status != STATUS_DONE)
		return status;
	status = access_open(spool_dir, &r.spool);
	if (status == STATUS_DONE) {
		status =
		    is_all ? change_all(&r) : change_listed(&r, argv + optind);
		if (print_count(&r) != STATUS_DONE)
			status = STATUS_FAILED;
	}
	spool_close(r.spool);
	return status;
}

static int
run_release(const char *spool_dir, int argc, char **argv)
{
	static const struct change c = {
	    state_resume, "released", "not on hold"};

	return run(&c, spool_dir, argc, argv);
}

static int
run_retry(const char *spool_dir, int argc, char **argv)
{
	static const struct change c = {
	    state_retry, "to be tried", "on hold; see release"};

	return run(&c, spool_dir, argc, argv);
}

const struct verb verb_release = {
    .name = "release",
    .arguments = "--all | ID ...",
    .help = "Take messages off hold: they are due at once, if somebody is "
	    "still to get them.\n\n"
	    "  --all  all that are on hold\n",
    .takes_spool = true,
    .run = run_release,
};

const struct verb verb_retry = {
    .name = "retry",
    .arguments = "--all | ID ...",
    .help = "Try messages at once: those that wait, and those that failed "
	    "and nobody was told.\n\n"
	    "  --all  all of these\n",
    .takes_spool = true,
    .run = run_retry,
};
