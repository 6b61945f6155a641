/* SPDX-License-Identifier: ISC */
/*
 * visit.h - the way of a sender into its spool, once or more often
 *
 *   Guarded      damage of the spool ends the program with a word (guard.h).
 *   Ours only    root opens no spool of anybody else.
 *   Bounded      the waiting for other senders, of all visits together.
 */
#ifndef SENDMAIL_VISIT_H
#define SENDMAIL_VISIT_H

#include <stdint.h>

#include "base/compiler.h"
#include "listing/listing.h"
#include "sendmail/compose.h"
#include "spool/submit.h"

enum {
	VISIT_PATIENCE_MS = 30 * 1000, /* disks stall that long at times */
};

struct visit {
	const char *dir;
	int dir_fd; /* or -errno: why there is none */
	int64_t patience_ms;
};

/*
 * As root on a spool of somebody else (the cron of a jail), become that user,
 * before anything is opened. 0 or -errno; after a failure nothing may be
 * opened.
 */
int visit_become_owner(const char *dir) MUST_CHECK;

/* Open the directory; that there is none is said by the visits. */
void visit_open(struct visit *v, const char *dir);
void visit_close(struct visit *v);

/* spool_look() and spool_submit(), with their errors and those of opening. */
int visit_look(struct visit *v, struct submit_result *r) MUST_CHECK;
int visit_submit(struct visit *v, const struct composed *m,
    struct submit_result *r) MUST_CHECK;

/* listing_read_page(), with its errors and those of opening. */
int visit_list(struct visit *v, struct listing *l) MUST_CHECK;

#endif
