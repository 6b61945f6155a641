/* SPDX-License-Identifier: ISC */
/*
 * desk.h - the socket at which the state of the sites can be asked for
 *
 *   Who connects writes one line, "status", reads the answer and is hung up
 *   on. What he may know depends on who he is, as the kernel says
 * (SO_PEERCRED), so the socket itself is open to all. Whoever is slow, or never
 * reads, has 5 s; there are only so many at a time, and each has a bounded
 * buffer.
 */
#ifndef FLUSHD_DESK_H
#define FLUSHD_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "base/buf.h"
#include "base/compiler.h"

struct desk;

enum {
	DESK_CLIENTS_MAX = 64,
	/* Of all users but root, so that root always gets in... */
	DESK_GUESTS_MAX = 48,
	/* ...and of each of them. */
	DESK_GUESTS_OF_USER_MAX = 8,
	DESK_REQUEST_MAX = 64,	   /* bytes of a line */
	DESK_PIECE_LEN = 32 << 10, /* bytes of an answer in memory, about */
	DESK_NAME_SIZE = 256,
	DESK_TIMEOUT_MS = 5000,
};

/* ---- who and what; pure ---------------------------------------------- */

enum desk_verdict {
	DESK_ADMIT,
	DESK_STRANGER, /* he has no site */
	DESK_CROWDED,  /* there are too many already */
};

/* May a user be answered? Of the clients that are there, so many are not
 * root's, and so many are his. */
enum desk_verdict desk_judge(
    uid_t uid, bool has_site, size_t guest_count, size_t his_count);

enum desk_request { DESK_PARTIAL, DESK_STATUS, DESK_UNKNOWN };

/* What the bytes that have come so far ask for. */
enum desk_request desk_parse(const char *data, size_t len);

/* ---- the socket ------------------------------------------------------ */

struct desk_host {
	/* Is there a site of this user? */
	bool (*has_site)(void *context, uid_t uid);
	/*
	 * Append the next piece of the answer for this user, about
	 * DESK_PIECE_LEN bytes. at, of DESK_NAME_SIZE bytes, is how far it has
	 * come: "" at first, then whatever was left in it. False: that was all.
	 */
	bool (*answer)(void *context, uid_t uid, char *at, struct buf *out);
	void *context;
};

/*
 * Listen at path, in a directory that is made if it is missing. 0; -EADDRINUSE:
 * another flushd does; or another -errno. The log says why.
 */
int desk_new(sd_event *event, const char *path, const struct desk_host *host,
    struct desk **out) MUST_CHECK;
void desk_free(struct desk *d); /* NULL is fine; the socket is removed */

const char *desk_path(const struct desk *d);

#endif
