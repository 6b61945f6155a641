/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "flushctl/jail_spool.h"
#include "flushctl/site_verb.h"
#include "flushctl/verb.h"

struct check {
	const char *config;
	bool is_quiet;
	bool wants_shell;
	struct jail jail;
	struct programs programs;
	bool has_own_sendmail; /* of the jail's */
	int status;
};

static void finding(struct check *c, const char *path, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Of all that is wrong it is said. */
static void
finding(struct check *c, const char *path, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_add_vformat(&text, fmt, ap);
	va_end(ap);
	if (c->status == STATUS_DONE)
		c->status = STATUS_NOT_FOUND;
	if (!c->is_quiet &&
	    site_say(&c->jail, path, "%s", text.data) != STATUS_DONE)
		c->status = STATUS_FAILED;
	buf_release(&text);
}

/* ---- the programs -------------------------------------------------- */

static enum place_state
check_item(struct check *c, enum item i)
{
	struct item_look look;
	enum place_state state;
	int rc = item_look(&c->jail, &c->programs, i, &look);

	if (rc < 0) {
		finding(c, item_path(i), "%s", jail_error(rc));
		return PLACE_MISSING;
	}
	state = look.state;
	/* A link that is the jail's own is what `site add` leaves, too. */
	if (state != PLACE_CURRENT &&
	    (item_is_copy(i) || state == PLACE_MISSING))
		finding(c, item_path(i), "%s", look.why.data);
	item_look_release(&look);
	return state;
}

static void
check_programs(struct check *c)
{
	check_item(c, SENDMAIL_COPY);
	c->has_own_sendmail = check_item(c, SENDMAIL_LINK) == PLACE_FOREIGN;
	if (c->wants_shell && check_item(c, SHELL_LINK) != PLACE_FOREIGN)
		check_item(c, SHELL_COPY);
}

/* ---- the spool ----------------------------------------------------- */

static void
check_spool(struct check *c, const char *spool)
{
	struct jail_spool_depth depth;
	struct buf why = BUF_INIT;
	int fd = jail_spool_open(&c->jail, spool, &why);
	int rc;

	if (fd == -ENOENT) {
		finding(c, spool, "is missing");
	} else if (fd < 0) {
		finding(c, spool, "%s", why.data);
	} else {
		rc = jail_spool_order(fd, JAIL_SPOOL_COUNT, &depth);
		if (rc < 0)
			finding(c, spool, "%s", jail_spool_error(rc));
		close(fd);
	}
	buf_release(&why);
}

/* ---- all of it ----------------------------------------------------- */

static int
check_site(struct check *c, const struct conf_site *s)
{
	int status = site_open_jail(s, &c->jail);

	if (status != STATUS_DONE)
		return status;
	if (programs_read(&c->programs) < 0) {
		jail_close(&c->jail);
		return STATUS_FAILED;
	}
	check_programs(c);
	check_spool(c, s->values.spool);
	if (!c->is_quiet)
		site_advise(&c->jail, s->values.spool, c->has_own_sendmail);
	programs_release(&c->programs);
	jail_close(&c->jail);
	return c->status;
}

/* A path has a slash, a name has none. */
static const struct conf_site *
find(const struct conf *conf, const char *word)
{
	size_t len = strlen(word);

	while (len > 1 && word[len - 1] == '/')
		len--;
	for (size_t i = 0; i < conf->site_count; i++) {
		const struct conf_site *s = &conf->sites[i];
		const char *key = strchr(word, '/') ? s->values.root : s->name;

		if (strncmp(key, word, len) == 0 && key[len] == '\0')
			return s;
	}
	return NULL;
}

static int
check(struct check *c, const char *word)
{
	const struct conf_site *s;
	struct conf conf;
	int status;

	if (target_load_conf(c->config, &conf) != STATUS_DONE)
		return STATUS_FAILED;
	s = find(&conf, word);
	if (s) {
		status = check_site(c, s);
	} else if (conf_is_wrong(&conf, word)) {
		log_error("the file of site '%s' is wrong", word);
		status = STATUS_FAILED;
	} else {
		status = STATUS_NOT_FOUND;
		if (!c->is_quiet)
			log_error("there is no site '%s'", word);
	}
	conf_release(&conf);
	return status;
}

static int
run(const struct request *r, const char *name)
{
	struct check c = {.config = r->config,
	    .is_quiet = r->is_quiet,
	    .wants_shell = r->wants_shell};

	if (r->word_count != 1)
		return verb_usage(
		    name, "one site's name or directory is wanted");
	return site_is_allowed() ? check(&c, r->words[0]) : STATUS_FAILED;
}

const struct site_verb site_verb_check = {
    .name = "check",
    .arguments = "NAME|ROOT [--quiet] [--shell mini|none] [--config DIR]",
    .help =
	"Is all that 'site add' does in place and up to date? Exit status 0 "
	"if so, 1 if\nnot.\n\n"
	"  --quiet       do not say what is wrong\n"
	"  --shell WORD  as it was given to 'site add'\n"
	"  --config DIR  of flushd; /etc/mini-sendmail if not given\n",
    .takes = REQUEST_WORDS | REQUEST_QUIET | REQUEST_SHELL,
    .run = run,
};
