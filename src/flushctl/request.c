/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/quantity.h"
#include "flushctl/request.h"
#include "flushctl/verb.h"
#include "mail/domain.h"
#include "site/conf.h"
#include "spool/record.h"

enum {
	INTERVAL_SEC = 2,
	INTERVAL_MAX_SEC = 3600,
	TIMEOUT_MS = 10 * 60 * 1000,
};

/* ---- values of options: optarg ------------------------------------- */

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
take_sender(struct request *r, const char *name)
{
	return take_address(name, &r->filter.sender);
}

static int
take_recipient(struct request *r, const char *name)
{
	return take_address(name, &r->filter.recipient);
}

static int
take_state(struct request *r, const char *name)
{
	if (filter_parse_state(optarg, &r->filter.state) < 0)
		return verb_usage(name,
		    "--state is new, sending, deferred, held, failed or "
		    "damaged, not '%s'",
		    optarg);
	return STATUS_DONE;
}

static int
take_age(struct request *r, const char *name)
{
	const int64_t now_ms = clock_wall_ms();
	int64_t age_ms;

	if (quantity_parse_duration(optarg, &age_ms) < 0)
		return verb_usage(name,
		    "'%s' is no age; write it as 90s, 15m, 12h or 3d", optarg);
	r->filter.has_age = true;
	r->filter.before_ms = age_ms < now_ms ? now_ms - age_ms : 0;
	return STATUS_DONE;
}

static int
take_order(struct request *r, const char *name)
{
	if (strcmp(optarg, "age") != 0 && strcmp(optarg, "next") != 0)
		return verb_usage(
		    name, "--sort is age or next, not '%s'", optarg);
	r->order = *optarg == 'n' ? LISTING_BY_TIME : LISTING_BY_AGE;
	return STATUS_DONE;
}

static int
take_last(struct request *r, const char *name)
{
	if (quantity_parse_count(optarg, &r->last) < 0 || r->last == 0)
		return verb_usage(
		    name, "'%s' is not a number of lines", optarg);
	return STATUS_DONE;
}

static int
take_interval(struct request *r, const char *name)
{
	if (quantity_parse_count(optarg, &r->interval_sec) < 0 ||
	    r->interval_sec < 1 || r->interval_sec > INTERVAL_MAX_SEC)
		return verb_usage(name,
		    "'%s' is no number of seconds from 1 to 3600", optarg);
	return STATUS_DONE;
}

static int
no_threshold(const char *name)
{
	return verb_usage(name, "'%s' is no number and no age", optarg);
}

/* A number is one of messages, what has a unit is an age: one of both. */
static int
parse_threshold(uint64_t *waiting, uint64_t *age_sec)
{
	int64_t ms;

	if (quantity_parse_count(optarg, waiting) == 0)
		return 0;
	if (quantity_parse_duration(optarg, &ms) < 0)
		return -EINVAL;
	*age_sec = (uint64_t)ms / 1000;
	return 0;
}

static int
take_warn(struct request *r, const char *name)
{
	struct thresholds *t = &r->thresholds;

	return parse_threshold(&t->waiting.warn, &t->age_sec.warn) < 0
		   ? no_threshold(name)
		   : STATUS_DONE;
}

static int
take_crit(struct request *r, const char *name)
{
	struct thresholds *t = &r->thresholds;

	return parse_threshold(&t->waiting.crit, &t->age_sec.crit) < 0
		   ? no_threshold(name)
		   : STATUS_DONE;
}

static int
take_held(struct request *r, const char *name)
{
	return quantity_parse_count(optarg, &r->thresholds.held) < 0
		   ? no_threshold(name)
		   : STATUS_DONE;
}

static int
take_failed(struct request *r, const char *name)
{
	return quantity_parse_count(optarg, &r->thresholds.failed) < 0
		   ? no_threshold(name)
		   : STATUS_DONE;
}

