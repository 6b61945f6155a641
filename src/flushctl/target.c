/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flushctl/target.h"
#include "flushctl/verb.h"
#include "mail/queue_id.h"
#include "site/conf.h"

static const char spool_default[] = "/var/spool/mini-sendmail";

/* Site names are shown in a column of this at least, and at most. */
enum { NAME_WIDTH_MIN = 3, NAME_WIDTH_MAX = 24 };

struct search {
	struct targets *found;
	const struct selection *selection;
	const char *name;
	bool is_change;
	struct conf conf;
	bool has_conf;
};

static const char *
conf_dir(const struct search *s)
{
	return s->selection->conf_dir ? s->selection->conf_dir : CONF_DIR;
}

static const char *
spool_of_environment(void)
{
	const char *dir = secure_getenv("MINI_SENDMAIL_SPOOL");

	return dir && *dir ? dir : NULL;
}

static const char *
default_dir(void)
{
	const char *dir = spool_of_environment();

	return dir ? dir : spool_default;
}

/* ---- targets ------------------------------------------------------- */

static struct target *
add(struct targets *t)
{
	t->list = alloc_resize(t->list, t->count + 1, sizeof(*t->list));
	t->list[t->count] = (struct target){0};
	return &t->list[t->count++];
}

static struct target *
add_dir(struct targets *t, const char *dir)
{
	struct target *target = add(t);

	target->site.name = alloc_copy(dir, strlen(dir));
	target->site.path = alloc_copy(dir, strlen(dir));
	target->name = target->site.name;
	return target;
}

static struct target *
add_site(struct targets *t, const struct conf_site *site)
{
	struct target *target = add(t);

	conf_get_site(site, &target->site);
	target->name = target->site.name;
	target->is_site = true;
	return target;
}

static void
add_id(struct target *t, uint64_t id)
{
	t->ids = alloc_resize(t->ids, t->id_count + 1, sizeof(*t->ids));
	t->ids[t->id_count++] = id;
}

void
targets_release(struct targets *t)
{
	for (size_t i = 0; i < t->count; i++) {
		site_release(&t->list[i].site);
		free(t->list[i].ids);
	}
	free(t->list);
	*t = (struct targets){0};
}

int
targets_name_width(const struct targets *t)
{
	int width = NAME_WIDTH_MIN;

	if (t->count < 2)
		return 0;
	for (size_t i = 0; i < t->count; i++) {
		const int len = (int)strlen(t->list[i].name);

		if (len > width)
			width = len < NAME_WIDTH_MAX ? len : NAME_WIDTH_MAX;
	}
	return width;
}

/* ---- sites --------------------------------------------------------- */

/* Without one there are no sites; but whoever names one, has one. */
int
target_load_conf(const char *dir, struct conf *c)
{
	if (strcmp(dir, CONF_DIR) != 0 && conf_check_dir(dir) < 0)
		return STATUS_FAILED;
	return conf_load(dir, c) < 0 ? STATUS_FAILED : STATUS_DONE;
}

static int
load(struct search *s)
{
	if (s->has_conf)
		return STATUS_DONE;
	if (target_load_conf(conf_dir(s), &s->conf) != STATUS_DONE)
		return STATUS_FAILED;
	s->has_conf = true;
	return STATUS_DONE;
}

static int
no_site(const struct search *s, const char *name, size_t len)
{
	char *copy = alloc_copy(name, len);
	const bool is_wrong = conf_is_wrong(&s->conf, copy);

	if (is_wrong)
		log_error("the file of site '%s' is wrong", copy);
	else
		log_error("%s/sites.d has no site '%s'", conf_dir(s), copy);
	free(copy);
	return is_wrong ? STATUS_FAILED : STATUS_NOT_FOUND;
}

/* Of those found already, or of the configuration. */
static int
find_site(struct search *s, const char *name, size_t len, struct target **out)
{
	int status = load(s);

	for (size_t i = 0; i < s->found->count; i++) {
		struct target *t = &s->found->list[i];

		if (t->is_site && strlen(t->name) == len &&
		    memcmp(t->name, name, len) == 0) {
			*out = t;
			return STATUS_DONE;
		}
	}
	for (size_t i = 0; status == STATUS_DONE && i < s->conf.site_count;
	     i++) {
		const char *known = s->conf.sites[i].name;

		if (strlen(known) != len || memcmp(known, name, len) != 0)
			continue;
		*out = add_site(s->found, &s->conf.sites[i]);
		return STATUS_DONE;
	}
	return status == STATUS_DONE ? no_site(s, name, len) : status;
}

