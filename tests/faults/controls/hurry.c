/* SPDX-License-Identifier: ISC */
/*
 * hurry.c - no defect: a flushd whose children do not sit out their long waits
 *
 *   A timer of more than SHORT_NS is cut to a sixtieth, and when it has fired
 *   CLOCK_BOOTTIME is what it would have been, so that a relay's ten minutes of
 *   silence take a worker ten seconds. Shorter timers, the wall clock, and the
 *   supervisor, who looks whether a worker is late, stay as they are. Works
 *   because a program's own functions stand before libc's, for libsystemd as
 *   well.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "flushd/child.h"

enum { FACTOR = 60 };

#define SEC_NS	 INT64_C(1000000000)
#define SHORT_NS (6 * SEC_NS)

static bool is_child;

/* As clock_gettime() has it, and as it would be without us. */
static int64_t ahead_ns;

/* The one timer, of the event loop. */
static struct {
	int64_t target_ns; /* as the loop has set it; 0: it is not cut */
	int64_t fires_ns;  /* without us */
} timer;

/* Before main(); libc hands the arguments to this as well. */
__attribute__((constructor)) static void
find_out(int argc, char **argv)
{
	is_child = argc > 1 && (strcmp(argv[1], child_argument_worker) == 0 ||
				   strcmp(argv[1], child_argument_prober) == 0);
}

static int64_t
true_ns(void)
{
	struct timespec t;

	syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &t);
	return t.tv_sec * SEC_NS + t.tv_nsec;
}

static struct timespec
timespec_of(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / SEC_NS, .tv_nsec = ns % SEC_NS};
}

/* If the timer has fired, its time has come. */
static int64_t
shown_ns(void)
{
	const int64_t now_ns = true_ns();

	if (timer.target_ns && now_ns >= timer.fires_ns) {
		ahead_ns = timer.target_ns - timer.fires_ns;
		timer.target_ns = 0;
	}
	return now_ns + ahead_ns;
}

int
clock_gettime(clockid_t id, struct timespec *out)
{
	if (id != CLOCK_BOOTTIME)
		return (int)syscall(SYS_clock_gettime, id, out);
	*out = timespec_of(shown_ns());
	return 0;
}

int
timerfd_settime(
    int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	const int64_t target_ns =
	    new->it_value.tv_sec *SEC_NS + new->it_value.tv_nsec;
	const int64_t left_ns = target_ns - shown_ns();
	struct itimerspec cut = {0};

	if (flags != TFD_TIMER_ABSTIME || target_ns < SEC_NS)
		return (int)syscall(SYS_timerfd_settime, fd, flags, new, old);
	if (target_ns != timer.target_ns) {
		timer.fires_ns = target_ns - ahead_ns;
		timer.target_ns = 0;
		if (is_child && left_ns > SHORT_NS) {
			timer.target_ns = target_ns;
			timer.fires_ns = true_ns() + left_ns / FACTOR;
		}
	}
	cut.it_value = timespec_of(timer.fires_ns);
	return (int)syscall(SYS_timerfd_settime, fd, flags, &cut, old);
}
