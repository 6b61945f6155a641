/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "flushctl/jail_spool.h"
#include "flushctl/proof.h"
#include "flushctl/registry.h"
#include "flushctl/site_verb.h"
#include "flushctl/user.h"
#include "flushctl/verb.h"

struct addition {
	struct registry_entry entry;
	const char *config;
	bool wants_shell;
	bool is_dry_run;
	uid_t uid;
	gid_t gid;
	struct jail jail;
	struct programs programs;
	enum place_state state[ITEM_COUNT]; /* as it was found */
	struct conf conf;
	bool is_registered;
};

/* ---- the registration ---------------------------------------------- */

static int
differs(const struct addition *a, const char *key, const char *value)
{
	log_error("site %s is there already, with %s = %s; " CONF_SITES_DIR
		  "/%s" CONF_SITE_SUFFIX " is where to change that",
	    a->entry.name, key, *value ? value : "(nothing)", a->entry.name);
	return STATUS_FAILED;
}

/* A site that is there must be the one that is wanted. */
static int
compare(struct addition *a, const struct conf_site *s)
{
	const struct conf_values *v = &s->values;
	const char *domain = a->entry.domain;

	if (strcmp(v->root, a->entry.root) != 0)
		return differs(a, "root", v->root);
	if (v->uid != a->uid)
		return differs(a, "user", v->user);
	if (strcmp(v->spool, a->entry.spool) != 0)
		return differs(a, "spool", v->spool);
	if (domain && strcmp(v->policy.domain, domain) != 0)
		return differs(a, "domain", v->policy.domain);
	a->is_registered = true;
	return STATUS_DONE;
}

static int
look_at_registration(struct addition *a)
{
	if (conf_is_wrong(&a->conf, a->entry.name)) {
		log_error("site %s is there already, and its file is wrong",
		    a->entry.name);
		return STATUS_FAILED;
	}
	for (size_t i = 0; i < a->conf.site_count; i++) {
		const struct conf_site *s = &a->conf.sites[i];

		if (strcmp(s->name, a->entry.name) == 0)
			return compare(a, s);
		if (strcmp(s->values.root, a->entry.root) == 0 &&
		    strcmp(s->values.spool, a->entry.spool) == 0) {
			log_error("%s is the site %s already", a->entry.root,
			    s->name);
			return STATUS_FAILED;
		}
	}
	return STATUS_DONE;
}

static int
make_registration(const struct addition *a)
{
	int status;

	if (a->is_registered)
		return site_say(
		    &a->jail, "", "site %s: unchanged", a->entry.name);
	if (a->is_dry_run)
		return site_say(
		    &a->jail, "", "would become the site %s", a->entry.name);
	status = registry_add(a->config, &a->entry);
	if (status == STATUS_DONE)
		status =
		    site_say(&a->jail, "", "is the site %s now", a->entry.name);
	if (status == STATUS_DONE)
		status = registry_reload(a->conf.global.status_socket);
	return status;
}

/* ---- the programs -------------------------------------------------- */

static int
replace(const struct addition *a, enum item i, const struct item_look *look)
{
	const bool is_new = look->state == PLACE_MISSING;
	int rc;

	if (a->is_dry_run)
		return site_say(&a->jail, item_path(i),
		    is_new ? "would be put in place" : "%s; would be replaced",
		    look->why.data);
	rc = item_put(&a->jail, &a->programs, i);
	if (rc < 0)
		return site_failed(
		    &a->jail, item_path(i), "%s", jail_error(rc));
	if (is_new)
		return site_say(&a->jail, item_path(i), "put in place");
	return site_say(&a->jail, item_path(i), "replaced: %s", look->why.data);
}

static int
act_on(const struct addition *a, enum item i, const struct item_look *look)
{
	if (look->state == PLACE_CURRENT)
		return site_say(&a->jail, item_path(i), "unchanged");
	if (look->state == PLACE_FOREIGN && !item_is_copy(i))
		return site_say(&a->jail, item_path(i), "left as it is: %s",
		    look->why.data);
	return replace(a, i, look);
}

static int
add_item(struct addition *a, enum item i)
{
	struct item_look look;
	int status;
	int rc = item_look(&a->jail, &a->programs, i, &look);

	if (rc < 0)
		return site_failed(
		    &a->jail, item_path(i), "%s", jail_error(rc));
	a->state[i] = look.state;
	status = act_on(a, i, &look);
	item_look_release(&look);
	return status;
}

