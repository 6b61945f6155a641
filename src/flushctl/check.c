/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "base/clock.h"
#include "flushctl/asked.h"
#include "flushctl/request.h"
#include "flushctl/verb.h"
#include "flushctl/verdict.h"
#include "listing/display.h"

/* That flushd does not run is as bad as it gets; what is unclear is unknown. */
static enum verdict
verdict_of_error(int rc)
{
	return rc == -ENOENT || rc == -ECONNREFUSED || rc == -ETIMEDOUT
		   ? VERDICT_CRITICAL
		   : VERDICT_UNKNOWN;
}

static enum verdict
judge(const struct request *r, struct buf *line)
{
	struct buf why = BUF_INIT;
	struct asked asked;
	enum verdict verdict = VERDICT_UNKNOWN;
	int rc = asked_try(&asked, r->socket, ASK_TIMEOUT_MS, &why);

	if (rc == 0) {
		if (!r->selection.site ||
		    snapshot_choose(&asked.snapshot, r->selection.site))
			verdict = verdict_add(line, &asked.snapshot,
			    &r->thresholds, clock_wall_ms() / 1000);
		else
			buf_add_format(
			    &why, "flushd has no site '%s'", r->selection.site);
		asked_release(&asked);
	} else {
		verdict = verdict_of_error(rc);
	}
	if (why.len > 0) {
		buf_add_format(line, "MAIL %s: ", verdict_names[verdict]);
		display_add(line, why.data);
	}
	buf_release(&why);
	return verdict;
}

/* Whoever monitors reads standard output alone, and takes 2 for critical. */
static int
run(const struct selection *selection, int argc, char **argv)
{
	struct request r;
	struct buf line = BUF_INIT;
	enum verdict verdict = VERDICT_UNKNOWN;
	const int status = request_parse(&r, selection,
	    WHERE_SITE | WHERE_CONFIG | REQUEST_THRESHOLDS | REQUEST_SOCKET,
	    argc, argv);

	if (status == STATUS_DONE)
		verdict = judge(&r, &line);
	else if (status == STATUS_USAGE)
		buf_add_str(&line, "MAIL UNKNOWN: the command line is wrong");
	else
		buf_add_str(&line, "MAIL UNKNOWN: the configuration is not "
				   "there");
	buf_add_char(&line, '\n');
	if (verb_write(line.data, line.len) != STATUS_DONE)
		verdict = VERDICT_UNKNOWN;
	buf_release(&line);
	return (int)verdict;
}

const struct verb verb_check = {
    .name = "check",
    .summary = "the same, for Nagios",
    .arguments = "[--warn N|AGE] [--crit N|AGE] [--held N] [--failed N] "
		 "[--site NAME] [--config DIR] [--socket PATH]",
    .help =
	"Say in one line whether all is well, as a plugin of Nagios: the exit\n"
	"status is 0 if it is, 1 for a warning, 2 if it is critical, 3 if "
	"nobody\n"
	"knows. Critical are a flushd that does not answer and a relay that "
	"is\n"
	"down for a minute.\n\n"
	"  --warn N|AGE   warn if more than N messages wait, or if the oldest\n"
	"                 is older than AGE: 90s, 15m, 2h, 1d. May be given\n"
	"                 twice, once for each; 1000 and 15m if not given\n"
	"  --crit N|AGE   the same for what is critical; 10000 and 2h\n"
	"  --held N       warn if more than N are held; 0 if not given\n"
	"  --failed N     warn if more than N have failed; 0 if not given\n"
	"  --site NAME    look at this site only\n" REQUEST_SOCKET_HELP,
    .run = run,
};
