/* SPDX-License-Identifier: ISC */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "flushd/child.h"
#include "flushd/cmdline.h"
#include "site/conf.h"

static const char usage[] =
    "usage: flushd [--config DIR] [--check]\n"
    "       flushd --spool DIR --relay HOST:PORT [--once]\n"
    "\n"
    "Empties the spools of all sites into the relay, in the foreground, until\n"
    "it is told to stop; or the one in DIR, without any file.\n"
    "\n"
    "  -c, --config DIR   where flushd.conf and sites.d are, not\n"
    "                     " CONF_DIR "\n"
    "  -n, --check        print what is configured, or what is wrong with it\n"
    "  --spool DIR        the one spool\n"
    "  --relay HOST:PORT  where it goes: a numeric address or localhost\n"
    "  --once             one pass over what is due; exits 0 when nothing\n"
    "                     waits\n"
    "  --version          print the version\n"
    "  --help             print this\n"
    "\n"
    "See flushd(8) and flushd.conf(5).\n";

static enum cmdline_action
answer(const char *text)
{
	fputs(text, stdout);
	return CMDLINE_DONE;
}

static enum cmdline_action
wrong(const char *what)
{
	log_error("%s; try --help", what);
	return CMDLINE_ERROR;
}

/* Either the sites of the files, or the one of the command line. */
static enum cmdline_action
check(struct supervisor_options *o, bool is_check)
{
	const bool has_relay = o->relay.name[0] != '\0';

	if (!o->spool && !has_relay && !o->is_once) {
		if (!o->conf_dir)
			o->conf_dir = CONF_DIR;
		return is_check ? CMDLINE_CHECK : CMDLINE_SUPERVISE;
	}
	if (o->conf_dir || is_check)
		return wrong("--spool, --relay and --once are for one spool "
			     "without a configuration");
	if (!o->spool)
		return wrong("--spool is missing");
	if (!has_relay)
		return wrong("--relay is missing");
	return CMDLINE_SUPERVISE;
}

enum cmdline_action
cmdline_parse(int argc, char **argv, struct supervisor_options *options)
{
	static const struct option known[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"check", no_argument, NULL, 'n'},
	    {"spool", required_argument, NULL, 's'},
	    {"relay", required_argument, NULL, 'r'},
	    {"once", no_argument, NULL, 'o'},
	    {"version", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	bool is_check = false;
	int c;

	*options = (struct supervisor_options){0};
	/* How it calls itself; not for people. */
	if (argc == 3 && strcmp(argv[1], child_argument_worker) == 0)
		return CMDLINE_WORK;
	if (argc == 2 && strcmp(argv[1], child_argument_prober) == 0)
		return CMDLINE_PROBE;
	opterr = 0; /* what is wrong is said here, in one line */
	while ((c = getopt_long(argc, argv, "c:n", known, NULL)) != -1) {
		switch (c) {
		case 'c':
			options->conf_dir = optarg;
			break;
		case 'n':
			is_check = true;
			break;
		case 's':
			options->spool = optarg;
			break;
		case 'r':
			if (relay_parse(optarg, &options->relay) == 0)
				break;
			log_error("--relay %s: want a numeric address or "
				  "localhost, and a port: 127.0.0.1:25",
			    optarg);
			return CMDLINE_ERROR;
		case 'o':
			options->is_once = true;
			break;
		case 'v':
			return answer("flushd " VERSION "\n");
		case 'h':
			return answer(usage);
		default:
			log_error("%s is no option, or lacks its value; "
				  "try --help",
			    argv[optind - 1]);
			return CMDLINE_ERROR;
		}
	}
	if (optind < argc)
		return wrong("takes no arguments");
	return check(options, is_check);
}
