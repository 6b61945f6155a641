/* SPDX-License-Identifier: ISC */
#include <stdbool.h>

#include "flushctl/asked.h"
#include "flushctl/request.h"
#include "flushctl/status_table.h"
#include "flushctl/terminal.h"
#include "flushctl/verb.h"

static void
add_json(struct buf *out, const struct snapshot *s)
{
	for (size_t i = 0; i < s->count; i++)
		buf_add(out, s->sites[i].line, s->sites[i].line_len);
	if (s->has_relay)
		buf_add(out, s->relay.line, s->relay.line_len);
}

static void
add_table(struct buf *out, struct snapshot *s, bool is_one)
{
	struct status_style style = {.has_all_errors = is_one};

	terminal_style(&style);
	snapshot_sort(s);
	status_table_add(out, s, &style);
}

static int
run(const struct selection *selection, int argc, char **argv)
{
	struct request r;
	struct asked asked;
	struct buf out = BUF_INIT;
	int status = request_parse(&r, selection,
	    WHERE_SITE | WHERE_CONFIG | REQUEST_JSON | REQUEST_SOCKET, argc,
	    argv);

	if (status == STATUS_DONE)
		status = asked_get(&asked, r.socket, r.selection.site);
	if (status != STATUS_DONE)
		return status;
	if (r.is_json)
		add_json(&out, &asked.snapshot);
	else
		add_table(&out, &asked.snapshot, r.selection.site != NULL);
	status = verb_write(out.data, out.len);
	buf_release(&out);
	asked_release(&asked);
	return status;
}

const struct verb verb_status = {
    .name = "status",
    .summary = "how sites and relay are",
    .arguments = "[--json] [--site NAME] [--config DIR] [--socket PATH]",
    .help = "Ask flushd for the state of its sites and of the relay: of all "
	    "sites as root,\nof his own as a site's user. A ! is before those "
	    "in trouble, which come first.\n\n"
	    "  --json         one object a line, the sites by their names\n"
	    "  --site NAME    of this site only\n" REQUEST_SOCKET_HELP,
    .run = run,
};
