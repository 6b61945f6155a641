/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/io.h"
#include "sendmail/guard.h"
#include "spool/spool.h"
#include "unit/suites.h"

#define DIR "/srv/site/spool"

enum {
	LONG_SEC = 60,	   /* longer than any test */
	PATIENCE_SEC = 10, /* then the child is killed: it hangs */
	MARK = 99,	   /* the exit code of a handler from before */
};

/* ---- children ------------------------------------------------------ */

/* How a child ended, and what it wrote to standard error. */
struct ending {
	int code;   /* -1: by a signal */
	int signal; /* that one */
	struct buf err;
};

static void
in_child(void (*body)(void), int write_end)
{
	const struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	dup2(write_end, STDERR_FILENO);
	signal(SIGALRM, SIG_DFL); /* Check has a handler */
	alarm(PATIENCE_SEC);
	body();
	_exit(0);
}

static struct ending
run(void (*body)(void))
{
	struct ending e = {.code = -1, .err = BUF_INIT};
	int ends[2];
	int status;
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		in_child(body, ends[1]);
	close(ends[1]);
	ck_assert_int_eq(io_read_all(ends[0], 1 << 16, &e.err), 0);
	buf_add(&e.err, "", 1);
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		e.code = WEXITSTATUS(status);
	else
		e.signal = WTERMSIG(status);
	return e;
}

static void
check_ending(const char *name, struct ending *e, int code, const char *err)
{
	ck_assert_msg(e->code == code, "%s: exit %d, signal %d, want exit %d",
	    name, e->code, e->signal, code);
	ck_assert_msg(strcmp(e->err.data, err) == 0,
	    "%s: standard error: got \"%s\", want \"%s\"", name, e->err.data,
	    err);
	buf_release(&e->err);
}

/* ---- ways to go wrong ---------------------------------------------- */

static void
segv(void)
{
	char *page =
	    mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*(volatile char *)page = 1;
}

/* A file that was cut behind the back of its map, as LMDB's may be. */
static void
bus(void)
{
	int fd = memfd_create("cut", MFD_CLOEXEC);
	volatile char *page;

	if (ftruncate(fd, 4096) < 0)
		_exit(1);
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (ftruncate(fd, 0) < 0)
		_exit(1);
	(void)page[0];
}

static void
fpe(void)
{
	raise(SIGFPE);
}

static void
ill(void)
{
	raise(SIGILL);
}

static volatile int never;

/* Each call needs its own page of stack. */
static int
descend(volatile char *above)
{
	volatile char page[4096];

	page[0] = above[0];
	if (never)
		return page[0];
	return descend(page) + page[0];
}

static void
overflow_stack(void)
{
	const struct rlimit small = {1 << 20, 1 << 20};
	volatile char start[1] = {0};

	setrlimit(RLIMIT_STACK, &small);
	descend(start);
}

static void
spin(void)
{
	while (!never)
		continue;
}

static void
read_for_ever(void)
{
	int ends[2];
	char byte;

	if (pipe2(ends, O_CLOEXEC) == 0 && read(ends[0], &byte, 1) >= 0)
		_exit(1);
}

static const struct {
	const char *name;
	void (*apply)(void);
	int timeout_sec;
	bool blocks_signals; /* callers leak their mask to us */
	const char *what;
} faults[] = {
    {"SIGSEGV", segv, LONG_SEC, false, "is damaged"},
    {"SIGBUS", bus, LONG_SEC, false, "is damaged"},
    {"SIGFPE", fpe, LONG_SEC, false, "is damaged"},
    {"SIGILL", ill, LONG_SEC, false, "is damaged"},
    {"abort()", abort, LONG_SEC, false, "is damaged"},
    {"SIGSEGV, signals blocked", segv, LONG_SEC, true, "is damaged"},
    {"stack overflow", overflow_stack, LONG_SEC, false, "is damaged"},
    {"busy loop", spin, 1, false, "does not answer"},
    {"blocking read", read_for_ever, 1, false, "does not answer"},
    {"busy loop, signals blocked", spin, 1, true, "does not answer"},
};
static size_t fault;
static bool is_late; /* once the commit has begun */

static void
meet_fault(void)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	if (faults[fault].blocks_signals)
		sigprocmask(SIG_BLOCK, &all, NULL);
	spool_is_in_doubt = 0;
	guard_begin(DIR, faults[fault].timeout_sec);
	spool_is_in_doubt = is_late;
	faults[fault].apply();
}

