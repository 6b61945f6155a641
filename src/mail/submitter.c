/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mail/submitter.h"

static void
set(char **text, const char *from, size_t len, size_t max)
{
	static const char mark[] = "...";
	const size_t mark_len = sizeof(mark) - 1;
	char *copy;

	len = strnlen(from, len);
	copy = alloc_copy(from, len < max ? len : max);
	if (len > max)
		memcpy(copy + max - mark_len, mark, mark_len);
	free(*text);
	*text = copy;
}

void
submitter_set_cwd(struct submitter *s, const char *text, size_t len)
{
	set(&s->cwd, text, len, SUBMITTER_CWD_MAX);
}

void
submitter_set_argv(struct submitter *s, const char *text, size_t len)
{
	set(&s->argv, text, len, SUBMITTER_ARGV_MAX);
}

void
submitter_set_script(struct submitter *s, const char *text, size_t len)
{
	set(&s->script, text, len, SUBMITTER_SCRIPT_MAX);
}

void
submitter_release(struct submitter *s)
{
	free(s->cwd);
	free(s->argv);
	free(s->script);
	*s = (struct submitter){0};
}

void
submitter_copy(struct submitter *s, const struct submitter *from)
{
	struct submitter copy = {
	    .uid = from->uid, .pid = from->pid, .ppid = from->ppid};

	if (from->cwd)
		submitter_set_cwd(&copy, from->cwd, strlen(from->cwd));
	if (from->argv)
		submitter_set_argv(&copy, from->argv, strlen(from->argv));
	if (from->script)
		submitter_set_script(&copy, from->script, strlen(from->script));
	submitter_release(s);
	*s = copy;
}
