/* SPDX-License-Identifier: ISC */
#include <stdbool.h>

#include "flushctl/access.h"
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
run(const char *spool_dir, int argc, char **argv, bool is_blocked)
{
	struct spool *s;
	int status;
	int rc;

	if (argc > 1 && argv[1][0] == '-')
		return verb_usage(argv[0], "there is no option %s", argv[1]);
	if (argc > 1)
		return verb_usage(argv[0], "takes no arguments");
	status = access_open(spool_dir, &s);
	if (status != STATUS_DONE)
		return status;
	rc = set_blocked(s, is_blocked);
	if (rc < 0)
		status = access_failed(spool_dir, rc);
	spool_close(s);
	return status;
}

static int
run_block(const char *spool_dir, int argc, char **argv)
{
	return run(spool_dir, argc, argv, true);
}

static int
run_unblock(const char *spool_dir, int argc, char **argv)
{
	return run(spool_dir, argc, argv, false);
}

const struct verb verb_block = {
    .name = "block",
    .arguments = "",
    .help =
	"  Let nobody submit to the spool any more. What is in it is sent.\n"
	"\n"
	"  --help  print this\n",
    .takes_spool = true,
    .run = run_block,
};

const struct verb verb_unblock = {
    .name = "unblock",
    .arguments = "",
    .help = "  Let them submit again.\n"
	    "\n"
	    "  --help  print this\n",
    .takes_spool = true,
    .run = run_unblock,
};
