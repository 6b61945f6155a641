/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include "flushctl/registry.h"
#include "flushctl/site_verb.h"
#include "flushctl/verb.h"

struct refreshing {
	const char *config;
	bool is_dry_run;
	struct programs programs;
};

static int
replace(const struct refreshing *r, const struct jail *j, enum item i,
    const struct item_look *look)
{
	int rc;

	if (r->is_dry_run)
		return site_say(
		    j, item_path(i), "%s; would be replaced", look->why.data);
	rc = item_put(j, &r->programs, i);
	if (rc < 0)
		return site_failed(j, item_path(i), "%s", jail_error(rc));
	return site_say(j, item_path(i), "replaced: %s", look->why.data);
}

/* What is not there, an operator may have wanted so. */
static int
refresh_item(const struct refreshing *r, const struct jail *j, enum item i)
{
	struct item_look look;
	int status;
	int rc = item_look(j, &r->programs, i, &look);

	if (rc < 0)
		return site_failed(j, item_path(i), "%s", jail_error(rc));
	if (look.state == PLACE_MISSING)
		status = i == SENDMAIL_COPY
			     ? site_say(j, item_path(i),
				   "is not there; 'site add' puts it there")
			     : STATUS_DONE;
	else if (look.state == PLACE_CURRENT)
		status = site_say(j, item_path(i), "unchanged");
	else
		status = replace(r, j, i, &look);
	item_look_release(&look);
	return status;
}

static int
refresh_site(const struct refreshing *r, const struct conf_site *s)
{
	struct jail j;
	int status = site_open_jail(s, &j);
	int shell_status;

	if (status != STATUS_DONE)
		return status;
	status = refresh_item(r, &j, SENDMAIL_COPY);
	shell_status = refresh_item(r, &j, SHELL_COPY);
	jail_close(&j);
	return status == STATUS_DONE ? shell_status : status;
}

/* One that cannot be refreshed is no reason to leave the others. */
static int
refresh_all(const struct refreshing *r, const struct conf *conf)
{
	int status = conf->has_mistakes ? STATUS_FAILED : STATUS_DONE;

	for (size_t i = 0; i < conf->site_count; i++)
		if (refresh_site(r, &conf->sites[i]) != STATUS_DONE)
			status = STATUS_FAILED;
	return status;
}

static int
refresh_configured(struct refreshing *r, const char *name)
{
	const struct conf_site *s;
	struct conf conf;
	int status;

	if (target_load_conf(r->config, &conf) != STATUS_DONE)
		return STATUS_FAILED;
	if (programs_read(&r->programs) < 0) {
		conf_release(&conf);
		return STATUS_FAILED;
	}
	if (name) {
		s = site_find(&conf, name);
		status = s ? refresh_site(r, s) : STATUS_NOT_FOUND;
	} else {
		status = refresh_all(r, &conf);
	}
	programs_release(&r->programs);
	conf_release(&conf);
	return status;
}

static int
refresh(struct refreshing *r, const char *name)
{
	int status;

	umask(022);
	if (!r->is_dry_run && registry_lock() != STATUS_DONE)
		return STATUS_FAILED;
	status = refresh_configured(r, name);
	registry_unlock();
	return status;
}

static int
run(const struct request *request, const char *name)
{
	struct refreshing r = {
	    .config = request->config, .is_dry_run = request->is_dry_run};

	if (request->word_count != (request->is_all ? 0 : 1))
		return verb_usage(
		    name, "either a site's name or --all is wanted");
	if (!site_is_allowed())
		return STATUS_FAILED;
	return refresh(&r, request->is_all ? NULL : request->words[0]);
}

const struct site_verb site_verb_refresh = {
    .name = "refresh",
    .arguments = "NAME|--all [--dry-run] [--config DIR]",
    .help = "Replace the programs that 'site add' has put into jails, where "
	    "they are not\nthose of this host any more.\n\n"
	    "  --all         in all sites\n"
	    "  --dry-run     say what would be done, and do nothing\n"
	    "  --config DIR  of flushd; /etc/mini-sendmail if not given\n",
    .takes = REQUEST_WORDS | REQUEST_ALL | REQUEST_DRY_RUN,
    .run = run,
};
