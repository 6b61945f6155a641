/* SPDX-License-Identifier: ISC */
/*
 * latency COUNT PAUSE_MS PROGRAM SPOOL... - how long a submission takes
 *
 *   Submits a small message to each spool in turn, COUNT times (0: until
 *   SIGTERM), with a pause before each turn, and prints a line for each spool:
 *
 *       COUNT MEDIAN P95 MAX     in microseconds, from start to exit
 *
 *   Each is a process of PROGRAM, as PHP starts it, timed by itself, so what
 *   slows the machine down meanwhile meets all spools alike.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"

enum { SPOOLS_MAX = 4, TEXT_LINES = 25 };

struct series {
	char *environment[2]; /* of the program: which spool */
	double *us;
	size_t count;
};

static volatile sig_atomic_t is_over;

static void
on_term(int signal)
{
	(void)signal;
	is_over = 1;
}

/* ---- one submission ------------------------------------------------ */

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* A file with the message in it, which becomes standard input. */
static int
make_message(void)
{
	struct buf text = BUF_INIT;
	int fd = memfd_create("message", 0);

	buf_add_str(&text, "From: shop@site.test\nSubject: Order\n\n");
	for (int i = 0; i < TEXT_LINES; i++)
		buf_add_format(&text, "line %d: %060d\n", i, 0);
	if (fd >= 0 && write(fd, text.data, text.len) != (ssize_t)text.len)
		fd = -1;
	buf_release(&text);
	return fd;
}

/* 0, or the exit status. */
static int
submit(char *program, char **environment)
{
	static char words[][24] = {
	    "-i", "-f", "shop@site.test", "reader@example.org"};
	char *argv[] = {program, words[0], words[1], words[2], words[3], NULL};
	pid_t pid;
	int status;

	if (posix_spawn(&pid, program, NULL, NULL, argv, environment) != 0)
		return 127;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int
measure(struct series *s, char *program, int message)
{
	double begun = now_us();
	int status;

	if (lseek(message, 0, SEEK_SET) < 0)
		return 127;
	status = submit(program, s->environment);
	if (s->count % 1024 == 0)
		s->us = alloc_resize(s->us, s->count + 1024, sizeof(*s->us));
	s->us[s->count++] = now_us() - begun;
	return status;
}

/* ---- all ----------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return (*x > *y) - (*x < *y);
}

static void
print(const struct series *s)
{
	qsort(s->us, s->count, sizeof(*s->us), compare);
	printf("%zu %.0f %.0f %.0f\n", s->count, s->us[s->count / 2],
	    s->us[s->count * 95 / 100], s->us[s->count - 1]);
}

static int
measure_all(struct series *all, size_t spool_count, unsigned long count,
    unsigned int pause_ms, char *program)
{
	const struct timespec pause = {
	    .tv_sec = pause_ms / 1000, .tv_nsec = pause_ms % 1000 * 1000000L};
	int message = make_message();
	int status = 0;

	if (message < 0 || dup2(message, STDIN_FILENO) < 0)
		return 127;
	for (unsigned long n = 0; status == 0 && (count == 0 || n < count);
	     n++) {
		nanosleep(&pause, NULL);
		for (size_t i = 0; status == 0 && i < spool_count; i++)
			status = measure(&all[i], program, STDIN_FILENO);
		if (is_over)
			break;
	}
	return status;
}

int
main(int argc, char **argv)
{
	const struct sigaction term = {.sa_handler = on_term};
	struct series all[SPOOLS_MAX] = {0};
	struct buf name = BUF_INIT;
	size_t spool_count = (size_t)argc - 4;
	int status;

	if (argc < 5 || spool_count > SPOOLS_MAX) {
		fprintf(
		    stderr, "usage: latency COUNT PAUSE_MS PROGRAM SPOOL...\n");
		return 2;
	}
	sigaction(SIGTERM, &term, NULL);
	for (size_t i = 0; i < spool_count; i++) {
		buf_add_format(&name, "MINI_SENDMAIL_SPOOL=%s", argv[4 + i]);
		all[i].environment[0] = buf_detach(&name);
	}
	status = measure_all(all, spool_count, strtoul(argv[1], NULL, 10),
	    (unsigned int)strtoul(argv[2], NULL, 10), argv[3]);
	for (size_t i = 0; i < spool_count; i++) {
		if (all[i].count > 0)
			print(&all[i]);
		free(all[i].us);
		free(all[i].environment[0]);
	}
	if (status != 0)
		fprintf(stderr, "latency: a submission failed: %d\n", status);
	return status == 0 ? 0 : 1;
}
