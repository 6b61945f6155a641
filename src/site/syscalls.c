/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "site/syscalls.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define HAS_SANITIZER
#endif

/* Beside these the rules of allow_in_part(). */
static const int of_all[] = {
    /* the event loop, its timers and signals */
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(signalfd4),
    /* what is open: the relay, the supervisor, the log */
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(close),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    /* signals, and the end */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* who and when */
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
};

static const int of_worker[] = {
    /* find a file, in the chroot */
    SCMP_SYS(openat),
    SCMP_SYS(fchdir),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(unlinkat),
    SCMP_SYS(renameat2),
    SCMP_SYS(getdents64),
    SCMP_SYS(fchmod),
    /* the spool, and its locks */
    SCMP_SYS(lseek),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(pwritev),
    SCMP_SYS(fallocate),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(flock),
    SCMP_SYS(getitimer),
    SCMP_SYS(setitimer),
    SCMP_SYS(getrlimit),
    SCMP_SYS(setrlimit),
};

/* A number below 0 is that of a call which this machine does not have. */
static int
allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++)
		if (calls[i] >= 0)
			rc = seccomp_rule_add(
			    filter, SCMP_ACT_ALLOW, calls[i], 0);
	return rc;
}

/* Allow a call only where (argument & mask) == value. */
static int
allow_if(scmp_filter_ctx filter, int call, unsigned int argument,
    scmp_datum_t mask, scmp_datum_t value)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
	    SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, mask, value));
}

static int
allow_in_part(scmp_filter_ctx filter)
{
	static const int fcntls[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL};
	const scmp_datum_t all = UINT32_MAX; /* of an int */
	const scmp_datum_t self = (scmp_datum_t)getpid();
	int rc;

	/* No code but what there is. */
	rc = allow_if(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
	if (rc == 0)
		rc = allow_if(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
	/* raise() and abort(), but no other process. */
	if (rc == 0)
		rc = allow_if(filter, SCMP_SYS(tgkill), 0, all, self);
	/* Nobody else's limits. */
	if (rc == 0)
		rc = allow_if(filter, SCMP_SYS(prlimit64), 0, all, 0);
	/* For check_is_in_force(). */
	if (rc == 0)
		rc = allow_if(filter, SCMP_SYS(prctl), 0, all, PR_GET_SECCOMP);
	/* No signals to whom a descriptor is given. */
	for (size_t i = 0; i < ARRAY_LEN(fcntls) && rc == 0; i++)
		rc = allow_if(
		    filter, SCMP_SYS(fcntl), 1, all, (scmp_datum_t)fcntls[i]);
	return rc;
}

/* Marks that wait for nobody: spool/sending.h. */
static int
allow_marks(scmp_filter_ctx filter)
{
	const scmp_datum_t all = UINT32_MAX;
	int rc = allow_if(filter, SCMP_SYS(fcntl), 1, all, F_GETLK);

	if (rc == 0)
		rc = allow_if(filter, SCMP_SYS(fcntl), 1, all, F_SETLK);
	return rc;
}

/*
 * A tracer that skips a call, as for an experiment with an error that it
 * makes up, puts this number in the place of the call's own. There is none.
 */
static int
allow_skipped(scmp_filter_ctx filter)
{
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_API_TSKIP, 1);

	return rc == 0 ? seccomp_rule_add(filter, SCMP_ACT_ALLOW, -1, 0) : rc;
}

static int
allow_list(scmp_filter_ctx filter, enum syscalls list)
{
	int rc = allow(filter, of_all, ARRAY_LEN(of_all));

	if (rc == 0)
		rc = allow_in_part(filter);
	if (rc == 0)
		rc = allow_skipped(filter);
	if (rc == 0 && list == SYSCALLS_OF_WORKER)
		rc = allow(filter, of_worker, ARRAY_LEN(of_worker));
	if (rc == 0 && list == SYSCALLS_OF_WORKER)
		rc = allow_marks(filter);
	/* libsystemd looks for the boot's id, and can do without. */
	if (rc == 0 && list == SYSCALLS_OF_PROBER)
		rc = seccomp_rule_add(
		    filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0);
	return rc;
}

static int
check_is_in_force(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER
		   ? 0
		   : -EPERM;
}

int
syscalls_restrict(enum syscalls list)
{
	scmp_filter_ctx filter;
	int rc;

#ifdef HAS_SANITIZER
	return 0;
#endif
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return -ENOMEM;
	/* Those of another machine, as of 32 bits, have other numbers. */
	rc = seccomp_attr_set(
	    filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* The kernel's own word for an error. */
	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	if (rc == 0)
		rc = allow_list(filter, list);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc == 0 ? check_is_in_force() : rc;
}
