/* SPDX-License-Identifier: ISC */
#include <signal.h>

#include "flushd/channel.h"
#include "flushd/child.h"
#include "flushd/crash.h"

enum { STACK_LEN = 64 * 1024 };

static char stack[STACK_LEN];
static volatile uint64_t current_id;
static volatile bool is_current_sent;

void
crash_at(uint64_t id, bool is_sent)
{
	current_id = id;
	is_current_sent = is_sent;
}

/* Called by a handler: channel_send() takes nothing but the stack. */
void
crash_tell(void)
{
	const struct channel_message m = {
	    .kind = CHANNEL_ENDS_AT,
	    .id = current_id,
	    .is_sent = is_current_sent,
	};

	/* If it cannot be told, the next worker ends there too. */
	if (m.id != 0 && channel_send(CHILD_CHANNEL, &m, -1) < 0)
		return;
}

static void
on_crash(int number)
{
	crash_tell();
	signal(number, SIG_DFL);
	raise(number);
}

void
crash_catch(void)
{
	static const int signals[] = {
	    SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU, SIGXFSZ};
	const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {
	    .sa_handler = on_crash, .sa_flags = SA_ONSTACK};

	/* A stack that overflowed is none to run a handler on. */
	if (sigaltstack(&alternate, NULL) < 0)
		action.sa_flags = 0;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &action, NULL);
}
