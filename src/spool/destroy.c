/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "spool/destroy.h"
#include "spool/staged.h"

/* The file that makes it a spool goes first; senders write the logs. */
static const struct {
	const char *name;
	int flags;
} parts[] = {
    {SPOOL_FILE, 0},
    {SPOOL_INCOMING, AT_REMOVEDIR},
    {SPOOL_WORKER_LOCK, 0},
    {"refused.log", 0},
    {"refused.log.1", 0},
};

static int
remove_parts(int dir_fd)
{
	staged_forget_all(dir_fd);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (unlinkat(dir_fd, parts[i].name, parts[i].flags) < 0 &&
		    errno != ENOENT)
			return -errno;
	return fsync(dir_fd) < 0 ? -errno : 0;
}

/* The counters could be wrong. */
static int
check_is_empty(struct spool *s)
{
	uint64_t id = 0;
	int rc = spool_next(s, &id);

	return rc == -ENOENT ? 0 : rc < 0 ? rc : -ENOTEMPTY;
}

int
spool_destroy(int dir_fd, bool may_hold_mail, int64_t deadline_ms)
{
	struct spool *s;
	int rc = spool_open_fd(dir_fd, &s);

	if (rc == -ENOENT)
		return remove_parts(dir_fd);
	if (rc < 0)
		return rc;
	rc = spool_begin(s, SPOOL_CHANGE, 0, deadline_ms);
	if (rc == 0) {
		rc = may_hold_mail ? 0 : check_is_empty(s);
		/* Under the lock: nobody can have put anything since. */
		if (rc == 0)
			rc = remove_parts(dir_fd);
		spool_abort(s);
	}
	spool_close(s);
	return rc;
}
