/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flushd/event.h"
#include "flushd/watch.h"

enum {
	PROC_PATH_MAX = 64,
	/* LMDB closes the file after each commit, MOVED_TO is a new file in
	 * its place, and the others perhaps the end of the spool. */
	MASK = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF |
	       IN_MOVE_SELF,
	/* In one round of the loop: a site that floods us holds up no other. */
	READS_MAX = 16,
	/* Senders write a line beside the file now and then. More than that
	 * is a site that keeps us busy: let its worker have a look at once. */
	OTHERS_MAX = 256,
};

struct watched {
	int id;
	unsigned int others; /* events that were about another file */
	watch_touched_fn *touched;
	watch_touched_fn *noted;
	void *context;
};

struct watch {
	char *name;
	int fd;
	sd_event_source *io;
	void *entries; /* tsearch(3) */
	watch_overflown_fn *overflown;
	void *context;
};

static int
compare(const void *a, const void *b)
{
	const struct watched *x = a;
	const struct watched *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static struct watched *
find(const struct watch *w, int id)
{
	const struct watched key = {.id = id};
	struct watched *const *node = tfind(&key, &w->entries, compare);

	return node ? *node : NULL;
}

/* ---- events -------------------------------------------------------- */

/* Whoever is told may end the watch, so that nothing follows that. */
static void
take_event(const struct watch *w, struct watched *d,
    const struct inotify_event *e, const char *name)
{
	if ((e->mask & (IN_DELETE_SELF | IN_MOVE_SELF)) ||
	    (e->len > 0 && strcmp(name, w->name) == 0) ||
	    ++d->others > OTHERS_MAX)
		d->touched(d->context);
	else if (d->noted)
		d->noted(d->context);
}

static void
take_events(struct watch *w, const char *bytes, size_t len)
{
	struct inotify_event e;
	struct watched *d;

	for (size_t at = 0; at < len; at += sizeof(e) + e.len) {
		memcpy(&e, bytes + at, sizeof(e));
		if (e.mask & IN_Q_OVERFLOW) {
			w->overflown(w->context);
			continue;
		}
		/* Of one that was removed there may still be some. */
		d = find(w, e.wd);
		if (d)
			take_event(w, d, &e, bytes + at + sizeof(e));
	}
}

static int
on_events(sd_event_source *source, int fd, uint32_t events, void *context)
{
	union {
		struct inotify_event align;
		char bytes[4096];
	} buffer;
	struct watch *w = context;
	ssize_t len;

	(void)source;
	(void)events;
	for (int i = 0; i < READS_MAX; i++) {
		len = read(fd, &buffer, sizeof(buffer));
		if (len <= 0)
			break;
		take_events(w, buffer.bytes, (size_t)len);
	}
	return 0;
}

/* ---- watches ------------------------------------------------------- */

int
watch_add(struct watch *w, int dir_fd, watch_touched_fn *touched,
    watch_touched_fn *noted, void *context)
{
	char path[PROC_PATH_MAX];
	struct watched *e;
	int id;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir_fd);
	id = inotify_add_watch(w->fd, path, MASK);
	if (id < 0)
		return -errno;
	e = find(w, id);
	if (e)
		return -EEXIST;
	e = alloc_zeroed(sizeof(*e));
	*e = (struct watched){
	    .id = id, .touched = touched, .noted = noted, .context = context};
	if (!tsearch(e, &w->entries, compare))
		alloc_fail();
	return id;
}

void
watch_remove(struct watch *w, int id)
{
	struct watched *e = id > 0 ? find(w, id) : NULL;

	if (!e)
		return;
	/* It is gone already if the directory is. */
	inotify_rm_watch(w->fd, id);
	tdelete(e, &w->entries, compare);
	free(e);
}

/* ---- life ---------------------------------------------------------- */

struct watch *
watch_new(sd_event *event, const char *name, watch_overflown_fn *overflown,
    void *context)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct watch *w;

	if (fd < 0)
		return NULL;
	w = alloc_zeroed(sizeof(*w));
	w->name = alloc_copy(name, strlen(name));
	w->fd = fd;
	w->overflown = overflown;
	w->context = context;
	event_must(
	    sd_event_add_io(event, &w->io, fd, EPOLLIN, on_events, w), "watch");
	return w;
}

void
watch_free(struct watch *w)
{
	if (!w)
		return;
	tdestroy(w->entries, free);
	sd_event_source_unref(w->io);
	close(w->fd);
	free(w->name);
	free(w);
}
