/* SPDX-License-Identifier: ISC */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "flushctl/site_verb.h"
#include "flushctl/verb.h"

/* ---- JSON ---------------------------------------------------------- */

/* A path may be bytes of any kind. */
static json_t *
text_of(const char *text)
{
	json_t *value = json_string(text);

	return value ? value : json_null();
}

static void
add_json(const struct conf_site *s, struct buf *out)
{
	const struct conf_values *v = &s->values;
	json_t *object = json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "site",
	    s->name, "root", text_of(v->root), "user", v->user, "uid",
	    v->uid == 0 ? json_null() : json_integer((json_int_t)v->uid),
	    "spool", text_of(v->spool), "domain",
	    *v->policy.domain ? text_of(v->policy.domain) : json_null());
	char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;

	if (!line)
		alloc_fail();
	buf_add_format(out, "%s\n", line);
	free(line);
	json_decref(object);
}

/* ---- a table ------------------------------------------------------- */

static int
longest(const struct conf *c, bool is_user)
{
	size_t max = 4;

	for (size_t i = 0; i < c->site_count; i++) {
		const char *word =
		    is_user ? c->sites[i].values.user : c->sites[i].name;

		if (strlen(word) > max)
			max = strlen(word);
	}
	return (int)max;
}

static void
add_table(const struct conf *c, struct buf *out)
{
	const int name = longest(c, false);
	const int user = longest(c, true);

	buf_add_format(
	    out, "%-*s  %-*s  %s\n", name, "SITE", user, "USER", "ROOT");
	for (size_t i = 0; i < c->site_count; i++) {
		const struct conf_site *s = &c->sites[i];

		buf_add_format(out, "%-*s  %-*s  %s\n", name, s->name, user,
		    s->values.user, s->values.root);
	}
}

/* ---- the verb ------------------------------------------------------ */

static int
run(const struct request *r, const char *name)
{
	struct buf out = BUF_INIT;
	struct conf conf;
	int status;

	(void)name;
	if (target_load_conf(r->config, &conf) != STATUS_DONE)
		return STATUS_FAILED;
	for (size_t i = 0; r->is_json && i < conf.site_count; i++)
		add_json(&conf.sites[i], &out);
	if (!r->is_json)
		add_table(&conf, &out);
	status = verb_write(out.data, out.len);
	if (conf.has_mistakes)
		status = STATUS_FAILED;
	buf_release(&out);
	conf_release(&conf);
	return status;
}

const struct site_verb site_verb_list = {
    .name = "list",
    .arguments = "[--json] [--config DIR]",
    .help = "Print which sites there are.\n\n"
	    "  --json        one object a line\n"
	    "  --config DIR  of flushd; /etc/mini-sendmail if not given\n",
    .takes = REQUEST_JSON,
    .run = run,
};
