/* SPDX-License-Identifier: ISC */
/*
 * ledger.h - what the relay has said and the spool does not say yet
 *
 *   Whatever is in it would be sent again if the worker died. But a commit
 *   takes as long as sending several small messages, so where many wait a few
 *   outcomes are recorded by one: LEDGER_MAX of them, or what comes in within
 *   20 ms of the first. The next ones are under way meanwhile.
 *
 *   The relay has spoken, and the disk may not take its word: to begin anew
 *   would send the messages twice. So only the word is tried again, until the
 *   spool takes it or is gone; nothing must be sent meanwhile.
 */
#ifndef FLUSHD_LEDGER_H
#define FLUSHD_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/compiler.h"
#include "flushd/outcome.h"
#include "flushd/settled.h"

enum { LEDGER_MAX = 12 };

struct ledger;

struct ledger_user {
	/* This outcome is in the spool, and is released now. */
	void (*recorded)(void *context, const struct outcome *o);
	/*
	 * From the event loop: what was put off is done, 0; or it never will
	 * be, -errno, and the spool is of no use.
	 */
	void (*settled)(void *context, int rc);
	void *context;
	struct settled *counts; /* where commits are counted */
};

struct ledger *ledger_new(sd_event *event, struct spool *spool,
    const struct ledger_user *user) MUST_CHECK;
void ledger_free(struct ledger *l); /* NULL is fine */

/*
 * Take an outcome, which moves, and record what there is if it is time. 0: go
 * on. 1: it could not be recorded now, and is tried again until settled() is
 * called. -errno: the spool is of no use, and what could not be recorded is
 * still in it. is_alone: record it at once.
 */
int ledger_take(struct ledger *l, struct outcome *o, bool is_alone) MUST_CHECK;

/* Record what there is now; as ledger_take(). */
int ledger_record(struct ledger *l) MUST_CHECK;

/* How many outcomes are in it, and whether it waits to try again. */
size_t ledger_count(const struct ledger *l);
bool ledger_is_stuck(const struct ledger *l);

#endif
