/* SPDX-License-Identifier: ISC */
#include "flushd/pulse.h"
#include "base/clock.h"
#include "flushd/channel.h"
#include "flushd/child.h"

static int64_t last_ms;

void
pulse_beat(void)
{
	const struct channel_message m = {.kind = CHANNEL_ALIVE};
	const int64_t now_ms = clock_boot_ms();

	if (now_ms - last_ms < PULSE_MS)
		return;
	last_ms = now_ms;
	/* If there is nobody to hear it, that is noticed elsewhere. */
	if (channel_send(CHILD_CHANNEL, &m, -1) < 0)
		return;
}