static int
take_domain(struct request *r, const char *name)
{
	const size_t len = strlen(optarg);

	if (len > RECORD_DOMAIN_MAX || !domain_is_valid(optarg, len))
		return verb_usage(name, "'%s' is not a domain", optarg);
	r->domain = optarg;
	return STATUS_DONE;
}

static int
take_quota(struct request *r, const char *name)
{
	if (quantity_parse_size(optarg, &r->quota_bytes) < 0 ||
	    r->quota_bytes == 0)
		return verb_usage(name, "'%s' is not a size", optarg);
	return STATUS_DONE;
}

static int
take_place(struct request *r, const char *name)
{
	if (*optarg != '/')
		return verb_usage(
		    name, "--spool is a path in the jail, from its root");
	r->place = optarg;
	return STATUS_DONE;
}

static int
take_shell(struct request *r, const char *name)
{
	r->wants_shell = strcmp(optarg, "mini") == 0;
	if (!r->wants_shell && strcmp(optarg, "none") != 0)
		return verb_usage(
		    name, "--shell is mini or none, not '%s'", optarg);
	return STATUS_DONE;
}

static int
take_timeout(struct request *r, const char *name)
{
	if (quantity_parse_duration(optarg, &r->timeout_ms) < 0)
		return verb_usage(name, "'%s' is no time, as in 90s", optarg);
	return STATUS_DONE;
}

/* ---- which there are ----------------------------------------------- */

/* A text or a flag of the request, or what take() makes of the value. */
#define TEXT(field) true, offsetof(struct request, field), NULL
#define FLAG(field) false, offsetof(struct request, field), NULL
#define READ(take)  true, 0, take

static const struct {
	const char *name;
	unsigned int takes; /* by verbs that take one of these */
	bool has_value;
	size_t at;
	int (*take)(struct request *r, const char *name);
} known[] = {
    {"spool", WHERE_SPOOL, TEXT(selection.spool_dir)},
    {"site", WHERE_SITE, TEXT(selection.site)},
    {"all-sites", WHERE_ALL_SITES, FLAG(selection.is_all_sites)},
    {"config", WHERE_CONFIG, TEXT(selection.conf_dir)},
    {"sender", REQUEST_FILTER, READ(take_sender)},
    {"recipient", REQUEST_FILTER, READ(take_recipient)},
    {"state", REQUEST_FILTER, READ(take_state)},
    {"older", REQUEST_FILTER, READ(take_age)},
    {"all", REQUEST_ALL, FLAG(is_all)},
    {"json", REQUEST_JSON, FLAG(is_json)},
    {"sort", REQUEST_SORT, READ(take_order)},
    {"raw", REQUEST_RAW, FLAG(is_raw)},
    {"yes", REQUEST_YES, FLAG(is_yes)},
    {"last", REQUEST_LAST, READ(take_last)},
    {"socket", REQUEST_SOCKET, TEXT(socket)},
    {"interval", REQUEST_INTERVAL, READ(take_interval)},
    {"output", REQUEST_OUTPUT, TEXT(output)},
    {"warn", REQUEST_THRESHOLDS, READ(take_warn)},
    {"crit", REQUEST_THRESHOLDS, READ(take_crit)},
    {"held", REQUEST_THRESHOLDS, READ(take_held)},
    {"failed", REQUEST_THRESHOLDS, READ(take_failed)},
    {"user", REQUEST_USER, TEXT(user)},
    {"domain", REQUEST_DOMAIN, READ(take_domain)},
    {"quota", REQUEST_QUOTA, READ(take_quota)},
    {"name", REQUEST_NAME, TEXT(name)},
    {"spool", REQUEST_PLACE, READ(take_place)},
    {"shell", REQUEST_SHELL, READ(take_shell)},
    {"dry-run", REQUEST_DRY_RUN, FLAG(is_dry_run)},
    {"drain", REQUEST_DRAIN, FLAG(is_drain)},
    {"timeout", REQUEST_DRAIN, READ(take_timeout)},
    {"quiet", REQUEST_QUIET, FLAG(is_quiet)},
};

