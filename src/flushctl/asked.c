/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "flushctl/asked.h"
#include "flushctl/verb.h"

int
asked_try(struct asked *a, const char *path, int timeout_ms, struct buf *why)
{
	const bool is_root = geteuid() == 0;
	int rc;

	buf_init(&a->answer);
	rc = ask_flushd(path, timeout_ms, &a->answer);
	if (rc == 0)
		rc = snapshot_parse(
		    a->answer.data, a->answer.len, is_root, &a->snapshot, why);
	if (rc == 0)
		return 0;
	buf_release(&a->answer);
	/* A refusal has words of its own. */
	if (rc != -EPERM || why->len == 0)
		ask_add_error(why, path, rc);
	return rc;
}

int
asked_get(struct asked *a, const char *path, const char *site)
{
	struct buf why = BUF_INIT;
	int rc = asked_try(a, path, ASK_TIMEOUT_MS, &why);

	if (rc < 0) {
		log_error("%s", why.data);
		buf_release(&why);
		return STATUS_FAILED;
	}
	if (site && !snapshot_choose(&a->snapshot, site)) {
		log_error("flushd has no site '%s'%s", site,
		    geteuid() == 0 ? "" : " of yours");
		asked_release(a);
		return STATUS_NOT_FOUND;
	}
	return STATUS_DONE;
}

void
asked_release(struct asked *a)
{
	snapshot_release(&a->snapshot);
	buf_release(&a->answer);
}
