/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/time.h>

#include "base/clock.h"
#include "spool/lock.h"

enum { TICK_MS = 50 };

static void
on_tick(int signal)
{
	/* Its only job is to make flock() return EINTR. */
	(void)signal;
}

static struct timeval
to_timeval(int64_t ms)
{
	return (struct timeval){
	    .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

/*
 * The timer keeps firing: a single shot that comes between the look at the
 * clock and flock() would be lost, and the wait would have no end.
 */
static int
wait_for(int fd, int operation, int64_t deadline_ms)
{
	int64_t left_ms;
	int rc;

	while ((left_ms = deadline_ms - clock_boot_ms()) > 0) {
		struct itimerval timer = {
		    .it_value = to_timeval(left_ms),
		    .it_interval = to_timeval(TICK_MS),
		};

		setitimer(ITIMER_REAL, &timer, NULL);
		rc = flock(fd, operation) < 0 ? -errno : 0;
		if (rc != -EINTR)
			return rc;
	}
	return -ETIMEDOUT;
}

int
lock_take(int fd, enum lock_kind kind, int64_t deadline_ms)
{
	const int operation = kind == LOCK_SHARED ? LOCK_SH : LOCK_EX;
	const struct sigaction tick = {.sa_handler = on_tick};
	const struct itimerval off = {0};
	struct sigaction old_action;
	struct itimerval old_timer;
	sigset_t alarm_only;
	sigset_t old_mask;
	int rc;

	rc = flock(fd, operation | LOCK_NB) < 0 ? -errno : 0;
	if (rc != -EWOULDBLOCK)
		return rc;
	if (deadline_ms <= clock_boot_ms())
		return -ETIMEDOUT;

	sigaction(SIGALRM, &tick, &old_action);
	getitimer(ITIMER_REAL, &old_timer);
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm_only, &old_mask);

	rc = wait_for(fd, operation, deadline_ms);

	setitimer(ITIMER_REAL, &off, NULL);
	sigprocmask(SIG_SETMASK, &old_mask, NULL);
	sigaction(SIGALRM, &old_action, NULL);
	setitimer(ITIMER_REAL, &old_timer, NULL);
	return rc;
}

void
lock_release(int fd)
{
	flock(fd, LOCK_UN);
}
