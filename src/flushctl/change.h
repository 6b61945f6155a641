/* SPDX-License-Identifier: ISC */
/*
 * change.h - what hold, release, retry and remove do to a message
 */
#ifndef FLUSHCTL_CHANGE_H
#define FLUSHCTL_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "spool/state.h"

struct change {
	/* Change the state, due at now_ms if at all; false: there is nothing to
	 * do. NULL: the message is removed. */
	bool (*apply)(struct message_state *s, int64_t now_ms);
	/* The phases in which there is something to do. */
	bool is_for[PHASE_COUNT];
	const char *done;  /* behind a number of messages */
	const char *unfit; /* why there was nothing to do */
};

extern const struct change change_hold;
extern const struct change change_release;
extern const struct change change_retry;
extern const struct change change_remove;

#endif
