/* SPDX-License-Identifier: ISC */
/*
 * asked.h - an answer of flushd, and what stands in it
 */
#ifndef FLUSHCTL_ASKED_H
#define FLUSHCTL_ASKED_H

#include "base/buf.h"
#include "base/compiler.h"
#include "flushctl/ask.h"
#include "flushctl/snapshot.h"

struct asked {
	struct buf answer;
	struct snapshot snapshot;
};

/*
 * Ask flushd at path. 0; or -errno of ask_flushd() or snapshot_parse(), and
 * what that means is appended to why. Release it on success.
 */
int asked_try(struct asked *a, const char *path, int timeout_ms,
    struct buf *why) MUST_CHECK;

/*
 * The same, and leave only the named site if it is not NULL. STATUS_DONE; or
 * say what is wrong, and STATUS_NOT_FOUND: there is no such site, or
 * STATUS_FAILED.
 */
int asked_get(struct asked *a, const char *path, const char *site) MUST_CHECK;

void asked_release(struct asked *a);

#endif
