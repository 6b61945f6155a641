/* SPDX-License-Identifier: ISC */
/*
 * keeper_play.h - one keeper, with all that belongs to it, and its worker's
 * part
 *
 *   Keeper, minder, channel, breaker, watch and event loop are those of flushd;
 *   the worker is a puppet, and so is the prober. There is one place among the
 *   workers, and a rival for it.
 */
#ifndef UNIT_KEEPER_PLAY_H
#define UNIT_KEEPER_PLAY_H

#include <check.h>

#include "flushd/channel.h"
#include "flushd/keeper.h"
#include "flushd/slots.h"
#include "unit/puppet.h"

enum { PLAY_FAR_MS = 200 * 1000 };

extern char play_dir[]; /* the spool */
extern struct keeper_host play_host;
extern struct keeper *play_keeper;
extern struct slots_guest play_rival;
extern struct puppet play_puppet; /* the worker */

void play_setup(void);
void play_teardown(void);

/*
 * Let the event loop run until all is as wanted, and nothing more happens. want
 * has words in this order: what the keeper says it is at; "started" for a
 * worker since the last call; "watched"; when the next timer fires, at most
 * ("1s"...), unless the relay is down, when there are others too; what the
 * worker was told since; "killed".
 */
void play_await(const char *what, const char *want);

/* What the worker says, and how it ends: see puppet_end(). */
void play_say(enum channel_kind kind);
void play_say_idle(int64_t due_ms);
void play_ask_for_second_line(void);
void play_end_worker(int status);

/* Somebody submits. */
void play_touch(void);

/* Nobody can watch the spool: inotify(7) has one watch of a directory. */
void play_spoil_watch(void);

void play_enter_rival(void);

/* Who connects is refused. */
void play_close_relay(void);

/* Wait for a probe, and tell it that. */
void play_give_verdict(bool is_up);

#endif