static int
find_all(struct search *s)
{
	int status = load(s);

	if (status != STATUS_DONE)
		return status;
	if (geteuid() != 0) {
		log_error("all sites are root's to look at; name yours with "
			  "--site");
		return STATUS_FAILED;
	}
	for (size_t i = 0; i < s->conf.site_count; i++)
		add_site(s->found, &s->conf.sites[i]);
	s->found->is_partial = s->conf.has_mistakes;
	return STATUS_DONE;
}

/* ---- what is meant ------------------------------------------------- */

static bool
is_named(const struct selection *s)
{
	return s->spool_dir || s->site || s->is_all_sites;
}

/* Nothing was said. */
static int
find_default(struct search *s)
{
	const bool may_be_sites = s->selection->conf_dir ||
				  (!spool_of_environment() && geteuid() == 0);
	int status = STATUS_DONE;

	if (may_be_sites)
		status = load(s);
	if (status != STATUS_DONE)
		return status;
	if (!may_be_sites || (s->conf.site_count + s->conf.wrong_count == 0 &&
				 !s->selection->conf_dir))
		add_dir(s->found, default_dir());
	else if (s->is_change)
		return verb_usage(
		    s->name, "which site? --site NAME, SITE/ID or --all-sites");
	else
		return find_all(s);
	return STATUS_DONE;
}

static int
find_whole(struct search *s)
{
	const struct selection *selection = s->selection;
	struct target *ignored;

	if (selection->spool_dir) {
		add_dir(s->found, selection->spool_dir);
		return STATUS_DONE;
	}
	if (selection->site)
		return find_site(
		    s, selection->site, strlen(selection->site), &ignored);
	return selection->is_all_sites ? find_all(s) : find_default(s);
}

/* ---- ids ----------------------------------------------------------- */

/* The one spool of ids that name no site. */
static int
find_bare(struct search *s, struct target **out)
{
	struct search whole = *s;
	struct targets found = {0};
	int status;

	whole.found = &found;
	status = find_whole(&whole);
	s->conf = whole.conf;
	s->has_conf = whole.has_conf;
	if (status == STATUS_DONE && found.count != 1)
		status = verb_usage(
		    s->name, "which site? an id is SITE/ID, or --site NAME");
	if (status == STATUS_DONE && found.list[0].is_site)
		status = find_site(
		    s, found.list[0].name, strlen(found.list[0].name), out);
	else if (status == STATUS_DONE)
		*out = add_dir(s->found, found.list[0].name);
	targets_release(&found);
	return status;
}

static int
find_words(struct search *s, char **words, size_t count)
{
	int status = STATUS_DONE;
	/* An index, as the list may move. */
	size_t bare = SIZE_MAX;

	for (size_t i = 0; i < count && status == STATUS_DONE; i++) {
		const char *slash = strrchr(words[i], '/');
		struct target *t = NULL;
		uint64_t id;

		if (queue_id_parse(slash ? slash + 1 : words[i], &id) < 0)
			return verb_usage(
			    s->name, "'%s' is not a queue id", words[i]);
		if (slash && is_named(s->selection))
			return verb_usage(s->name,
			    "'%s' names a site, and so does an option",
			    words[i]);
		if (slash)
			status = find_site(
			    s, words[i], (size_t)(slash - words[i]), &t);
		else if (bare < SIZE_MAX)
			t = &s->found->list[bare];
		else
			status = find_bare(s, &t);
		if (status != STATUS_DONE)
			break;
		if (!slash)
			bare = (size_t)(t - s->found->list);
		add_id(t, id);
	}
	return status;
}

int
targets_find(struct targets *t, const struct selection *selection,
    const char *name, bool is_change, char **words, size_t word_count)
{
	struct search s = {.found = t,
	    .selection = selection,
	    .name = name,
	    .is_change = is_change};
	int status;

	*t = (struct targets){0};
	if ((selection->spool_dir != NULL) + (selection->site != NULL) +
		selection->is_all_sites >
	    1)
		return verb_usage(
		    name, "one of --spool, --site and --all-sites is enough");
	if (selection->spool_dir && *selection->spool_dir == '\0')
		return verb_usage(name, "--spool names no directory");
	status =
	    word_count > 0 ? find_words(&s, words, word_count) : find_whole(&s);
	if (s.has_conf)
		conf_release(&s.conf);
	return status;
}
