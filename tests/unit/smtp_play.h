/* SPDX-License-Identifier: ISC */
/*
 * smtp_play.h - play a relay to a struct smtp, and watch what it must never do
 *
 *   Whatever the test, each play checks that nothing is sent behind a final
 *   dot before its reply came, and that no recipient is called sent without a
 *   reply of class 2 behind the dot.
 */
#ifndef UNIT_SMTP_PLAY_H
#define UNIT_SMTP_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flushd/smtp.h"

/* How what the relay says is cut into pieces. */
enum { PLAY_WHOLE, PLAY_BYTES, PLAY_RANDOM, PLAY_CUTS = PLAY_RANDOM + 5 };

struct play {
	struct smtp *s;
	const struct smtp_message *message; /* NULL: probe */
	unsigned int messages;		    /* left to start */
	const char *text;
	int cut;
	uint32_t random;
	struct buf sent; /* by the client; the test takes it from here */

	bool is_dot_sent;
	bool is_dot_answered;
	bool is_dot_accepted;
	struct buf line;       /* being fed, since the dot */
	const char *violation; /* of what is said above; NULL: none */
};

/* A conversation that sends message (NULL: a probe) messages times. */
void play_init(struct play *p, const struct smtp_message *message,
    unsigned int messages, int cut);
void play_release(struct play *p);

/* Let the client do what it can without the relay. */
void play_pump(struct play *p);

/* The relay says something; it is fed and then pumped. */
void play_feed(struct play *p, const char *data, size_t len);

/*
 * Append the outcomes as letters (U S D F H A), "up" or "down", with "!" if
 * alarming, and "open" or "over": "SS up open".
 */
void play_describe(struct play *p, struct buf *out);

/* a@x to one@x and two@x, 7 bytes. */
extern const struct smtp_message play_message;

#endif
