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

const struct change change_hold = {hold, "held", "on hold already"};
const struct change change_release = {state_resume, "released", "not on hold"};
const struct change change_retry = {
    state_retry, "to be tried", "on hold; see release"};
const struct change change_remove = {NULL, "removed", ""};
