/* SPDX-License-Identifier: ISC */
/*
 * outlaw.c - a negative control: a worker that its spool has taken over
 *
 *   Linked with --wrap=delivery_read, syscalls_restrict and landlock_enter.
 *   Where it would read a message it does what the environment's DEED says,
 *   and tells the log if it came through. With FREE there is no filter of
 *   system calls, and no landlock, which shows what they keep it from.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "flushd/delivery.h"
#include "site/landlock.h"
#include "site/syscalls.h"

int __wrap_delivery_read(
    struct delivery *d, struct spool *s, const char **text, size_t *len);
int __real_syscalls_restrict(enum syscalls list);
int __wrap_syscalls_restrict(enum syscalls list);
int __real_landlock_enter(int dir_fd);
int __wrap_landlock_enter(int dir_fd);

int
__wrap_syscalls_restrict(enum syscalls list)
{
	return getenv("FREE") ? 0 : __real_syscalls_restrict(list);
}

int
__wrap_landlock_enter(int dir_fd)
{
	return getenv("FREE") ? 0 : __real_landlock_enter(dir_fd);
}

/* A process of the same user, outside. */
static pid_t
victim(void)
{
	const char *pid = getenv("VICTIM");

	return pid ? (pid_t)strtol(pid, NULL, 10) : -1;
}

static int
talk_to_others(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int
run_a_program(void)
{
	char *const argv[] = {NULL};

	return execv("/sh", argv);
}

static int
multiply(void)
{
	const pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static int
end_another(void)
{
	return kill(victim(), SIGTERM);
}

static int
look_into_another(void)
{
	return (int)ptrace(PTRACE_ATTACH, victim(), NULL, NULL);
}

static int
bring_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		   ? -1
		   : 0;
}

static int
become_root(void)
{
	return setuid(0);
}

static int
open_password_file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int
climb_out(void)
{
	return openat(4, "../../../../../../../../../../etc/passwd",
	    O_RDONLY | O_CLOEXEC);
}

static const struct {
	const char *name;
	int (*run)(void);
} deeds[] = {
    {"talk_to_others", talk_to_others},
    {"run_a_program", run_a_program},
    {"multiply", multiply},
    {"end_another", end_another},
    {"look_into_another", look_into_another},
    {"bring_code", bring_code},
    {"become_root", become_root},
    {"open_password_file", open_password_file},
    {"climb_out", climb_out},
};

int
__wrap_delivery_read(
    struct delivery *d, struct spool *s, const char **text, size_t *len)
{
	const char *wanted = getenv("DEED");

	(void)d;
	(void)s;
	(void)text;
	(void)len;
	for (size_t i = 0; i < ARRAY_LEN(deeds); i++)
		if (wanted && strcmp(deeds[i].name, wanted) == 0)
			log_error("deed %s",
			    deeds[i].run() < 0 ? "failed" : "succeeded");
	exit(EXIT_FAILURE);
}
