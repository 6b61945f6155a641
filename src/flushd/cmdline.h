/* SPDX-License-Identifier: ISC */
/*
 * cmdline.h - what flushd was asked to be
 */
#ifndef FLUSHD_CMDLINE_H
#define FLUSHD_CMDLINE_H

#include "base/compiler.h"
#include "flushd/supervisor.h"

enum cmdline_action {
	CMDLINE_SUPERVISE,
	CMDLINE_CHECK, /* print the configuration */
	CMDLINE_WORK,
	CMDLINE_PROBE,
	CMDLINE_DONE,  /* --help and --version were answered */
	CMDLINE_ERROR, /* and standard error says which */
};

enum cmdline_action cmdline_parse(
    int argc, char **argv, struct supervisor_options *options) MUST_CHECK;

#endif
