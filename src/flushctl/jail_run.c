/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/privilege.h"
#include "flushctl/jail_run.h"

enum {
	TIMEOUT_MS = 60 * 1000,
	SAID_MAX = 4096,    /* bytes of its output that are read */
	SHOWN_MAX = 300,    /* and shown */
	CANNOT_START = 125, /* the exit status of a child that could not */
};

/* ---- the child ----------------------------------------------------- */

/* With no way back: the jail's user may have put any program there. */
static int
enter(const struct jail *j)
{
	/* Without a terminal it cannot type for the operator. */
	if (setsid() < 0 || fchdir(j->fd) < 0 || chroot(".") < 0)
		return -errno;
	umask(022);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return privilege_become(j->uid, j->gid);
}

NORETURN static void
be_child(const struct jail *j, int input_fd, int output_fd, char *const *argv,
    char *const *environment)
{
	static char text[256];
	int rc;

	if (dup2(input_fd, STDIN_FILENO) < 0 ||
	    dup2(output_fd, STDOUT_FILENO) < 0 ||
	    dup2(output_fd, STDERR_FILENO) < 0)
		_exit(CANNOT_START);
	rc = enter(j);
	io_close_from(STDERR_FILENO + 1);
	/* As PHP leaves it to who it calls. */
	signal(SIGPIPE, SIG_IGN);
	if (rc == 0) {
		execve(
		    argv[0], (char *const *)argv, (char *const *)environment);
		rc = -errno;
	}
	snprintf(text, sizeof(text), "%s: %s", argv[0], strerror(-rc));
	if (io_write_all(STDOUT_FILENO, text, strlen(text)) < 0)
		_exit(CANNOT_START);
	_exit(CANNOT_START);
}

/* ---- and who waits for it ------------------------------------------ */

/* What it says, until there is nobody left to say more. */
static int
listen_to(int fd, struct buf *said)
{
	const int64_t end_ms = clock_boot_ms() + TIMEOUT_MS;
	int64_t left_ms;
	char bytes[1024];
	ssize_t n = 1;

	while (n > 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		left_ms = end_ms - clock_boot_ms();
		if (left_ms <= 0 || poll(&p, 1, (int)left_ms) == 0)
			return -ETIMEDOUT;
		n = io_read(fd, bytes, sizeof(bytes));
		if (n > 0 && said->len < SAID_MAX)
			buf_add(said, bytes, (size_t)n);
	}
	return (int)n;
}

/* It may have closed its output, and go on; or its children may. */
static int
wait_for(pid_t pid, int rc, int *status)
{
	const int64_t end_ms = clock_boot_ms() + TIMEOUT_MS;
	const struct timespec pause = {.tv_nsec = 2 * 1000 * 1000};
	pid_t got = 0;

	while (rc == 0 && (got = waitpid(pid, status, WNOHANG)) == 0 &&
	       clock_boot_ms() < end_ms)
		nanosleep(&pause, NULL);
	if (got == pid)
		return 0;
	kill(pid, SIGKILL);
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	return rc < 0 ? rc : -ETIMEDOUT;
}

static int
judge(int rc, int status, const struct buf *said, struct buf *why)
{
	size_t len = said->len;

	if (rc == -ETIMEDOUT)
		buf_add_str(why, "does not end");
	else if (rc < 0)
		buf_add_str(why, strerror(-rc));
	else if (WIFSIGNALED(status))
		buf_add_format(why, "killed by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) == CANNOT_START)
		buf_add_str(why, "cannot be started");
	else if (WEXITSTATUS(status) != 0)
		buf_add_format(why, "exit status %d", WEXITSTATUS(status));
	else
		return 0;
	while (len > 0 && said->data[len - 1] == '\n')
		len--;
	if (len > 0) {
		buf_add_str(why, ": ");
		log_clean(why, said->data, len, SHOWN_MAX);
	}
	return rc < 0 ? rc : -EPERM;
}

static int
start(const struct jail *j, char *const *argv, char *const *environment,
    const char *input, int *said_fd, pid_t *pid)
{
	int in[2];
	int out[2];
	int rc;

	if (pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(out, O_CLOEXEC) < 0) {
		rc = -errno;
		close(in[0]);
		close(in[1]);
		return rc;
	}
	/* Less than a pipe holds: nobody needs to read it. */
	rc = io_write_all(in[1], input, strlen(input));
	close(in[1]);
	if (rc == 0) {
		*pid = fork();
		rc = *pid < 0 ? -errno : 0;
	}
	if (rc == 0 && *pid == 0)
		be_child(j, in[0], out[1], argv, environment);
	close(in[0]);
	close(out[1]);
	if (rc < 0)
		close(out[0]);
	*said_fd = out[0];
	return rc;
}

int
jail_run(const struct jail *j, char *const *argv, char *const *environment,
    const char *input, struct buf *why)
{
	struct buf said = BUF_INIT;
	int status = 0;
	pid_t pid = -1;
	int fd = -1;
	int rc = start(j, argv, environment, input, &fd, &pid);

	if (rc < 0) {
		buf_add_str(why, strerror(-rc));
		return rc;
	}
	rc = listen_to(fd, &said);
	rc = wait_for(pid, rc, &status);
	close(fd);
	rc = judge(rc, status, &said, why);
	buf_release(&said);
	return rc;
}
