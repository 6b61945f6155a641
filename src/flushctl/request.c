/* SPDX-License-Identifier: ISC */
#include <getopt.h>
#include <string.h>

#include "base/clock.h"
#include "base/quantity.h"
#include "flushctl/request.h"
#include "flushctl/verb.h"

static const struct {
	struct option option;
	unsigned int takes; /* 0: all do */
} known[] = {
    {{"spool", required_argument, NULL, 'p'}, 0},
    {{"site", required_argument, NULL, 'n'}, 0},
    {{"all-sites", no_argument, NULL, 'A'}, 0},
    {{"config", required_argument, NULL, 'c'}, 0},
    {{"sender", required_argument, NULL, 'f'}, REQUEST_FILTER},
    {{"recipient", required_argument, NULL, 'r'}, REQUEST_FILTER},
    {{"state", required_argument, NULL, 's'}, REQUEST_FILTER},
    {{"older", required_argument, NULL, 'o'}, REQUEST_FILTER},
    {{"all", no_argument, NULL, 'a'}, REQUEST_ALL},
    {{"json", no_argument, NULL, 'j'}, REQUEST_JSON},
    {{"sort", required_argument, NULL, 't'}, REQUEST_SORT},
    {{"raw", no_argument, NULL, 'w'}, REQUEST_RAW},
    {{"yes", no_argument, NULL, 'y'}, REQUEST_YES},
    {{"last", required_argument, NULL, 'l'}, REQUEST_LAST},
};

static int
take_address(const char *name, const char **address)
{
	if (!filter_is_address(optarg))
		return verb_usage(
		    name, "'%s' is no address, nor @domain", optarg);
	*address = optarg;
	return STATUS_DONE;
}

static int
take_state(const char *name, struct filter *f)
{
	if (filter_parse_state(optarg, &f->state) < 0)
		return verb_usage(name,
		    "--state is new, sending, deferred, held, failed or "
		    "damaged, not '%s'",
		    optarg);
	return STATUS_DONE;
}

static int
take_age(const char *name, struct filter *f)
{
	const int64_t now_ms = clock_wall_ms();
	int64_t age_ms;

	if (quantity_parse_duration(optarg, &age_ms) < 0)
		return verb_usage(name,
		    "'%s' is no age; write it as 90s, 15m, 12h or 3d", optarg);
	f->has_age = true;
	f->before_ms = age_ms < now_ms ? now_ms - age_ms : 0;
	return STATUS_DONE;
}

static int
take_order(const char *name, enum listing_order *order)
{
	if (strcmp(optarg, "age") != 0 && strcmp(optarg, "next") != 0)
		return verb_usage(
		    name, "--sort is age or next, not '%s'", optarg);
	*order = *optarg == 'n' ? LISTING_BY_TIME : LISTING_BY_AGE;
	return STATUS_DONE;
}

static int
take_last(const char *name, uint64_t *last)
{
	if (quantity_parse_count(optarg, last) < 0 || *last == 0)
		return verb_usage(
		    name, "'%s' is not a number of lines", optarg);
	return STATUS_DONE;
}

static int
take_option(struct request *r, int option, char **argv)
{
	switch (option) {
	case 'p':
		r->selection.spool_dir = optarg;
		return STATUS_DONE;
	case 'n':
		r->selection.site = optarg;
		return STATUS_DONE;
	case 'A':
		r->selection.is_all_sites = true;
		return STATUS_DONE;
	case 'c':
		r->selection.conf_dir = optarg;
		return STATUS_DONE;
	case 'f':
		return take_address(argv[0], &r->filter.sender);
	case 'r':
		return take_address(argv[0], &r->filter.recipient);
	case 's':
		return take_state(argv[0], &r->filter);
	case 'o':
		return take_age(argv[0], &r->filter);
	case 't':
		return take_order(argv[0], &r->order);
	case 'l':
		return take_last(argv[0], &r->last);
	case 'a':
		r->is_all = true;
		return STATUS_DONE;
	case 'j':
		r->is_json = true;
		return STATUS_DONE;
	case 'w':
		r->is_raw = true;
		return STATUS_DONE;
	case 'y':
		r->is_yes = true;
		return STATUS_DONE;
	default:
		return verb_bad_option(argv);
	}
}

int
request_parse(struct request *r, const struct selection *selection,
    unsigned int takes, int argc, char **argv)
{
	struct option options[ARRAY_LEN(known) + 1] = {0};
	size_t count = 0;
	int status = STATUS_DONE;
	int option;

	*r = (struct request){
	    .selection = *selection, .filter = FILTER_ALL, .last = UINT64_MAX};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if ((known[i].takes & takes) == known[i].takes)
			options[count++] = known[i].option;
	while (status == STATUS_DONE &&
	       (option = getopt_long(argc, argv, "", options, NULL)) != -1)
		status = take_option(r, option, argv);
	r->words = argv + optind;
	r->word_count = (size_t)(argc - optind);
	return status;
}