static void
check_fault(size_t n, bool late)
{
	char want[256];
	struct ending e;

	fault = n;
	is_late = late;
	snprintf(want, sizeof(want), "mini_sendmail: %s: the spool %s%s\n", DIR,
	    faults[n].what, late ? "; the message may have been stored" : "");
	e = run(meet_fault);
	check_ending(faults[n].name, &e, late ? EX_IOERR : EX_CONFIG, want);
}

START_TEST(before_the_commit_a_fault_is_78_and_one_line)
{
	check_fault((size_t)_i, false);
}
END_TEST

START_TEST(from_the_commit_on_a_fault_is_74_and_one_line)
{
	check_fault((size_t)_i, true);
}
END_TEST

/* ---- the line ------------------------------------------------------ */

static const char *odd_dir;

static void
crash_in_odd_dir(void)
{
	guard_begin(odd_dir, LONG_SEC);
	raise(SIGSEGV);
}

START_TEST(a_name_with_control_bytes_stays_one_line)
{
	struct ending e;

	odd_dir = "/srv/\n\x1b[2J";
	e = run(crash_in_odd_dir);
	ck_assert_int_eq(e.code, EX_CONFIG);
	ck_assert_ptr_eq(
	    strchr(e.err.data, '\n'), e.err.data + strlen(e.err.data) - 1);
	ck_assert_ptr_null(strchr(e.err.data, '\x1b'));
	buf_release(&e.err);
}
END_TEST

