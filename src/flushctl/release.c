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

struct release {
	const char *dir;
	struct spool *spool;
	uint64_t last_id;
	uintmax_t count;
};

/* Take one off hold: 1, or 0 if it is not held, or -errno. */
static int
release(struct spool *s, uint64_t id)
{
	struct message_state state;
	struct envelope e;
	int rc = spool_get(s, id, &e, &state);

	if (rc < 0)
		return rc;
	if (state.phase == PHASE_HELD) {
		state_resume(&state, clock_wall_ms());
		rc = spool_set_state(s, id, &state);
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
release_one(struct release *r, uint64_t id)
{
	int rc = access_begin_change(r->spool);

	if (rc == 0)
		rc = release(r->spool, id);
	if (rc > 0)
		r->count++;
	return end(r->spool, rc);
}

/* Say why one was not released. */
static int
report(const struct release *r, const char *id, int rc)
{
	static const char *const words[] = {"not on hold", "no such message"};

	if (rc == -EBADMSG) {
		log_error("%s: %s: damaged", r->dir, id);
		return STATUS_FAILED;
	}
	if (rc != 0 && rc != -ENOENT)
		return access_failed(r->dir, rc);
	log_error("%s: %s: %s", r->dir, id, words[rc == -ENOENT]);
	return STATUS_NOT_FOUND;
}

static int
release_listed(struct release *r, char **ids)
{
	int worst = STATUS_DONE;

	for (; *ids; ids++) {
		uint64_t id = 0;
		int status;
		int rc = queue_id_parse(*ids, &id);

		if (rc == 0)
			rc = release_one(r, id);
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
release_batch(struct release *r)
{
	int count = 0;
	int rc = access_begin_change(r->spool);
	int ended;

	for (int n = 0; rc == 0 && n < BATCH_MESSAGES; n++) {
		int released = 0;

		rc = spool_next(r->spool, &r->last_id);
		if (rc == 0)
			released = release(r->spool, r->last_id);
		if (released > 0)
			count++;
		else if (released < 0 && released != -EBADMSG)
			rc = released; /* a damaged one stays as it is */
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
release_all(struct release *r)
{
	int rc;

	do {
		rc = release_batch(r);
	} while (rc == 0);
	if (rc != -ENOENT)
		return access_failed(r->dir, rc);
	return r->count > 0 ? STATUS_DONE : STATUS_NOT_FOUND;
}

/* ---- the verb ------------------------------------------------------ */

static int
print_count(const struct release *r)
{
	struct buf line = BUF_INIT;
	int status;

	buf_add_format(&line, "%ju message%s released\n", r->count,
	    r->count == 1 ? "" : "s");
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
run(const char *spool_dir, int argc, char **argv)
{
	static const struct option options[] = {
	    {"all", no_argument, NULL, 'a'},
	    {0},
	};
	struct release r = {.dir = spool_dir};
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
		status = is_all ? release_all(&r)
				: release_listed(&r, argv + optind);
		if (print_count(&r) != STATUS_DONE)
			status = STATUS_FAILED;
	}
	spool_close(r.spool);
	return status;
}

const struct verb verb_release = {
    .name = "release",
    .arguments = "--all | ID ...",
    .help = "Take messages off hold: they are due at once, if somebody is "
	    "still to get them.\n\n"
	    "  --all  all that are on hold\n",
    .takes_spool = true,
    .run = run,
};
