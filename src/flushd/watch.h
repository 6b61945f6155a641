/* SPDX-License-Identifier: ISC */
/*
 * watch.h - hear of it when something comes into a directory
 *
 *   One inotify(7) instance for all directories, as a user may have few.
 */
#ifndef FLUSHD_WATCH_H
#define FLUSHD_WATCH_H

#include <systemd/sd-event.h>

#include "base/compiler.h"

struct watch;

/* Called from the event loop when the file may have changed, or the directory
 * be gone; or another file. */
typedef void watch_touched_fn(void *context);

/* Events were lost: anything may have been touched. */
typedef void watch_overflown_fn(void *context);

/* name is that of the file in each directory that counts. NULL: see errno. */
struct watch *watch_new(sd_event *event, const char *name,
    watch_overflown_fn *overflown, void *context) MUST_CHECK;
void watch_free(struct watch *w); /* NULL is fine */

/*
 * Watch the directory of this descriptor, whatever its path leads to by now: an
 * id above 0, or -errno. -ENOSPC: there may be no more watches; -EEXIST: it is
 * watched already. When other files in it have changed, noted() is called, each
 * time, unless it is NULL; and touched(), too, when that is a flood: whoever
 * stops watching for a while then hears no more of it.
 */
int watch_add(struct watch *w, int dir_fd, watch_touched_fn *touched,
    watch_touched_fn *noted, void *context) MUST_CHECK;

/* Forget that directory; an id of 0 or less is no watch. */
void watch_remove(struct watch *w, int id);

#endif
