/* SPDX-License-Identifier: ISC */
#include <stdbool.h>

#include "flushctl/access.h"
#include "flushctl/errand.h"
#include "flushctl/request.h"
#include "flushctl/verb.h"

/* Whether it was so already is nobody's concern. */
static int
set_blocked(struct spool *s, bool is_blocked)
{
	struct spool_settings settings;
	int rc = access_begin_change(s);

	if (rc < 0)
		return rc;
	rc = spool_get_settings(s, &settings);
	settings.is_blocked = is_blocked;
	if (rc == 0)
		rc = spool_set_settings(s, &settings);
	return spool_end(s, rc);
}

static int
block_spool(const struct errand *e, struct spool *s, struct tally *tally)
{
	const bool *is_blocked = e->context;
	int rc = set_blocked(s, *is_blocked);

	(void)tally;
	return rc < 0 ? access_failed(e->target->name, rc) : STATUS_DONE;
}

static int
set_all(
    const struct selection *selection, int argc, char **argv, bool is_blocked)
{
	struct errand errand = {.run = block_spool, .context = &is_blocked};
	struct targets targets = {0};
	struct tally total = {0};
	struct request r;
	int status = request_parse(&r, selection, WHERE_ANY, argc, argv);

	if (status == STATUS_DONE)
		status = targets_find(
		    &targets, &r.selection, argv[0], true, NULL, 0);
	if (status == STATUS_DONE)
		status = errand_run_all(&errand, &targets, &total);
	targets_release(&targets);
	return status;
}

static int
run_block(const struct selection *selection, int argc, char **argv)
{
	return set_all(selection, argc, argv, true);
}

static int
run_unblock(const struct selection *selection, int argc, char **argv)
{
	return set_all(selection, argc, argv, false);
}

const struct verb verb_block = {
    .name = "block",
    .summary = "let nobody submit any more",
    .arguments = "",
    .help = "Let nobody submit to the spool any more. What is in it is sent.\n",
    .takes_where = true,
    .run = run_block,
};

const struct verb verb_unblock = {
    .name = "unblock",
    .summary = "let them submit again",
    .arguments = "",
    .help = "Let them submit again.\n",
    .takes_where = true,
    .run = run_unblock,
};