/* ---- the shell, which may be one of the jail's own ----------------- */

static int
look_at_shell(struct addition *a)
{
	struct item_look look;
	int rc = item_look(&a->jail, &a->programs, SHELL_LINK, &look);

	if (rc < 0)
		return site_failed(
		    &a->jail, item_path(SHELL_LINK), "%s", jail_error(rc));
	a->state[SHELL_LINK] = look.state;
	item_look_release(&look);
	return STATUS_DONE;
}

static int
add_shell(struct addition *a)
{
	int status = look_at_shell(a);

	if (status != STATUS_DONE || !a->wants_shell)
		return status;
	/* Who has another one needs no copy of ours. */
	if (a->state[SHELL_LINK] != PLACE_FOREIGN)
		status = add_item(a, SHELL_COPY);
	return status == STATUS_DONE ? add_item(a, SHELL_LINK) : status;
}

static int
add_programs(struct addition *a)
{
	int status = add_item(a, SENDMAIL_COPY);

	if (status == STATUS_DONE)
		status = add_item(a, SENDMAIL_LINK);
	return status == STATUS_DONE ? add_shell(a) : status;
}

/* ---- the spool ----------------------------------------------------- */

/* Is there a spool, or can there be one? Before anything is done. */
static int
check_spool(const struct addition *a)
{
	struct buf why = BUF_INIT;
	int status = STATUS_DONE;
	int rc = jail_spool_open(&a->jail, a->entry.spool, &why);

	if (rc >= 0)
		close(rc);
	else if (rc == -ENOENT)
		rc = jail_spool_fits(&a->jail, &why);
	if (rc < 0)
		status = site_failed(&a->jail, a->entry.spool, "%s", why.data);
	buf_release(&why);
	return status;
}

static int
make_spool(const struct addition *a, struct buf *why)
{
	struct spool_plan plan = {.uid = a->uid,
	    .gid = a->gid,
	    .site = a->entry.name,
	    .settings = spool_settings_default};
	const char *domain = a->entry.domain ? a->entry.domain : "";

	memcpy(plan.settings.domain, domain, strlen(domain) + 1);
	return jail_spool_make(&a->jail, a->entry.spool, &plan, why);
}

static int
use_spool(const struct addition *a, int fd)
{
	struct jail_spool_depth depth;
	int rc = jail_spool_order(fd, JAIL_SPOOL_COUNT, &depth);

	if (rc < 0)
		return site_failed(
		    &a->jail, a->entry.spool, "%s", jail_spool_error(rc));
	return site_say(&a->jail, a->entry.spool, "unchanged");
}

static int
add_spool(const struct addition *a)
{
	struct buf why = BUF_INIT;
	int status = STATUS_DONE;
	int rc = jail_spool_open(&a->jail, a->entry.spool, &why);

	if (rc >= 0) {
		status = use_spool(a, rc);
		close(rc);
	} else if (rc == -ENOENT && a->is_dry_run) {
		status = site_say(&a->jail, a->entry.spool, "would be made");
	} else {
		if (rc == -ENOENT)
			rc = make_spool(a, &why);
		status = rc == 0 ? site_say(&a->jail, a->entry.spool, "made")
				 : site_failed(&a->jail, a->entry.spool, "%s",
				       why.data);
	}
	buf_release(&why);
	return status;
}

/* ---- all of it ----------------------------------------------------- */

static int
prove(const struct addition *a)
{
	const bool is_called = a->state[SENDMAIL_LINK] != PLACE_FOREIGN;
	const struct proof_plan plan = {.spool = a->entry.spool,
	    .sendmail = is_called ? item_path(SENDMAIL_LINK) : ITEM_SENDMAIL,
	    .has_shell =
		a->wants_shell || a->state[SHELL_LINK] != PLACE_MISSING};
	struct buf why = BUF_INIT;
	int status;

	if (a->is_dry_run)
		return STATUS_DONE;
	if (proof_run(&a->jail, &plan, &why) < 0)
		status = site_failed(&a->jail, "", "%s", why.data);
	else
		status = site_say(
		    &a->jail, "", "a message of its user gets into a spool");
	buf_release(&why);
	return status;
}

