/* SPDX-License-Identifier: ISC */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "flushd/child.h"
#include "flushd/cmdline.h"

static const char usage[] =
    "usage: flushd --spool DIR --relay HOST:PORT [--once]\n"
    "\n"
    "Empties the spool in DIR into the SMTP server at HOST:PORT, a numeric\n"
    "address or localhost, in the foreground, until it is told to stop.\n"
    "\n"
    "  --once      one pass over what is due; exits 0 when nothing waits\n"
    "  --version   print the version\n"
    "  --help      print this\n"
    "\n"
    "See flushd(8).\n";

static enum cmdline_action
answer(const char *text)
{
	fputs(text, stdout);
	return CMDLINE_DONE;
}

/* Everything that must be there is there. */
static enum cmdline_action
check(const struct supervisor_options *o, int argc)
{
	if (optind < argc)
		log_error("takes no arguments; try --help");
	else if (!o->spool)
		log_error("--spool is missing; try --help");
	else if (o->relay.name[0] == '\0')
		log_error("--relay is missing; try --help");
	else
		return CMDLINE_SUPERVISE;
	return CMDLINE_ERROR;
}

enum cmdline_action
cmdline_parse(int argc, char **argv, struct supervisor_options *options)
{
	static const struct option known[] = {
	    {"spool", required_argument, NULL, 's'},
	    {"relay", required_argument, NULL, 'r'},
	    {"once", no_argument, NULL, 'o'},
	    {"version", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	int c;

	*options = (struct supervisor_options){
	    .workers_max = 32, .connections_max = 20};
	/* How it calls itself; not for people. */
	if (argc == 3 && strcmp(argv[1], child_argument_worker) == 0)
		return CMDLINE_WORK;
	if (argc == 2 && strcmp(argv[1], child_argument_prober) == 0)
		return CMDLINE_PROBE;
	opterr = 0; /* what is wrong is said here, in one line */
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
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
	return check(options, argc);
}
