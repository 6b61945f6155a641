/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "site/syscalls.h"
#include "unit/suites.h"

enum { DONE = 17 }; /* the exit status of a deed that was let pass */

/* Do it with this list: the status of the process. */
static int
run(void (*deed)(void), enum syscalls list)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    syscalls_restrict(list) < 0)
			_exit(1);
		deed();
		_exit(DONE);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void
expect_killed(const char *name, int status)
{
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
	    "%s: got status %#x, want SIGSYS", name, (unsigned int)status);
}

static void
expect_done(const char *name, int status)
{
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == DONE,
	    "%s: got status %#x, want %d", name, (unsigned int)status, DONE);
}

/* ---- what neither may ---------------------------------------------- */

#define DEED(name, ...)                                                        \
	static void name(void)                                                 \
	{                                                                      \
		if ((__VA_ARGS__) == -1)                                       \
			return;                                                \
	}

static int zero[64];

DEED(make_socket, socket(AF_INET, SOCK_STREAM, 0))
DEED(make_pair, socketpair(AF_UNIX, SOCK_STREAM, 0, zero))
DEED(connect_one, connect(0, (struct sockaddr *)zero, sizeof(zero)))
DEED(bind_one, bind(0, (struct sockaddr *)zero, sizeof(zero)))
DEED(listen_on, listen(0, 1))
DEED(accept_one, accept4(0, NULL, NULL, 0))
DEED(look_at_peer, getpeername(0, (struct sockaddr *)zero, (socklen_t *)zero))
DEED(set_option, setsockopt(0, SOL_SOCKET, SO_REUSEADDR, zero, 4))
DEED(run_program, syscall(SYS_execve, "/bin/true", NULL, NULL))
DEED(run_at, syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0))
DEED(fork_one, fork())
DEED(clone_by_hand, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
DEED(clone_anew, syscall(SYS_clone3, zero, sizeof(zero)))
DEED(trace_parent, ptrace(PTRACE_ATTACH, getppid(), NULL, NULL))
DEED(read_parent, syscall(SYS_process_vm_readv, 1, zero, 1, zero, 1, 0))
DEED(kill_self, kill(getpid(), 0))
DEED(kill_parent, kill(1, 0))
DEED(kill_thread, syscall(SYS_tgkill, 1, 1, 0))
DEED(signal_by_fd, syscall(SYS_pidfd_send_signal, 0, 0, NULL, 0))
DEED(open_process, syscall(SYS_pidfd_open, 1, 0))
DEED(take_its_fd, syscall(SYS_pidfd_getfd, 0, 0, 0))
DEED(limit_another, prlimit(1, RLIMIT_CPU, NULL, (struct rlimit *)zero))
DEED(own_a_descriptor, fcntl(0, F_SETOWN, 1))
DEED(wait_for_a_mark, fcntl(0, F_SETLKW, zero))
DEED(watch_a_directory, fcntl(0, F_NOTIFY, 0))
DEED(control_a_device, syscall(SYS_ioctl, 0, 0, 0))
DEED(become_root, setresuid(0, 0, 0))
DEED(change_root, chroot("."))
DEED(leave_root, syscall(SYS_pivot_root, ".", "."))
DEED(mount_one, syscall(SYS_mount, "a", "b", "c", 0, NULL))
DEED(new_namespace, unshare(CLONE_NEWUSER))
DEED(open_by_handle, syscall(SYS_open_by_handle_at, 0, zero, 0))
DEED(open_by_tree, syscall(SYS_open_tree, 0, "/", 0))
DEED(own_a_file, chown("/", 0, 0))
DEED(load_a_filter, syscall(SYS_seccomp, 0, 0, NULL))
DEED(change_itself, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
DEED(load_bpf, syscall(SYS_bpf, 0, zero, sizeof(zero)))
DEED(make_ring, syscall(SYS_io_uring_setup, 1, zero))
DEED(fault_by_itself, syscall(SYS_userfaultfd, 0))
DEED(take_a_key, syscall(SYS_keyctl, 0, 0, 0, 0, 0))
DEED(make_memory_file, memfd_create("x", 0))
DEED(make_code, mprotect(zero, 1, PROT_READ | PROT_EXEC))
DEED(map_code, (intptr_t)mmap(NULL, 1, PROT_WRITE | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))

#define ROW(name)                                                              \
	{                                                                      \
#name, name                                                    \
	}
struct deed {
	const char *name;
	void (*deed)(void);
};

static const struct deed forbidden[] = {
    ROW(make_socket),
    ROW(make_pair),
    ROW(connect_one),
    ROW(bind_one),
    ROW(listen_on),
    ROW(accept_one),
    ROW(look_at_peer),
    ROW(set_option),
    ROW(run_program),
    ROW(run_at),
    ROW(fork_one),
    ROW(clone_by_hand),
    ROW(clone_anew),
    ROW(trace_parent),
    ROW(read_parent),
    ROW(kill_self),
    ROW(kill_parent),
    ROW(kill_thread),
    ROW(signal_by_fd),
    ROW(open_process),
    ROW(take_its_fd),
    ROW(limit_another),
    ROW(own_a_descriptor),
    ROW(wait_for_a_mark),
    ROW(watch_a_directory),
    ROW(control_a_device),
    ROW(become_root),
    ROW(change_root),
    ROW(leave_root),
    ROW(mount_one),
    ROW(new_namespace),
    ROW(open_by_handle),
    ROW(open_by_tree),
    ROW(own_a_file),
    ROW(load_a_filter),
    ROW(change_itself),
    ROW(load_bpf),
    ROW(make_ring),
    ROW(fault_by_itself),
    ROW(take_a_key),
    ROW(make_memory_file),
    ROW(make_code),
    ROW(map_code),
};

START_TEST(what_is_on_no_list_kills)
{
	const struct deed *d = &forbidden[_i];

	expect_killed(d->name, run(d->deed, SYSCALLS_OF_WORKER));
	expect_killed(d->name, run(d->deed, SYSCALLS_OF_PROBER));
}
END_TEST

/* Numbers of 32 bits: 20 is getpid() there, and writev() here. */
#ifdef __x86_64__
static void
call_by_32_bits(void)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
	(void)result;
}

START_TEST(calls_of_32_bits_kill)
{
	expect_killed("int 0x80", run(call_by_32_bits, SYSCALLS_OF_WORKER));
}
END_TEST
#endif

/* ---- what only a worker may ---------------------------------------- */

DEED(remove_at, unlinkat(AT_FDCWD, "/nowhere/at/all", 0))
DEED(cut_file, ftruncate(0, 0))
DEED(lock_file, flock(0, LOCK_UN))
DEED(mark_place, fcntl(0, F_SETLK, zero))
DEED(find_mark, fcntl(0, F_GETLK, zero))
DEED(look_at_file, fstatat(AT_FDCWD, "/nowhere", (struct stat *)zero, 0))

static const struct deed of_files[] = {ROW(remove_at), ROW(cut_file),
    ROW(lock_file), ROW(mark_place), ROW(find_mark), ROW(look_at_file)};

START_TEST(files_are_a_worker_s_only)
{
	const struct deed *d = &of_files[_i];

	expect_done(d->name, run(d->deed, SYSCALLS_OF_WORKER));
	expect_killed(d->name, run(d->deed, SYSCALLS_OF_PROBER));
}
END_TEST

static void
open_file(void)
{
	if (open("/", O_RDONLY) < 0)
		_exit(2);
}

START_TEST(a_prober_opens_nothing_and_lives)
{
	int status = run(open_file, SYSCALLS_OF_PROBER);

	expect_done("open", run(open_file, SYSCALLS_OF_WORKER));
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 2);
}
END_TEST

