/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "flushctl/interrupt.h"
#include "flushctl/jail_spool.h"
#include "flushctl/registry.h"
#include "flushctl/site_verb.h"
#include "flushctl/verb.h"

enum { LOOK_MS = 250 };

struct removal {
	const char *config;
	bool is_dry_run;
	bool is_drain;
	int64_t timeout_ms; /* of the drain */
	struct jail jail;
	struct programs programs;
	const char *spool;
	int spool_fd; /* or -1 */
	bool was_blocked;
};

/* ---- the mail that is left ----------------------------------------- */

static int
order(struct removal *r, enum jail_spool_order what,
    struct jail_spool_depth *depth)
{
	int rc = jail_spool_order(r->spool_fd, what, depth);

	/* Who was killed while he destroyed it has left no file. */
	if (rc == 0 || (rc == -ENOENT && what != JAIL_SPOOL_DESTROY))
		return STATUS_DONE;
	return site_failed(&r->jail, r->spool, "%s", jail_spool_error(rc));
}

static int
refuse(const struct removal *r, const struct jail_spool_depth *depth)
{
	return site_failed(&r->jail, r->spool,
	    "%" PRIu64 " %s to be sent, %" PRIu64 " held or failed; %s",
	    depth->waiting,
	    depth->waiting == 1 ? "message waits" : "messages wait",
	    depth->kept,
	    depth->kept == 0 ? "--drain waits until they are sent"
			     : "'flushctl --spool' shows them");
}

static bool
is_worth_waiting(const struct removal *r, const struct jail_spool_depth *depth,
    int64_t end_ms)
{
	return r->is_drain && depth->waiting > 0 && !interrupt_has_come() &&
	       clock_boot_ms() < end_ms;
}

/* While nobody may submit, flushd sends what is there. */
static int
wait_until_sent(struct removal *r, struct jail_spool_depth *depth)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000L * 1000};
	const int64_t end_ms = clock_boot_ms() + r->timeout_ms;
	int status = site_say(&r->jail, r->spool,
	    "waiting for flushd to send %" PRIu64 " messages", depth->waiting);

	while (status == STATUS_DONE && is_worth_waiting(r, depth, end_ms)) {
		nanosleep(&pause, NULL);
		status = order(r, JAIL_SPOOL_COUNT, depth);
	}
	return status;
}

/* An upgrade, which refreshes all sites, need not wait for that. */
static int
drain(struct removal *r, struct jail_spool_depth *depth)
{
	int status = STATUS_DONE;

	if (r->is_drain && depth->waiting > 0) {
		registry_unlock();
		status = wait_until_sent(r, depth);
		if (registry_lock() != STATUS_DONE)
			status = STATUS_FAILED;
	}
	if (status == STATUS_DONE && depth->waiting + depth->kept > 0)
		return refuse(r, depth);
	return status;
}

static void
unblock(struct removal *r)
{
	struct jail_spool_depth depth;

	if (!r->was_blocked && order(r, JAIL_SPOOL_UNBLOCK, &depth) < 0)
		return; /* it was said */
}

static int
empty_spool(struct removal *r)
{
	struct jail_spool_depth depth = {0};
	int status;

	if (r->is_dry_run) {
		status = order(r, JAIL_SPOOL_COUNT, &depth);
		if (status == STATUS_DONE && !r->is_drain &&
		    depth.waiting + depth.kept > 0)
			return refuse(r, &depth);
		return status;
	}
	/* Whoever has enough of waiting must not leave the site blocked. */
	interrupt_defer(INTERRUPT_NEVER_KILLS);
	status = order(r, JAIL_SPOOL_BLOCK, &depth);
	if (status != STATUS_DONE)
		return status;
	r->was_blocked = depth.was_blocked;
	status = drain(r, &depth);
	if (status == STATUS_DONE)
		status = order(r, JAIL_SPOOL_DESTROY, &depth);
	if (status != STATUS_DONE)
		unblock(r);
	return status;
}

static int
remove_spool(struct removal *r)
{
	int status;
	int rc;

	if (r->spool_fd < 0)
		return STATUS_DONE;
	status = empty_spool(r);
	if (status != STATUS_DONE)
		return status;
	if (r->is_dry_run)
		return site_say(&r->jail, r->spool, "would be removed");
	rc = jail_spool_unmake(&r->jail, r->spool);
	/* What somebody else has put there is his. */
	if (rc == -ENOTEMPTY)
		return site_say(&r->jail, r->spool,
		    "left: there are files that are not the spool's");
	if (rc < 0)
		return site_failed(&r->jail, r->spool, "%s", jail_error(rc));
	return site_say(&r->jail, r->spool, "removed");
}

/* ---- the programs -------------------------------------------------- */

/* Of whatever version: the last one may have been before an upgrade. */
static bool
is_ours(const struct item_look *look)
{
	return look->state == PLACE_CURRENT || look->state == PLACE_OUTDATED;
}

