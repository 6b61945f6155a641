/* SPDX-License-Identifier: ISC */
/*
 * request.h - the options of verbs
 */
#ifndef FLUSHCTL_REQUEST_H
#define FLUSHCTL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "flushctl/target.h"
#include "flushctl/verdict.h"
#include "listing/filter.h"
#include "listing/listing.h"

/* Options that a verb takes, beside those of target.h's WHERE. */
enum {
	REQUEST_WORDS = 16,  /* what is no option, at all */
	REQUEST_FILTER = 32, /* --sender --recipient --state --older */
	REQUEST_ALL = 64,
	REQUEST_JSON = 128,
	REQUEST_SORT = 256,
	REQUEST_RAW = 512,
	REQUEST_YES = 1024,
	REQUEST_LAST = 2048,
	REQUEST_SOCKET = 4096, /* with WHERE_CONFIG, which may say it too */
	REQUEST_INTERVAL = 8192,
	REQUEST_OUTPUT = 16384,
	REQUEST_THRESHOLDS = 32768, /* --warn --crit --held --failed */
};

struct request {
	struct selection selection;
	struct filter filter;
	enum listing_order order;
	bool is_all;
	bool is_json;
	bool is_raw;
	bool is_yes;
	uint64_t last;	       /* that many of the end; UINT64_MAX: all */
	const char *socket;    /* flushd's: as it was said, or configured */
	uint64_t interval_sec; /* 1 to 3600; 2 if it was not said */
	const char *output;    /* NULL: standard output */
	struct thresholds thresholds;
	char **words; /* what is no option */
	size_t word_count;
};

/*
 * Read the command line of a verb that takes these options, of both kinds; what
 * was said in front of the verb is in selection. STATUS_DONE; or what is wrong
 * was said: STATUS_USAGE, or STATUS_FAILED, there is no such configuration.
 */
int request_parse(struct request *r, const struct selection *selection,
    unsigned int takes, int argc, char **argv) MUST_CHECK;

/* The same for what was said in front of a verb that reads the rest itself:
 * which of it may be there. name is that of request_parse()'s argv[0]. */
int request_check_where(const struct selection *selection, unsigned int where,
    const char *name) MUST_CHECK;

/* What the help of a verb says of the options for its socket. */
#define REQUEST_SOCKET_HELP                                                    \
	"  --config DIR   where flushd.conf is, not /etc/mini-sendmail\n"      \
	"  --socket PATH  not the status_socket of flushd.conf(5)\n"

/* The same of filters. */
#define REQUEST_FILTER_HEADING                                                 \
	"A FILTER is one of these; of several all must hold.\n\n"
#define REQUEST_FILTER_HELP                                                    \
	"  --sender A     from this address, or @domain; <> is the null "      \
	"sender\n"                                                             \
	"  --recipient A  still to go to this address, or @domain\n"           \
	"  --state S      new, sending, deferred, held, failed or damaged\n"   \
	"  --older AGE    submitted longer ago: 90s, 15m, 12h, 3d\n"

#endif
