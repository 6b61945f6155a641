/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "sendmail/guard.h"
#include "spool/spool.h"

enum {
	STACK_LEN = 64 * 1024,
	DIR_SHOWN_MAX = 200,			/* bytes of the name... */
	LINE_MAX_LEN = 4 * DIR_SHOWN_MAX + 128, /* ...which becomes \xNN */
};

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/* A line and how the program ends with it, ready before anything happens. */
struct ending {
	char line[LINE_MAX_LEN];
	size_t len;
	int code;
};
static struct ending crashed, crashed_committing, stuck, stuck_committing;

static const char prefix[] = "mini_sendmail: ";
static void (*on_ending)(int code, const char *why);

static char stack[STACK_LEN];
static struct sigaction fault_before[ARRAY_LEN(faults)], timer_before;
static sigset_t mask_before;
static timer_t timer;
static int has_timer, is_on;
static int own_stderr = STDERR_FILENO;

static void
prepare(struct ending *e, int code, const char *dir, const char *what)
{
	struct buf line = BUF_INIT;

	buf_add_str(&line, prefix);
	log_escape(&line, dir, strlen(dir), DIR_SHOWN_MAX);
	buf_add_format(&line, ": %s\n", what);
	if (line.len > sizeof(e->line))
		line.len = sizeof(e->line);
	memcpy(e->line, line.data, line.len);
	e->len = line.len;
	e->code = code;
	buf_release(&line);
}

NORETURN static void
end_with(struct ending *e)
{
	/* If it cannot be said, the exit code still says it. */
	ssize_t written = write(own_stderr, e->line, e->len);

	(void)written;
	e->line[e->len - 1] = '\0'; /* in place of its end */
	if (on_ending)
		on_ending(e->code, e->line + strlen(prefix));
	_exit(e->code);
}

static void
on_fault(int signo)
{
	(void)signo;
	end_with(spool_is_in_doubt ? &crashed_committing : &crashed);
}

static void
on_timer(int signo)
{
	(void)signo;
	end_with(spool_is_in_doubt ? &stuck_committing : &stuck);
}

static void
catch_faults(void)
{
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {
	    .sa_handler = on_fault, .sa_flags = SA_ONSTACK};

	/* A stack that overflowed is none to run a handler on. */
	if (sigaltstack(&alternate, NULL) < 0)
		action.sa_flags = 0;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		sigaction(faults[i], &action, &fault_before[i]);
}

/* A caller may have left us any mask: a signal it blocks would not come. */
static void
unblock_signals(void)
{
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGRTMIN);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		sigaddset(&ours, faults[i]);
	sigprocmask(SIG_UNBLOCK, &ours, &mask_before);
}

/*
 * LMDB and libc have words of their own for a heap or a page that is damaged:
 * standard error becomes a descriptor that takes none. Never a closed one, for
 * then it would be the next file opened that they write into.
 */
static void
hush_stderr(void)
{
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	int ends[2];

	if (saved < 0)
		return;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		close(saved);
		return;
	}
	if (dup2(ends[0], STDERR_FILENO) == STDERR_FILENO)
		own_stderr = saved;
	else
		close(saved);
	close(ends[0]);
	close(ends[1]);
}

static void
restore_stderr(void)
{
	if (own_stderr == STDERR_FILENO)
		return;
	dup2(own_stderr, STDERR_FILENO);
	close(own_stderr);
	own_stderr = STDERR_FILENO;
}

/* SIGALRM is the spool's own; the timer takes a signal nobody else has. */
static void
start_timer(int timeout_sec)
{
	struct sigaction action = {
	    .sa_handler = on_timer, .sa_flags = SA_ONSTACK};
	struct sigevent event = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	struct itimerspec when = {.it_value.tv_sec = timeout_sec};

	sigaction(SIGRTMIN, &action, &timer_before);
	/* Without a timer we go on: it only matters when something is broken.
	 */
	has_timer = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
	if (has_timer)
		timer_settime(timer, 0, &when, NULL);
}

void
guard_on_ending(void (*hook)(int code, const char *why))
{
	on_ending = hook;
}

void
guard_begin(const char *dir, int timeout_sec)
{
	prepare(&crashed, EX_CONFIG, dir, "the spool is damaged");
	prepare(&crashed_committing, EX_IOERR, dir,
	    "the spool is damaged; the message may have been stored");
	prepare(&stuck, EX_CONFIG, dir, "the spool does not answer");
	prepare(&stuck_committing, EX_IOERR, dir,
	    "the spool does not answer; the message may have been stored");
	is_on = 1;
	hush_stderr();
	catch_faults();
	start_timer(timeout_sec);
	unblock_signals();
}

void
guard_end(void)
{
	if (!is_on)
		return;
	is_on = 0;
	if (has_timer)
		timer_delete(timer);
	has_timer = 0;
	sigprocmask(SIG_SETMASK, &mask_before, NULL);
	sigaction(SIGRTMIN, &timer_before, NULL);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		sigaction(faults[i], &fault_before[i], NULL);
	restore_stderr();
}
