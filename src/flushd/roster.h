/* SPDX-License-Identifier: ISC */
/*
 * roster.h - the sites that there are, each with its keeper
 *
 *   In the order of their names, so that a configuration can be compared with
 *   it, and who asks can go on where he was. A site that is taken off stays
 *   until its keeper has ended, beside one of the same name perhaps.
 */
#ifndef FLUSHD_ROSTER_H
#define FLUSHD_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "flushd/keeper.h"

struct answer_time;
struct conf;
struct policy;
struct roster;
struct site;

/* host is for all keepers and must outlive them; it has an event loop. */
struct roster *roster_new(const struct keeper_host *host) MUST_CHECK;

/* Kills all workers; NULL is fine. */
void roster_free(struct roster *r);

/* Let there be a keeper for each site of the configuration, and no other. One
 * whose file is wrong goes on as it was, or is barred. */
void roster_take(struct roster *r, const struct conf *conf);

/* Add the one site that there is; takes it over. False: it cannot be served,
 * and the log says why. */
bool roster_claim(struct roster *r, struct site *site,
    const struct policy *policy) MUST_CHECK;

/* Forget the keepers that have ended. True if none is left. */
bool roster_reap(struct roster *r) MUST_CHECK;

/* For all of them, see keeper.h; of many sites a few at a time, so that one
 * that has something to send meanwhile waits for few. */
void roster_run(struct roster *r);
void roster_forgive(struct roster *r);

/* For all of them at once. */
void roster_stop(struct roster *r);
void roster_kill(struct roster *r);
void roster_take_verdict(struct roster *r, bool is_up);
void roster_relay_down(struct roster *r);

size_t roster_count(const struct roster *r);
uint64_t roster_waiting(const struct roster *r); /* messages, as last said */
bool roster_has_uid(const struct roster *r, uid_t uid);

/*
 * Append the state of the sites of this user, or of all for root, whose names
 * come behind at, of DESK_NAME_SIZE, which moves along, until out has
 * DESK_PIECE_LEN. True while there are more.
 */
bool roster_answer(const struct roster *r, uid_t uid, char *at, struct buf *out,
    const struct answer_time *now) MUST_CHECK;

#endif
