/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "flushd/event.h"
#include "flushd/site.h"
#include "spool/lock.h"
#include "spool/spool.h"

enum {
	/* A worker whose supervisor was killed leaves, but not at once. */
	LOCK_TIMEOUT_MS = 3000,
	PROC_PATH_MAX = 64,
};

struct site {
	char *name;
	int dir_fd;
	int lock_fd;
	int inotify_fd;
	sd_event_source *io;
	site_touched_fn *touched;
	void *context;
};

/* ---- open ---------------------------------------------------------- */

static int
open_dir(const char *dir)
{
	int fd = spool_open_dir(dir);
	struct stat st;

	if (fd < 0) {
		log_error("%s: %s", dir, strerror(-fd));
		return -1;
	}
	if (fstat(fd, &st) < 0 || (geteuid() != 0 && st.st_uid != geteuid())) {
		log_error("%s: belongs to another user", dir);
		close(fd);
		return -1;
	}
	return fd;
}

/* The file is the site's, who may have put anything in its place. */
static int
open_lock(const char *dir, int dir_fd)
{
	int fd = openat(dir_fd, SPOOL_WORKER_LOCK,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		log_error("%s: is no spool; 'flushctl init' makes one", dir);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	rc = lock_take(fd, LOCK_EXCLUSIVE, clock_boot_ms() + LOCK_TIMEOUT_MS);
	if (rc == 0)
		return fd;
	if (rc == -ETIMEDOUT)
		log_error("%s: already being served by another flushd, or "
			  "still by a worker of one that is gone",
		    dir);
	else
		log_error("%s: cannot lock: %s", dir, strerror(-rc));
	close(fd);
	return -1;
}

struct site *
site_open(const char *dir)
{
	struct site *s;
	int dir_fd = open_dir(dir);
	int lock_fd = dir_fd < 0 ? -1 : open_lock(dir, dir_fd);

	if (lock_fd < 0) {
		if (dir_fd >= 0)
			close(dir_fd);
		return NULL;
	}
	s = alloc_zeroed(sizeof(*s));
	s->name = alloc_copy(dir, strlen(dir));
	s->dir_fd = dir_fd;
	s->lock_fd = lock_fd;
	s->inotify_fd = -1;
	return s;
}

void
site_close(struct site *s)
{
	if (!s)
		return;
	site_unwatch(s);
	close(s->dir_fd);
	close(s->lock_fd);
	free(s->name);
	free(s);
}

const char *
site_name(const struct site *s)
{
	return s->name;
}

int
site_dir_fd(const struct site *s)
{
	return s->dir_fd;
}

int
site_lock_fd(const struct site *s)
{
	return s->lock_fd;
}

bool
site_is_there(const struct site *s)
{
	int fd = spool_open_dir(s->name);
	struct stat named;
	struct stat ours;
	bool is_same;

	if (fd < 0)
		return false;
	is_same = fstat(fd, &named) == 0 && fstat(s->dir_fd, &ours) == 0 &&
		  named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
	close(fd);
	return is_same;
}

/* ---- watch --------------------------------------------------------- */

static int
on_inotify(sd_event_source *source, int fd, uint32_t events, void *context)
{
	union {
		struct inotify_event align;
		char bytes[4096];
	} buffer;
	struct site *s = context;
	bool is_touched = false;
	ssize_t len;

	(void)source;
	(void)events;
	while ((len = read(fd, &buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < len;) {
			struct inotify_event e;

			memcpy(&e, buffer.bytes + at, sizeof(e));
			/* An overflow has no name: look, to be safe. */
			if ((e.mask & IN_Q_OVERFLOW) ||
			    (e.len > 0 && strcmp(buffer.bytes + at + sizeof(e),
					      SPOOL_FILE) == 0))
				is_touched = true;
			at += (ssize_t)(sizeof(e) + e.len);
		}
	}
	if (is_touched)
		s->touched(s->context);
	return 0;
}

bool
site_watch(
    struct site *s, sd_event *event, site_touched_fn *touched, void *context)
{
	char path[PROC_PATH_MAX];

	if (s->io)
		return true;
	s->touched = touched;
	s->context = context;
	s->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	/* By descriptor: the path may lead elsewhere by now. LMDB closes the
	 * file after each commit, MOVED_TO is a new file in its place, and
	 * DELETE perhaps the end of the spool. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->dir_fd);
	if (s->inotify_fd < 0 ||
	    inotify_add_watch(s->inotify_fd, path,
		IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE) < 0) {
		log_error("site=%s cannot watch: %s", s->name, strerror(errno));
		site_unwatch(s);
		return false;
	}
	event_must(sd_event_add_io(
		       event, &s->io, s->inotify_fd, EPOLLIN, on_inotify, s),
	    "watch spool");
	return true;
}

void
site_unwatch(struct site *s)
{
	s->io = sd_event_source_unref(s->io);
	if (s->inotify_fd >= 0)
		close(s->inotify_fd);
	s->inotify_fd = -1;
}