/* ---- what both may ------------------------------------------------- */

static void
use_memory(void)
{
	char *p = malloc(1 << 20);

	memset(p, 1, 1 << 20);
	p = realloc(p, 64 << 20);
	memset(p, 1, 64 << 20);
	free(p);
	for (int i = 0; i < 1000; i++)
		if (!malloc(4096))
			_exit(2);
}

static void
use_clocks(void)
{
	struct timespec t;

	for (int id = 0; id <= CLOCK_TAI; id++)
		if (clock_gettime(id, &t) < 0 && id <= CLOCK_MONOTONIC)
			_exit(2);
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) < 0)
		_exit(2);
}

static void
use_descriptors(void)
{
	sigset_t set;
	int loop = epoll_create1(EPOLL_CLOEXEC);
	int timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
	int signals;

	sigemptyset(&set);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (loop < 0 || timer < 0 || signals < 0 ||
	    fcntl(loop, F_GETFD) != FD_CLOEXEC)
		_exit(2);
}

static void
limit_itself(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_CPU, &l) < 0 || setrlimit(RLIMIT_CPU, &l) < 0)
		_exit(2);
}

/* As after a tracer, who has an answer of his own. */
static void
skip_a_call(void)
{
	if (syscall(-1) != -1 || errno != ENOSYS)
		_exit(2);
}

static const struct deed allowed[] = {ROW(use_memory), ROW(use_clocks),
    ROW(use_descriptors), ROW(limit_itself), ROW(skip_a_call)};

START_TEST(what_both_need_is_theirs)
{
	const struct deed *d = &allowed[_i];

	expect_done(d->name, run(d->deed, SYSCALLS_OF_WORKER));
	expect_done(d->name, run(d->deed, SYSCALLS_OF_PROBER));
}
END_TEST

START_TEST(whoever_aborts_ends_by_that)
{
	int status = run(abort, SYSCALLS_OF_WORKER);

	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGABRT);
}
END_TEST

Suite *
syscalls_suite(void)
{
	Suite *s = suite_create("syscalls");
	TCase *tc = tcase_create("syscalls");

#ifndef __SANITIZE_ADDRESS__
	tcase_add_loop_test(
	    tc, what_is_on_no_list_kills, 0, (int)ARRAY_LEN(forbidden));
#ifdef __x86_64__
	tcase_add_test(tc, calls_of_32_bits_kill);
#endif
	tcase_add_loop_test(
	    tc, files_are_a_worker_s_only, 0, (int)ARRAY_LEN(of_files));
	tcase_add_test(tc, a_prober_opens_nothing_and_lives);
#endif
	tcase_add_loop_test(
	    tc, what_both_need_is_theirs, 0, (int)ARRAY_LEN(allowed));
	tcase_add_test(tc, whoever_aborts_ends_by_that);
	suite_add_tcase(s, tc);
	return s;
}
