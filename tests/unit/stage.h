/* SPDX-License-Identifier: ISC */
/*
 * stage.h - a dispatch whose test is its supervisor and its relay
 *
 *   The spool is that of spool_fixture.h. The supervisor's end of the channel
 *   is the test's, and so are those of the connections, on which a relay of few
 *   words takes what it is sent, in the mood that the test chooses.
 */
#ifndef UNIT_STAGE_H
#define UNIT_STAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "flushd/channel.h"
#include "flushd/dispatch.h"
#include "unit/spool_fixture.h"

/* Of a connection: bits. */
enum stage_mood {
	STAGE_WELL = 0,
	STAGE_NO_BANNER = 1,	/* it says nothing at all */
	STAGE_REFUSES = 2,	/* its banner is a 421 */
	STAGE_NO_DOT = 4,	/* it says nothing to a final dot, */
	STAGE_NO_RCPT = 8,	/* or to a recipient */
	STAGE_DEFERS = 16,	/* it says 450 to a recipient */
	STAGE_CLOSES = 32,	/* it ends at MAIL, without a word, */
	STAGE_CLOSES_AFTER = 64 /* or after a message */
};

extern struct dispatch *stage_dispatch;
extern struct policy stage_policy;
extern struct caution stage_caution;

/* The number of messages that the relay has taken, on each connection. */
extern size_t stage_taken[CHANNEL_LINES];

/* As a checked fixture; begin() makes the dispatch, and starts it. */
void stage_setup(void);
void stage_teardown(void);
void stage_begin(void);

/* Give it the connection that it has asked for. */
void stage_lend(int line, unsigned int mood);
void stage_set_mood(int line, unsigned int mood);

/* The worker's end of it is closed, or never was open. */
bool stage_is_closed(int line);

/* It has got a final dot and not answered, even if it is closed by now. */
bool stage_is_behind_dot(int line);

/* Go on until the condition holds; fail if it does not within 20 s. */
void stage_until(bool (*condition)(void));

/* Go on for so long. */
void stage_for(int64_t ms);

/* How often it has asked for a second connection. */
extern unsigned int stage_wishes;
bool stage_has_wish(void);

/* Go on until it says something else, but COUNTS and ALIVE; which must be
 * this. */
struct channel_message stage_hear(enum channel_kind kind);

/* It has said that. */
bool stage_has_word(void);

/* Go on until it ends; which must be with this status. */
void stage_hear_end(enum child_exit status);

/* The supervisor is gone. */
void stage_hang_up(void);

/* No file can be opened, and so nothing be recorded; or again. */
void stage_forbid_files(bool is_forbidden);

/* Put so many messages into the spool. */
void stage_put(size_t count);

/* How many are in it. */
size_t stage_count(void);

#endif
