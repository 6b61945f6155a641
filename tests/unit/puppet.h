/* SPDX-License-Identifier: ISC */
/*
 * puppet.h - a worker whose test says what it says, and how it ends
 *
 *   A process like any other child: the program of the tests takes the argument
 *   that makes flushd one. It hands its channel to the test, and waits.
 */
#ifndef UNIT_PUPPET_H
#define UNIT_PUPPET_H

#include <stdbool.h>

#include "flushd/channel.h"

struct puppet {
	int strings;	      /* to the process; -1: there is none */
	int channel;	      /* its end of the one to the supervisor */
	struct policy policy; /* the first word on it */
};

/* Be a worker, or a prober: its relay says with one byte whether it is up. */
int puppet_main(const char *argument);

/* Where the workers of this spool directory come to: a descriptor. */
int puppet_listen(const char *dir);

/* If another one has come, take its channel, and hear its first word. */
bool puppet_meet(int listener, struct puppet *p);

/* The process is there. */
bool puppet_is_alive(const struct puppet *p);

/* Let it say this, */
void puppet_say(const struct puppet *p, const struct channel_message *m);
void puppet_say_nonsense(const struct puppet *p);

/* and end: with this status, or if it is negative by that signal. */
void puppet_end(const struct puppet *p, int status);

void puppet_release(struct puppet *p);

#endif
