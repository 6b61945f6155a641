/* SPDX-License-Identifier: ISC */
#include <signal.h>

#include "base/compiler.h"
#include "flushctl/interrupt.h"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t came;

static void
note(int number)
{
	came = number;
}

void
interrupt_defer(enum interrupt_second second)
{
	const struct sigaction action = {.sa_handler = note,
	    .sa_flags = second == INTERRUPT_KILLS ? (int)SA_RESETHAND : 0};
	struct sigaction old;

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
}

bool
interrupt_has_come(void)
{
	return came != 0;
}

void
interrupt_obey(void)
{
	struct sigaction old;

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler == note)
			signal(signals[i], SIG_DFL);
	if (came)
		raise(came);
}
