/* SPDX-License-Identifier: ISC */
/*
 * request.h - the options of the verbs that work in spools
 */
#ifndef FLUSHCTL_REQUEST_H
#define FLUSHCTL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "flushctl/target.h"
#include "listing/filter.h"
#include "listing/listing.h"

/* Options that a verb takes, beside those of a selection. */
enum {
	REQUEST_FILTER = 1, /* --sender --recipient --state --older */
	REQUEST_ALL = 2,
	REQUEST_JSON = 4,
	REQUEST_SORT = 8,
	REQUEST_RAW = 16,
	REQUEST_YES = 32,
	REQUEST_LAST = 64,
};

struct request {
	struct selection selection;
	struct filter filter;
	enum listing_order order;
	bool is_all;
	bool is_json;
	bool is_raw;
	bool is_yes;
	uint64_t last; /* that many of the end; UINT64_MAX: all */
	char **words;  /* what is no option */
	size_t word_count;
};

/*
 * Read the command line of a verb that takes these options; what was said in
 * front of the verb is in selection. STATUS_DONE; or STATUS_USAGE, what is
 * wrong was said.
 */
int request_parse(struct request *r, const struct selection *selection,
    unsigned int takes, int argc, char **argv) MUST_CHECK;

/* What the help of a verb says of the options of filters. */
#define REQUEST_FILTER_HEADING                                                 \
	"A FILTER is one of these; of several all must hold.\n\n"
#define REQUEST_FILTER_HELP                                                    \
	"  --sender A     from this address, or @domain; <> is the null "      \
	"sender\n"                                                             \
	"  --recipient A  still to go to this address, or @domain\n"           \
	"  --state S      new, sending, deferred, held, failed or damaged\n"   \
	"  --older AGE    submitted longer ago: 90s, 15m, 12h, 3d\n"

#endif