enum { VALUE_FIRST = 256 }; /* getopt_long()'s, beyond any character */

static int
take_option(struct request *r, size_t i, const char *name)
{
	char *field = (char *)r + known[i].at;
	const bool yes = true;

	if (known[i].take)
		return known[i].take(r, name);
	if (known[i].has_value)
		memcpy(field, &optarg, sizeof(optarg));
	else
		memcpy(field, &yes, sizeof(yes));
	return STATUS_DONE;
}

static int
take_options(struct request *r, unsigned int takes, int argc, char **argv)
{
	struct option options[ARRAY_LEN(known) + 1] = {0};
	size_t count = 0;
	int status = STATUS_DONE;
	int option;

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].takes & takes)
			options[count++] = (struct option){known[i].name,
			    known[i].has_value ? required_argument
					       : no_argument,
			    NULL, VALUE_FIRST + (int)i};
	while (status == STATUS_DONE &&
	       (option = getopt_long(argc, argv, ":", options, NULL)) != -1)
		status = option < VALUE_FIRST
			     ? verb_bad_option(argv, option)
			     : take_option(
				   r, (size_t)(option - VALUE_FIRST), argv[0]);
	return status;
}

/* ---- the command line ---------------------------------------------- */

/* What was said in front of the verb must mean something to it. */
static int
check_front(const struct selection *s, unsigned int takes, const char *name)
{
	const struct {
		bool is_there;
		unsigned int where;
		const char *option;
	} said[] = {
	    {s->spool_dir, WHERE_SPOOL, "--spool"},
	    {s->site, WHERE_SITE, "--site"},
	    {s->is_all_sites, WHERE_ALL_SITES, "--all-sites"},
	    {s->conf_dir, WHERE_CONFIG, "--config"},
	};

	for (size_t i = 0; i < ARRAY_LEN(said); i++)
		if (said[i].is_there && !(said[i].where & takes))
			return verb_usage(name,
			    "it does not take %s in front of it",
			    said[i].option);
	return STATUS_DONE;
}

/*
 * Where flushd is asked, if it was not said. Whoever is asked at three in the
 * morning need not have a configuration without a mistake, nor one that
 * everybody may read.
 */
static int
find_socket(struct request *r)
{
	static struct conf_values global;
	const bool is_said = r->selection.conf_dir != NULL;

	if (is_said && access(r->config, F_OK) < 0) {
		log_error("%s: %s", r->config, strerror(errno));
		return STATUS_FAILED;
	}
	if (!is_said && access(CONF_DIR "/" CONF_FILE, R_OK) < 0)
		conf_values_init(&global);
	else if (conf_load_global(r->config, &global) < 0)
		log_warning("asking at %s", global.status_socket);
	r->socket = global.status_socket;
	return STATUS_DONE;
}

int
request_parse(struct request *r, const struct selection *selection,
    unsigned int takes, int argc, char **argv)
{
	int status = check_front(selection, takes, argv[0]);

	*r = (struct request){.selection = *selection,
	    .filter = FILTER_ALL,
	    .last = UINT64_MAX,
	    .interval_sec = INTERVAL_SEC,
	    .thresholds = verdict_thresholds,
	    .place = CONF_SPOOL,
	    .wants_shell = true,
	    .timeout_ms = TIMEOUT_MS};
	if (status == STATUS_DONE)
		status = take_options(r, takes, argc, argv);
	r->config = r->selection.conf_dir ? r->selection.conf_dir : CONF_DIR;
	r->words = argv + optind;
	r->word_count = (size_t)(argc - optind);
	if (status == STATUS_DONE && r->word_count > 0 &&
	    !(takes & REQUEST_WORDS))
		return verb_usage(
		    argv[0], "'%s' is one argument too many", r->words[0]);
	if (status == STATUS_DONE && (takes & REQUEST_SOCKET) && !r->socket)
		status = find_socket(r);
	return status;
}