START_TEST(of_a_long_name_the_line_still_says_what_is_wrong)
{
	static const char end[] = ": the spool is damaged\n";
	char name[4096];
	struct ending e;
	size_t len;

	memset(name, _i == 0 ? 'x' : '\n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	odd_dir = name;
	e = run(crash_in_odd_dir);
	len = strlen(e.err.data);
	ck_assert_int_eq(e.code, EX_CONFIG);
	ck_assert_msg(len > strlen(end) &&
			  strcmp(e.err.data + len - strlen(end), end) == 0,
	    "got \"%s\"", e.err.data);
	buf_release(&e.err);
}
END_TEST

static void
crash_without_stderr(void)
{
	close(STDERR_FILENO);
	guard_begin(DIR, LONG_SEC);
	raise(SIGSEGV);
}

START_TEST(without_standard_error_the_exit_code_still_says_it)
{
	struct ending e = run(crash_without_stderr);

	check_ending("closed", &e, EX_CONFIG, "");
}
END_TEST

/* ---- standard error meanwhile -------------------------------------- */

static void
chatter(void)
{
	guard_begin(DIR, LONG_SEC);
	fputs("libc: corrupted size\n", stderr);
	fflush(stderr);
	dprintf(STDERR_FILENO, "LMDB: assertion failed\n");
	/* It must stay open, or the next file would take its place. */
	if (fcntl(STDERR_FILENO, F_GETFD) < 0)
		_exit(1);
}

static void
chatter_and_crash(void)
{
	chatter();
	raise(SIGSEGV);
}

static void
chatter_and_go_on(void)
{
	chatter();
	guard_end();
	dprintf(STDERR_FILENO, "afterwards\n");
}

START_TEST(what_others_write_meanwhile_is_lost)
{
	struct ending e = run(chatter_and_crash);

	check_ending("crash", &e, EX_CONFIG,
	    "mini_sendmail: " DIR ": the spool is damaged\n");
	e = run(chatter_and_go_on);
	check_ending("no crash", &e, 0, "afterwards\n");
}
END_TEST

/* ---- afterwards ---------------------------------------------------- */

static int signo;

static void
mark(int number)
{
	(void)number;
	_exit(MARK);
}

static void
guard_with_a_handler_from_before(void)
{
	const struct sigaction action = {.sa_handler = mark};

	sigaction(signo, &action, NULL);
	guard_begin(DIR, LONG_SEC);
	guard_end();
	raise(signo);
}

static void
guard_without_a_handler(void)
{
	signal(signo, SIG_DFL); /* the sanitizer may have one */
	guard_begin(DIR, LONG_SEC);
	guard_end();
	raise(signo);
}

static int
signal_at(int i)
{
	const int signals[] = {
	    SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGRTMIN};

	return signals[i];
}

START_TEST(afterwards_signals_do_what_they_did_before)
{
	struct ending e;

	signo = signal_at(_i);
	e = run(guard_with_a_handler_from_before);
	check_ending(strsignal(signo), &e, MARK, "");
	e = run(guard_without_a_handler);
	ck_assert_msg(e.signal == signo, "%s: exit %d, signal %d",
	    strsignal(signo), e.code, e.signal);
	ck_assert_str_eq(e.err.data, "");
	buf_release(&e.err);
}
END_TEST

static void
compare_masks(void)
{
	sigset_t before;
	sigset_t after;

	sigemptyset(&before);
	sigaddset(&before, SIGSEGV);
	sigaddset(&before, SIGRTMIN);
	sigaddset(&before, SIGUSR1);
	sigprocmask(SIG_SETMASK, &before, NULL);
	guard_begin(DIR, LONG_SEC);
	guard_end();
	sigprocmask(SIG_SETMASK, NULL, &after);
	for (int i = 1; i < SIGRTMAX; i++)
		if (sigismember(&before, i) != sigismember(&after, i))
			_exit(i);
}

START_TEST(afterwards_the_same_signals_are_blocked)
{
	struct ending e = run(compare_masks);

	check_ending("mask", &e, 0, "");
}
END_TEST

static void
outlive_the_timer(void)
{
	const struct timespec wait = {.tv_sec = 1, .tv_nsec = 200000000};

	guard_begin(DIR, 1);
	guard_end();
	nanosleep(&wait, NULL);
}

START_TEST(afterwards_no_timer_runs)
{
	struct ending e = run(outlive_the_timer);

	check_ending("timer", &e, 0, "");
}
END_TEST

static int
count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void
compare_descriptors(void)
{
	const int before = count_descriptors();

	guard_begin(DIR, LONG_SEC);
	guard_end();
	_exit(count_descriptors() - before);
}

START_TEST(afterwards_no_descriptor_is_left)
{
	struct ending e = run(compare_descriptors);

	check_ending("descriptors", &e, 0, "");
}
END_TEST

static void
check_hook(int code, const char *why)
{
	_exit(
	    code == EX_CONFIG && strcmp(why, DIR ": the spool is damaged") == 0
		? MARK
		: 1);
}

static void
crash_with_a_hook(void)
{
	guard_on_ending(check_hook);
	guard_begin(DIR, LONG_SEC);
	segv();
}

START_TEST(a_hook_hears_of_it_when_it_has_been_said)
{
	struct ending e = run(crash_with_a_hook);

	check_ending(
	    "hook", &e, MARK, "mini_sendmail: " DIR ": the spool is damaged\n");
}
END_TEST

static void
end_only(void)
{
	const struct sigaction action = {.sa_handler = mark};
	struct sigaction after;

	sigaction(SIGSEGV, &action, NULL);
	guard_end();
	sigaction(SIGSEGV, NULL, &after);
	if (after.sa_handler != mark)
		_exit(1);
	dprintf(STDERR_FILENO, "heard\n");
	guard_begin(DIR, LONG_SEC);
	guard_end();
	guard_end();
	dprintf(STDERR_FILENO, "heard\n");
}

START_TEST(an_end_without_a_beginning_is_harmless)
{
	struct ending e = run(end_only);

	check_ending("end", &e, 0, "heard\nheard\n");
}
END_TEST

Suite *
guard_suite(void)
{
	Suite *s = suite_create("guard");
	TCase *tc = tcase_create("guard");

	tcase_set_timeout(tc, 2 * PATIENCE_SEC);
	tcase_add_loop_test(tc, before_the_commit_a_fault_is_78_and_one_line, 0,
	    (int)ARRAY_LEN(faults));
	tcase_add_loop_test(tc, from_the_commit_on_a_fault_is_74_and_one_line,
	    0, (int)ARRAY_LEN(faults));
	tcase_add_test(tc, a_name_with_control_bytes_stays_one_line);
	tcase_add_loop_test(
	    tc, of_a_long_name_the_line_still_says_what_is_wrong, 0, 2);
	tcase_add_test(tc, without_standard_error_the_exit_code_still_says_it);
	tcase_add_test(tc, what_others_write_meanwhile_is_lost);
	tcase_add_loop_test(
	    tc, afterwards_signals_do_what_they_did_before, 0, 6);
	tcase_add_test(tc, afterwards_the_same_signals_are_blocked);
	tcase_add_test(tc, afterwards_no_timer_runs);
	tcase_add_test(tc, afterwards_no_descriptor_is_left);
	tcase_add_test(tc, a_hook_hears_of_it_when_it_has_been_said);
	tcase_add_test(tc, an_end_without_a_beginning_is_harmless);
	suite_add_tcase(s, tc);
	return s;
}
