/* SPDX-License-Identifier: ISC */
/*
 * crowd COUNT SECONDS SENDERS MESSAGE ROOT PROGRAM [ARG...] - many submissions
 * at once
 *
 *   So many SENDERS, each a process, share COUNT submissions of the file
 *   MESSAGE, or fewer: after SECONDS they begin no more. Each is a process of
 *   PROGRAM with the file for standard input, below ROOT. Prints a line when
 *   all are done:
 *
 *       RATE MEDIAN     so many a second; what one took, in microseconds
 *
 *   Fails if one of them does.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum {
	ARG_COUNT,
	ARG_SECONDS,
	ARG_SENDERS,
	ARG_MESSAGE,
	ARG_ROOT,
	ARG_PROGRAM,
};

struct crowd {
	size_t count;
	size_t sender_count;
	double max_us;
	char **args; /* from ARG_COUNT on */
	double *us;  /* of each that was made, else 0; shared with senders */
	int ready[2];
	int start[2];
};

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- a sender ------------------------------------------------------ */

/* 0, or the exit status. */
static int
submit(char **command)
{
	pid_t pid;
	int status;

	if (lseek(STDIN_FILENO, 0, SEEK_SET) < 0 ||
	    posix_spawn(&pid, command[0], NULL, NULL, command, environ) != 0)
		return 127;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Returns when all others are ready, too. */
static int
prepare(struct crowd *c)
{
	int message = open(c->args[ARG_MESSAGE], O_RDONLY | O_CLOEXEC);
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char byte = 0;

	if (message < 0 || dup2(message, STDIN_FILENO) < 0 || nowhere < 0 ||
	    dup2(nowhere, STDOUT_FILENO) < 0)
		return -errno;
	if (chroot(c->args[ARG_ROOT]) < 0 || chdir("/") < 0)
		return -errno;
	close(c->start[1]);
	if (write(c->ready[1], &byte, 1) != 1)
		return -EIO;
	return read(c->start[0], &byte, 1) == 0 ? 0 : -EIO;
}

static int
send_share(struct crowd *c, size_t sender)
{
	int status = prepare(c) < 0 ? 127 : 0;
	double end_us = now_us() + c->max_us;

	for (size_t i = sender; i < c->count && status == 0;
	     i += c->sender_count) {
		double begun = now_us();

		if (begun > end_us)
			break;
		status = submit(c->args + ARG_PROGRAM);
		c->us[i] = now_us() - begun;
	}
	if (status != 0)
		fprintf(
		    stderr, "crowd: %s: %d\n", c->args[ARG_PROGRAM], status);
	return status;
}

/* ---- all ----------------------------------------------------------- */

static int
start(struct crowd *c)
{
	char byte;

	if (pipe2(c->ready, O_CLOEXEC) < 0 || pipe2(c->start, O_CLOEXEC) < 0)
		return -errno;
	for (size_t i = 0; i < c->sender_count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (pid == 0)
			_exit(send_share(c, i));
	}
	close(c->ready[1]);
	close(c->start[0]);
	for (size_t i = 0; i < c->sender_count; i++)
		if (read(c->ready[0], &byte, 1) != 1)
			return -EIO;
	return 0;
}

/* How many have failed. */
static int
wait_for_all(void)
{
	int failures = 0;
	int status;

	while (wait(&status) > 0)
		failures += status != 0;
	return failures;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return (*x > *y) - (*x < *y);
}

static int
run(struct crowd *c)
{
	size_t made = 0;
	double begun;
	double ended;
	int rc = start(c);

	begun = now_us();
	close(c->start[1]);
	if (wait_for_all() > 0 || rc < 0)
		return 1;
	ended = now_us();
	for (size_t i = 0; i < c->count; i++)
		if (c->us[i] > 0)
			c->us[made++] = c->us[i];
	qsort(c->us, made, sizeof(*c->us), compare);
	printf("%.1f %.0f\n", (double)made / (ended - begun) * 1e6,
	    c->us[made / 2]);
	return 0;
}

int
main(int argc, char **argv)
{
	struct crowd c = {.args = argv + 1};

	if (argc > ARG_PROGRAM + 1) {
		c.count = strtoul(c.args[ARG_COUNT], NULL, 10);
		c.max_us = strtod(c.args[ARG_SECONDS], NULL) * 1e6;
		c.sender_count = strtoul(c.args[ARG_SENDERS], NULL, 10);
	}
	if (c.count == 0 || c.sender_count == 0) {
		fprintf(stderr, "usage: crowd COUNT SECONDS SENDERS MESSAGE "
				"ROOT PROGRAM [ARG...]\n");
		return 2;
	}
	c.us = mmap(NULL, c.count * sizeof(*c.us), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return c.us == MAP_FAILED ? 1 : run(&c);
}
