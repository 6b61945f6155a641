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
	REQUEST_WORDS = 1 << 4,	 /* what is no option, at all */
	REQUEST_FILTER = 1 << 5, /* --sender --recipient --state --older */
	REQUEST_ALL = 1 << 6,
	REQUEST_JSON = 1 << 7,
	REQUEST_SORT = 1 << 8,
	REQUEST_RAW = 1 << 9,
	REQUEST_YES = 1 << 10,
	REQUEST_LAST = 1 << 11,
	REQUEST_SOCKET = 1 << 12, /* with WHERE_CONFIG, which may say it too */
	REQUEST_INTERVAL = 1 << 13,
	REQUEST_OUTPUT = 1 << 14,
	REQUEST_THRESHOLDS = 1 << 15, /* --warn --crit --held --failed */
	REQUEST_USER = 1 << 16,
	REQUEST_DOMAIN = 1 << 17,
	REQUEST_QUOTA = 1 << 18,
	REQUEST_NAME = 1 << 19,
	REQUEST_PLACE = 1 << 20, /* --spool, but as a path in a jail */
	REQUEST_SHELL = 1 << 21,
	REQUEST_DRY_RUN = 1 << 22,
	REQUEST_DRAIN = 1 << 23, /* --drain --timeout */
	REQUEST_QUIET = 1 << 24,
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
	const char *config;   /* the directory, said or not */
	const char *user;     /* NULL: none */
	const char *domain;   /* valid, or NULL */
	uint64_t quota_bytes; /* 0: it was not said */
	const char *name;     /* NULL: none */
	const char *place;    /* CONF_SPOOL if it was not said */
	bool wants_shell;
	bool is_dry_run;
	bool is_drain;
	int64_t timeout_ms; /* 10 minutes if it was not said */
	bool is_quiet;
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

/* What the help of a verb says of the options for its socket. */
#define REQUEST_SOCKET_HELP                                                    \
	"  --config DIR   with flushd.conf; /etc/mini-sendmail if not given\n" \
	"  --socket PATH  of flushd; the status_socket of flushd.conf if not " \
	"given\n"

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
