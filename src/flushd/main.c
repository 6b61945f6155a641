/* SPDX-License-Identifier: ISC */
/*
 * flushd - empties spools into the relay
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "flushd/cmdline.h"
#include "flushd/prober.h"
#include "flushd/supervisor.h"
#include "flushd/worker.h"
#include "site/conf.h"

enum { EXIT_USAGE = 2 };

static int
check(const char *conf_dir)
{
	struct conf conf;
	bool is_well;

	if (conf_check_dir(conf_dir) < 0 || conf_load(conf_dir, &conf) < 0)
		return EXIT_FAILURE;
	is_well = !conf.has_mistakes;
	if (is_well)
		conf_print(&conf, stdout);
	conf_release(&conf);
	return is_well && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	struct supervisor_options options;

	log_open("flushd");
	/* A log that nobody reads any more is no reason to stop mail. */
	signal(SIGPIPE, SIG_IGN);
	switch (cmdline_parse(argc, argv, &options)) {
	case CMDLINE_SUPERVISE:
		return supervisor_run(&options);
	case CMDLINE_CHECK:
		return check(options.conf_dir);
	case CMDLINE_WORK:
		return worker_main(argv[2]);
	case CMDLINE_PROBE:
		return prober_main();
	case CMDLINE_DONE:
		return EXIT_SUCCESS;
	case CMDLINE_ERROR:
	default:
		return EXIT_USAGE;
	}
}