static int
remove_item(const struct removal *r, enum item i)
{
	struct item_look look;
	int status = STATUS_DONE;
	int rc = item_look(&r->jail, &r->programs, i, &look);

	if (rc < 0)
		return site_failed(
		    &r->jail, item_path(i), "%s", jail_error(rc));
	if (is_ours(&look) && r->is_dry_run) {
		status = site_say(&r->jail, item_path(i), "would be removed");
	} else if (is_ours(&look)) {
		rc = item_remove(&r->jail, i);
		status = rc < 0 ? site_failed(&r->jail, item_path(i), "%s",
				      jail_error(rc))
				: site_say(&r->jail, item_path(i), "removed");
	} else if (look.state == PLACE_FOREIGN) {
		status =
		    site_say(&r->jail, item_path(i), "left: %s", look.why.data);
	}
	item_look_release(&look);
	return status;
}

static int
remove_programs(const struct removal *r)
{
	static const enum item last_to_first[] = {
	    SHELL_LINK, SHELL_COPY, SENDMAIL_LINK, SENDMAIL_COPY};
	int status = STATUS_DONE;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(last_to_first); i++)
		if (status == STATUS_DONE)
			status = remove_item(r, last_to_first[i]);
	if (status != STATUS_DONE || r->is_dry_run)
		return status;
	rc = jail_spool_unmake(&r->jail, item_own_directory());
	if (rc == 0 || rc == -ENOENT || rc == -ENOTEMPTY)
		return STATUS_DONE;
	return site_failed(
	    &r->jail, item_own_directory(), "%s", jail_error(rc));
}

/* ---- all of it ----------------------------------------------------- */

static int
remove_from_jail(struct removal *r)
{
	struct buf why = BUF_INIT;
	int status = STATUS_DONE;

	r->spool_fd = jail_spool_open(&r->jail, r->spool, &why);
	if (r->spool_fd < 0 && r->spool_fd != -ENOENT)
		status = site_failed(&r->jail, r->spool, "%s", why.data);
	buf_release(&why);
	if (status == STATUS_DONE)
		status = remove_spool(r);
	if (r->spool_fd >= 0)
		close(r->spool_fd);
	return status == STATUS_DONE ? remove_programs(r) : status;
}

static int
unregister(const struct removal *r, const struct conf *conf, const char *name)
{
	int status;

	if (r->is_dry_run)
		return site_say(&r->jail, "", "would be no site any more");
	status = registry_remove(r->config, name);
	if (status == STATUS_DONE)
		status = site_say(&r->jail, "", "is no site any more");
	if (status == STATUS_DONE)
		status = registry_reload(conf->global.status_socket);
	return status;
}

static int
remove_site(struct removal *r, const struct conf *conf, const char *name)
{
	const struct conf_site *s = site_find(conf, name);
	int status;

	if (!s)
		return STATUS_NOT_FOUND;
	r->spool = s->values.spool;
	/* A jail that is gone leaves its registration. */
	if (access(s->values.root, F_OK) < 0 && errno == ENOENT) {
		r->jail = (struct jail){.path = s->values.root, .fd = -1};
		return unregister(r, conf, name);
	}
	status = site_open_jail(s, &r->jail);
	if (status != STATUS_DONE)
		return status;
	status = remove_from_jail(r);
	if (status == STATUS_DONE)
		status = unregister(r, conf, name);
	jail_close(&r->jail);
	return status;
}

static int
remove_configured(struct removal *r, const char *name)
{
	struct conf conf;
	int status;

	if (target_load_conf(r->config, &conf) != STATUS_DONE)
		return STATUS_FAILED;
	status = programs_read(&r->programs) < 0 ? STATUS_FAILED : STATUS_DONE;
	if (status == STATUS_DONE) {
		status = remove_site(r, &conf, name);
		programs_release(&r->programs);
	}
	conf_release(&conf);
	return status;
}

static int
remove_named(struct removal *r, const char *name)
{
	int status;

	if (!r->is_dry_run && registry_lock() != STATUS_DONE)
		return STATUS_FAILED;
	status = remove_configured(r, name);
	registry_unlock();
	return status;
}

static int
run(const struct request *request, const char *name)
{
	struct removal r = {.config = request->config,
	    .is_dry_run = request->is_dry_run,
	    .is_drain = request->is_drain,
	    .timeout_ms = request->timeout_ms};

	if (request->word_count != 1)
		return verb_usage(name, "one site's name is wanted");
	return site_is_allowed() ? remove_named(&r, request->words[0])
				 : STATUS_FAILED;
}

const struct site_verb site_verb_remove = {
    .name = "remove",
    .arguments = "NAME [--drain] [--timeout TIME] [--dry-run] "
		 "[--config DIR]",
    .help = "Have flushd serve the site no more, and remove what 'site add' "
	    "has put into its\njail; unless there is mail.\n\n"
	    "  --drain         let nobody submit any more, and wait until "
	    "what\n"
	    "                  waits was sent\n"
	    "  --timeout TIME  for so long at most, as in 90s; 10m if not "
	    "given\n"
	    "  --dry-run       say what would be done, and do nothing\n"
	    "  --config DIR    of flushd; /etc/mini-sendmail if not given\n",
    .takes = REQUEST_WORDS | REQUEST_DRAIN | REQUEST_DRY_RUN,
    .run = run,
};
