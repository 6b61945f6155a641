/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/clock.h"
#include "base/quantity.h"
#include "flushctl/asked.h"
#include "flushctl/verb.h"
#include "flushctl/verdict.h"
#include "listing/display.h"

struct check {
	const char *path;
	const char *site; /* NULL: all */
	struct thresholds thresholds;
};

/* ---- the command line ---------------------------------------------- */

enum { WARN, CRIT };

static void
set(struct threshold *t, int which, uint64_t value)
{
	if (which == WARN)
		t->warn = value;
	else
		t->crit = value;
}

/* A number is one of messages, what has a unit is an age. */
static int
take_threshold(struct thresholds *t, int which, const char *text)
{
	uint64_t count;
	int64_t ms;

	if (quantity_parse_count(text, &count) == 0)
		set(&t->waiting, which, count);
	else if (quantity_parse_duration(text, &ms) == 0)
		set(&t->age_sec, which, (uint64_t)ms / 1000);
	else
		return -EINVAL;
	return 0;
}

/* STATUS_DONE, or what verb_usage() says. */
static int
take_options(struct check *c, int argc, char **argv)
{
	static const struct option options[] = {
	    {"warn", required_argument, NULL, 'w'},
	    {"crit", required_argument, NULL, 'c'},
	    {"held", required_argument, NULL, 'h'},
	    {"failed", required_argument, NULL, 'f'},
	    {"site", required_argument, NULL, 'n'},
	    {"socket", required_argument, NULL, 's'},
	    {0},
	};
	struct thresholds *t = &c->thresholds;
	int option;
	int rc = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'w':
			rc = take_threshold(t, WARN, optarg);
			break;
		case 'c':
			rc = take_threshold(t, CRIT, optarg);
			break;
		case 'h':
			rc = quantity_parse_count(optarg, &t->held);
			break;
		case 'f':
			rc = quantity_parse_count(optarg, &t->failed);
			break;
		case 'n':
			c->site = optarg;
			break;
		case 's':
			c->path = optarg;
			break;
		default:
			return verb_bad_option(argv);
		}
		if (rc < 0)
			return verb_usage(
			    argv[0], "'%s' is no number and no age", optarg);
	}
	if (optind != argc)
		return verb_usage(
		    argv[0], "'%s' is one argument too many", argv[optind]);
	return STATUS_DONE;
}

/* ---- the verb ------------------------------------------------------ */

/* That flushd does not run is as bad as it gets; what is unclear is unknown. */
static enum verdict
verdict_of_error(int rc)
{
	return rc == -ENOENT || rc == -ECONNREFUSED || rc == -ETIMEDOUT
		   ? VERDICT_CRITICAL
		   : VERDICT_UNKNOWN;
}

static enum verdict
judge(const struct check *c, struct buf *line)
{
	struct buf why = BUF_INIT;
	struct asked asked;
	enum verdict verdict = VERDICT_UNKNOWN;
	int rc = asked_try(&asked, c->path, ASK_TIMEOUT_MS, &why);

	if (rc == 0) {
		if (!c->site || snapshot_choose(&asked.snapshot, c->site))
			verdict = verdict_add(line, &asked.snapshot,
			    &c->thresholds, clock_wall_ms() / 1000);
		else
			buf_add_format(
			    &why, "flushd has no site '%s'", c->site);
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
steer(const struct selection *selection, int argc, char **argv)
{
	struct check c = {.path = ASK_SOCKET,
	    .site = selection->site,
	    .thresholds = verdict_thresholds};
	struct buf line = BUF_INIT;
	enum verdict verdict;

	if (take_options(&c, argc, argv) == STATUS_DONE) {
		verdict = judge(&c, &line);
	} else {
		verdict = VERDICT_UNKNOWN;
		buf_add_str(&line, "MAIL UNKNOWN: the command line is wrong");
	}
	buf_add_char(&line, '\n');
	if (verb_write(line.data, line.len) != STATUS_DONE)
		verdict = VERDICT_UNKNOWN;
	buf_release(&line);
	return (int)verdict;
}

const struct verb verb_check = {
    .name = "check",
    .arguments = "[--warn N|AGE] [--crit N|AGE] [--held N] [--failed N] "
		 "[--site NAME] [--socket PATH]",
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
	"  --site NAME    look at this site only\n"
	"  --socket PATH  the status_socket of flushd.conf(5), if it is not\n"
	"                 /run/mini-sendmail/status\n",
    .takes_spool = false,
    .steer = steer,
};
