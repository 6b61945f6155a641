/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "spool/sending.h"
#include "spool/spool_internal.h"

static struct flock
place_of(uint64_t id, short type)
{
	return (struct flock){.l_type = type,
	    .l_whence = SEEK_SET,
	    .l_start = (off_t)id,
	    .l_len = 1};
}

/* Of a hostile spool. */
static bool
has_place(uint64_t id)
{
	return id > 0 && id < INT64_MAX;
}

void
sending_mark(int lock_fd, uint64_t id, bool is_sending)
{
	struct flock lock = place_of(id, is_sending ? F_RDLCK : F_UNLCK);

	/* Without it a list says a little less. */
	if (has_place(id) && fcntl(lock_fd, F_SETLK, &lock) < 0)
		return;
}

int
sending_open(int dir_fd)
{
	int fd = openat(dir_fd, SPOOL_WORKER_LOCK,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

bool
sending_has(int fd, uint64_t id)
{
	/* What would be in the way of such a lock? */
	struct flock lock = place_of(id, F_WRLCK);

	return has_place(id) && fcntl(fd, F_GETLK, &lock) == 0 &&
	       lock.l_type != F_UNLCK;
}

bool
spool_is_sending(struct spool *s, uint64_t id)
{
	if (s->worker_fd < 0)
		s->worker_fd = sending_open(s->dir_fd);
	return s->worker_fd >= 0 && sending_has(s->worker_fd, id);
}