static int
add_to_jail(struct addition *a)
{
	int status = look_at_registration(a);

	if (status == STATUS_DONE)
		status = check_spool(a);
	if (status == STATUS_DONE)
		status = add_programs(a);
	if (status == STATUS_DONE)
		status = add_spool(a);
	if (status == STATUS_DONE)
		status = prove(a);
	/* flushd is told when there is something to be served. */
	if (status == STATUS_DONE)
		status = make_registration(a);
	if (status == STATUS_DONE)
		site_advise(&a->jail, a->entry.spool,
		    a->state[SENDMAIL_LINK] == PLACE_FOREIGN);
	return status;
}

static int
add_with_programs(struct addition *a)
{
	int status;
	int rc = jail_open(&a->jail, a->entry.root, a->uid, a->gid);

	if (rc < 0)
		return site_failed(&a->jail, "", "%s", jail_error(rc));
	if (programs_read(&a->programs) < 0) {
		jail_close(&a->jail);
		return STATUS_FAILED;
	}
	status = add_to_jail(a);
	programs_release(&a->programs);
	jail_close(&a->jail);
	return status;
}

static int
add(struct addition *a)
{
	int status;

	/* What is made is to be used by others, too. */
	umask(022);
	if (!a->is_dry_run && registry_lock() != STATUS_DONE)
		return STATUS_FAILED;
	status =
	    conf_load(a->config, &a->conf) < 0 ? STATUS_FAILED : STATUS_DONE;
	if (status == STATUS_DONE) {
		status = add_with_programs(a);
		conf_release(&a->conf);
	}
	registry_unlock();
	return status;
}

/* ---- the command line ---------------------------------------------- */

/* One site has one path, however it is written. */
static void
trim(char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
}

static int
check_arguments(struct addition *a, const char *name)
{
	if (*a->entry.root != '/')
		return verb_usage(
		    name, "the jail's directory is to be an absolute path");
	if (!a->entry.user)
		return verb_usage(name, "--user is missing");
	if (user_find(a->entry.user, &a->uid, &a->gid) < 0)
		return verb_usage(name, "there is no user '%s'", a->entry.user);
	if (a->uid == 0)
		return verb_usage(name, "a site's user must not be root");
	if (!a->entry.name) {
		const char *slash = strrchr(a->entry.root, '/');

		a->entry.name = slash ? slash + 1 : "";
	}
	if (!conf_is_site_name(a->entry.name, strlen(a->entry.name)))
		return verb_usage(name,
		    "'%s' cannot be the name of a site: --name gives another",
		    a->entry.name);
	return site_is_allowed() ? STATUS_DONE : STATUS_FAILED;
}

static int
run(const struct request *r, const char *name)
{
	struct addition a = {.config = r->config,
	    .wants_shell = r->wants_shell,
	    .is_dry_run = r->is_dry_run,
	    .entry = {.name = r->name,
		.user = r->user,
		.domain = r->domain,
		.spool = r->place}};
	int status;

	if (r->word_count != 1)
		return verb_usage(name, "one jail's directory is wanted");
	trim(r->words[0]);
	a.entry.root = r->words[0];
	status = check_arguments(&a, name);
	return status == STATUS_DONE ? add(&a) : status;
}

const struct site_verb site_verb_add = {
    .name = "add",
    .arguments = "ROOT --user USER [--name NAME] [--domain D] "
		 "[--spool PATH] [--shell mini|none] [--dry-run] "
		 "[--config DIR]",
    .help =
	"Give the jail at ROOT what it needs to send mail, see that it does, "
	"and have\nflushd serve it. What is in place already is left as it "
	"is.\n\n"
	"  --user USER   whose the site and its spool are\n"
	"  --name NAME   of the site; the last part of ROOT if not given\n"
	"  --domain D    the site's: only its senders get reports of what\n"
	"                could not be delivered\n"
	"  --spool PATH  in the jail; /var/spool/mini-sendmail if not given\n"
	"  --shell WORD  mini: jailsh becomes /bin/sh where there is none;\n"
	"                none: it does not\n"
	"  --dry-run     say what would be done, and do nothing\n"
	"  --config DIR  of flushd; /etc/mini-sendmail if not given\n",
    .takes = REQUEST_WORDS | REQUEST_USER | REQUEST_NAME | REQUEST_DOMAIN |
	     REQUEST_PLACE | REQUEST_SHELL | REQUEST_DRY_RUN,
    .run = run,
};
