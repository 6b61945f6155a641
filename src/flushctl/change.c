/* SPDX-License-Identifier: ISC */
#include <stddef.h>

#include "flushctl/change.h"

static bool
hold(struct message_state *s, int64_t now_ms)
{
	(void)now_ms;
	if (s->phase == PHASE_HELD)
		return false;
	state_hold(s, "by the operator");
	return true;
}

#define NOT_HELD                                                               \
	{                                                                      \
		[PHASE_NEW] = true, [PHASE_DEFERRED] = true,                   \
		[PHASE_FAILED] = true                                          \
	}

const struct change change_hold = {
    .apply = hold,
    .is_for = NOT_HELD,
    .done = "held",
    .unfit = "on hold already",
};

const struct change change_release = {
    .apply = state_resume,
    .is_for = {[PHASE_HELD] = true},
    .done = "released",
    .unfit = "not on hold",
};

const struct change change_retry = {
    .apply = state_retry,
    .is_for = NOT_HELD,
    .done = "to be tried",
    .unfit = "on hold; see release",
};

const struct change change_remove = {
    .is_for = {true, true, true, true},
    .done = "removed",
    .unfit = "",
};
