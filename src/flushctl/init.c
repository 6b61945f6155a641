/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/log.h"
#include "base/quantity.h"
#include "flushctl/request.h"
#include "flushctl/user.h"
#include "flushctl/verb.h"
#include "mail/domain.h"
#include "spool/create.h"

static int
take_domain(const char *text, struct spool_settings *settings)
{
	const size_t len = strlen(text);

	if (!domain_is_valid(text, len))
		return -EINVAL;
	memcpy(settings->domain, text, len + 1);
	return 0;
}

static int
create(const char *dir, const struct spool_plan *plan)
{
	int rc = spool_create(dir, plan);
	const char *meaning;

	if (rc == 0)
		return STATUS_DONE;
	switch (rc) {
	case -EEXIST:
		meaning = "there is something already; it was left as it is";
		break;
	case -ENOENT:
		meaning = "the directory that it is to be in does not exist";
		break;
	case -EINVAL:
		meaning = "not a name for a directory, or the file system "
			  "cannot rename without replacing";
		break;
	case -EPERM:
		meaning = "only root can give a spool to another user";
		break;
	default:
		meaning = strerror(-rc);
	}
	log_error("%s: %s", dir, meaning);
	return STATUS_FAILED;
}

static int
run(const struct selection *selection, int argc, char **argv)
{
	static const struct option options[] = {
	    {"domain", required_argument, NULL, 'd'},
	    {"quota", required_argument, NULL, 'q'},
	    {"user", required_argument, NULL, 'u'},
	    {0},
	};
	struct spool_plan plan = {.uid = (uid_t)-1,
	    .gid = (gid_t)-1,
	    .site = "",
	    .settings = spool_settings_default};
	int option;

	if (request_check_where(selection, 0, argv[0]) != STATUS_DONE)
		return STATUS_USAGE;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			if (take_domain(optarg, &plan.settings) < 0)
				return verb_usage(
				    argv[0], "'%s' is not a domain", optarg);
			break;
		case 'q':
			if (quantity_parse_size(
				optarg, &plan.settings.quota_bytes) < 0)
				return verb_usage(
				    argv[0], "'%s' is not a size", optarg);
			break;
		case 'u':
			if (user_find(optarg, &plan.uid, &plan.gid) < 0)
				return verb_usage(
				    argv[0], "there is no user '%s'", optarg);
			break;
		default:
			return verb_bad_option(argv);
		}
	}
	if (argc - optind != 1)
		return verb_usage(argv[0], "one directory is wanted");
	return create(argv[optind], &plan);
}

const struct verb verb_init = {
    .name = "init",
    .arguments = "DIR [--domain D] [--quota SIZE] [--user U]",
    .help =
	"Make a spool at DIR, where there must be nothing yet.\n\n"
	"  --domain D    the site's: only its senders get reports of what\n"
	"                could not be delivered\n"
	"  --quota SIZE  of all messages together: bytes, or with K, M, G,\n"
	"                T; 1G if not given\n"
	"  --user U      whom it is to belong to, by name or number; the\n"
	"                caller if not given\n",
    .run = run,
};
