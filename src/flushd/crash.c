/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "flushd/caution.h"
#include "flushd/channel.h"
#include "flushd/child.h"
#include "flushd/crash.h"
#include "spool/sending.h"

enum {
	STACK_LEN = 64 * 1024,
	/* More than a worker has sent and not recorded. */
	SENT_MAX = CAUTION_SKIP_MAX,
};

static char stack[STACK_LEN];
static volatile uint64_t current_id;
static volatile uint64_t sent_ids[SENT_MAX]; /* 0: none */

/* 0: a place for one more. */
static volatile uint64_t *
find_sent(uint64_t id)
{
	for (size_t i = 0; i < SENT_MAX; i++)
		if (sent_ids[i] == id)
			return &sent_ids[i];
	return NULL;
}

uint64_t
crash_at(uint64_t id)
{
	const uint64_t before = current_id;

	current_id = id;
	return before;
}

void
crash_sent(uint64_t id)
{
	volatile uint64_t *place = find_sent(id);

	if (!place)
		place = find_sent(0);
	assert(place);
	*place = id;
	sending_mark(CHILD_LOCK, id, true);
}

void
crash_recorded(uint64_t id)
{
	volatile uint64_t *place = find_sent(id);

	if (!place)
		return;
	*place = 0;
	sending_mark(CHILD_LOCK, id, false);
}

/* If it cannot be told, the next worker ends there too. */
static void
tell(uint64_t id, bool is_sent)
{
	const struct channel_message m = {
	    .kind = CHANNEL_ENDS_AT, .id = id, .is_sent = is_sent};

	if (id != 0 && channel_send(CHILD_CHANNEL, &m, -1) < 0)
		return;
}

/* Called by a handler: channel_send() takes nothing but the stack. */
void
crash_tell(void)
{
	if (current_id != 0) {
		tell(current_id, find_sent(current_id) != NULL);
		return;
	}
	for (size_t i = 0; i < SENT_MAX; i++)
		tell(sent_ids[i], true);
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
