/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "flushctl/site_verb.h"
#include "flushctl/user.h"
#include "flushctl/verb.h"

static const struct site_verb *const site_verbs[] = {
    &site_verb_add,
    &site_verb_remove,
    &site_verb_refresh,
    &site_verb_check,
    &site_verb_list,
};

/* ---- what is said -------------------------------------------------- */

static void
add_where(struct buf *line, const struct jail *j, const char *path)
{
	buf_add_str(line, j->path);
	while (line->len > 0 && line->data[line->len - 1] == '/')
		line->data[--line->len] = '\0';
	buf_add_format(line, "%s: ", path);
}

int
site_say(const struct jail *j, const char *path, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	struct buf line = BUF_INIT;
	va_list ap;
	int status;

	add_where(&text, j, path);
	va_start(ap, fmt);
	buf_add_vformat(&text, fmt, ap);
	va_end(ap);
	log_clean(&line, text.data, text.len, text.len);
	buf_add_char(&line, '\n');
	status = verb_write(line.data, line.len);
	buf_release(&text);
	buf_release(&line);
	return status;
}

int
site_failed(const struct jail *j, const char *path, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	add_where(&text, j, path);
	va_start(ap, fmt);
	buf_add_vformat(&text, fmt, ap);
	va_end(ap);
	log_error("%s", text.data);
	buf_release(&text);
	return STATUS_FAILED;
}

/* ---- what is known ------------------------------------------------- */

bool
site_is_allowed(void)
{
	if (geteuid() == 0)
		return true;
	log_error("only root can do this");
	return false;
}

const struct conf_site *
site_find(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->site_count; i++)
		if (strcmp(c->sites[i].name, name) == 0)
			return &c->sites[i];
	if (conf_is_wrong(c, name))
		log_error("the file of site '%s' is wrong", name);
	else
		log_error("there is no site '%s'", name);
	return NULL;
}

int
site_open_jail(const struct conf_site *s, struct jail *j)
{
	const struct conf_values *v = &s->values;
	uid_t uid;
	gid_t gid;
	int rc = user_find(v->user, &uid, &gid);

	*j = (struct jail){.path = v->root, .fd = -1};
	if (rc < 0)
		return site_failed(j, "", "there is no user '%s'", v->user);
	rc = jail_open(j, v->root, uid, gid);
	return rc < 0 ? site_failed(j, "", "%s", jail_error(rc)) : STATUS_DONE;
}

static bool
has_directory(const struct jail *j, const char *path)
{
	struct jail_dir d;

	if (jail_open_dir(j, path, false, &d) < 0)
		return false;
	jail_dir_close(&d);
	return true;
}

static bool
is_of_user(const struct jail *j, const char *path)
{
	struct jail_dir d;
	bool is_users;

	if (jail_open_dir(j, path, false, &d) < 0)
		return false;
	is_users = d.is_users;
	jail_dir_close(&d);
	return is_users;
}

void
site_advise(const struct jail *j, const char *spool, bool has_own_sendmail)
{
	static const char *const ways[] = {
	    "/usr/libexec/mini-sendmail", "/usr/sbin", "/bin"};
	int status = STATUS_DONE;

	if (!has_directory(j, "/usr/share/zoneinfo"))
		status = site_say(j, "/usr/share/zoneinfo",
		    "note: is missing; PHP dies of SIGSEGV in date() without "
		    "it");
	for (size_t i = 0; i < ARRAY_LEN(ways) && status == STATUS_DONE; i++)
		if (is_of_user(j, ways[i]))
			status = site_say(j, ways[i],
			    "note: not only root can change what is in it");
	if (status == STATUS_DONE && has_own_sendmail)
		status = site_say(j, item_path(SENDMAIL_LINK),
		    "note: is another program; set sendmail_path = "
		    "\"" ITEM_SENDMAIL " -t -i\" for PHP");
	if (status == STATUS_DONE && strcmp(spool, CONF_SPOOL) != 0)
		site_say(j, spool,
		    "note: PHP needs MINI_SENDMAIL_SPOOL=%s in its "
		    "environment",
		    spool);
}

/* ---- dispatch ------------------------------------------------------ */

static int
print_help(const struct site_verb *v)
{
	struct buf text = BUF_INIT;
	int status;

	buf_add_format(&text, "usage: flushctl site %s", v->name);
	verb_add_arguments(&text, text.len, v->arguments);
	buf_add_format(&text, "\n%s", v->help);
	status = verb_write(text.data, text.len);
	buf_release(&text);
	return status;
}

static int
run_verb(const struct site_verb *v, const struct selection *selection, int argc,
    char **argv)
{
	struct buf name = BUF_INIT;
	struct request r;
	int status;

	buf_add_format(&name, "%s %s", argv[0], v->name);
	argv[1] = name.data;
	status = request_parse(
	    &r, selection, WHERE_CONFIG | v->takes, argc - 1, argv + 1);
	if (status == STATUS_DONE)
		status = v->run(&r, name.data);
	buf_release(&name);
	return status;
}

static int
run(const struct selection *selection, int argc, char **argv)
{
	if (argc < 2)
		return verb_usage(
		    argv[0], "add, remove, refresh, check or list?");
	for (size_t i = 0; i < ARRAY_LEN(site_verbs); i++) {
		const struct site_verb *v = site_verbs[i];

		if (strcmp(argv[1], v->name) != 0)
			continue;
		if (verb_wants_help(argc - 1, argv + 1))
			return print_help(v);
		return run_verb(v, selection, argc, argv);
	}
	return verb_usage(argv[0], "there is no verb '%s'", argv[1]);
}

const struct verb verb_site = {
    .name = "site",
    .summary = "give jails what they need to send mail",
    .arguments = "add|remove|refresh|check|list ...",
    .help = "  add      give a jail what it needs to send mail, and have "
	    "flushd serve it\n"
	    "  remove   undo that\n"
	    "  refresh  bring the programs in jails up to date\n"
	    "  check    is all of that in place?\n"
	    "  list     print which sites there are\n"
	    "\n"
	    "  --help   behind one of these: what it does\n",
    .has_verbs = true,
    .run = run,
};
