/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "flushctl/request.h"
#include "flushctl/user.h"
#include "flushctl/verb.h"
#include "spool/create.h"

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
	struct spool_plan plan = {.uid = (uid_t)-1,
	    .gid = (gid_t)-1,
	    .site = "",
	    .settings = spool_settings_default};
	struct request r;
	int status = request_parse(&r, selection,
	    REQUEST_WORDS | REQUEST_DOMAIN | REQUEST_QUOTA | REQUEST_USER, argc,
	    argv);

	if (status != STATUS_DONE)
		return status;
	if (r.word_count != 1)
		return verb_usage(argv[0], "one directory is wanted");
	if (r.user && user_find(r.user, &plan.uid, &plan.gid) < 0)
		return verb_usage(argv[0], "there is no user '%s'", r.user);
	if (r.domain)
		memcpy(plan.settings.domain, r.domain, strlen(r.domain) + 1);
	if (r.quota_bytes > 0)
		plan.settings.quota_bytes = r.quota_bytes;
	return create(r.words[0], &plan);
}

const struct verb verb_init = {
    .name = "init",
    .summary = "make a spool",
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
