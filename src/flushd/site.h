/* SPDX-License-Identifier: ISC */
/*
 * site.h - a spool as the supervisor sees it: a directory, never a database
 */
#ifndef FLUSHD_SITE_H
#define FLUSHD_SITE_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/compiler.h"

struct site;

/* Called from the event loop when somebody wrote into the watched spool. */
typedef void site_touched_fn(void *context);

/*
 * Open the spool directory and take the lock of its worker, which is then held
 * for as long as the site or a worker with its descriptor lives. NULL: it is
 * no spool, not ours, or already being served; the log says which.
 */
struct site *site_open(const char *dir) MUST_CHECK;
void site_close(struct site *s); /* NULL is fine */

const char *site_name(const struct site *s);
int site_dir_fd(const struct site *s);
int site_lock_fd(const struct site *s);

/*
 * Begin to watch: touched is called after each commit that somebody else makes
 * from now on. False: cannot, and the log says why.
 */
bool site_watch(struct site *s, sd_event *event, site_touched_fn *touched,
    void *context) MUST_CHECK;

/* False if the directory is not to be found at its name any more. */
bool site_is_there(const struct site *s);

/* Stop watching, as while a worker runs, whose own commits are no news. */
void site_unwatch(struct site *s);

#endif
