/* SPDX-License-Identifier: ISC */
/*
 * memory PID PAUSE_MS - the most memory that a process and its children had
 *
 *   Looks every PAUSE_MS milliseconds until the process is gone or SIGTERM
 *   comes, then prints two lines: the process, and the greatest of its
 *   children:
 *
 *       PRIVATE TOTAL            in KiB: RssAnon, as seen, and VmHWM
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

enum { STATUS_MAX = 4096 };

struct peak {
	unsigned long private_kib;
	unsigned long total_kib;
};

static volatile sig_atomic_t is_over;

static void
on_term(int signal)
{
	(void)signal;
	is_over = 1;
}

/* False if there is no such file, or no more. */
static bool
read_file(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t len;

	if (!f)
		return false;
	len = fread(text, 1, size - 1, f);
	text[len] = '\0';
	fclose(f);
	return len > 0;
}

static void
raise_to(unsigned long *peak, const char *status, const char *field)
{
	const char *found = strstr(status, field);
	unsigned long kib =
	    found ? strtoul(found + strlen(field), NULL, 10) : 0;

	if (kib > *peak)
		*peak = kib;
}

static bool
look_at(const char *pid, struct peak *p)
{
	char status[STATUS_MAX];
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	if (!read_file(path, status, sizeof(status)))
		return false;
	raise_to(&p->private_kib, status, "RssAnon:");
	raise_to(&p->total_kib, status, "VmHWM:");
	/* One that has ended and was not yet waited for has none. */
	return strstr(status, "VmHWM:") != NULL;
}

static void
look_at_children(const char *pid, struct peak *p)
{
	char path[64];
	char list[1024];
	char *at = list;
	char *word;

	snprintf(path, sizeof(path), "/proc/%s/task/%s/children", pid, pid);
	if (!read_file(path, list, sizeof(list)))
		return;
	while ((word = strsep(&at, " ")) != NULL)
		if (*word)
			look_at(word, p);
}

int
main(int argc, char **argv)
{
	const struct sigaction term = {.sa_handler = on_term};
	struct timespec pause;
	struct peak own = {0};
	struct peak children = {0};
	unsigned long pause_ms;

	if (argc != 3) {
		fprintf(stderr, "usage: memory PID PAUSE_MS\n");
		return 2;
	}
	sigaction(SIGTERM, &term, NULL);
	pause_ms = strtoul(argv[2], NULL, 10);
	pause.tv_sec = (time_t)(pause_ms / 1000);
	pause.tv_nsec = (long)(pause_ms % 1000 * 1000000);
	while (!is_over && look_at(argv[1], &own)) {
		look_at_children(argv[1], &children);
		nanosleep(&pause, NULL);
	}
	printf("%lu %lu\n%lu %lu\n", own.private_kib, own.total_kib,
	    children.private_kib, children.total_kib);
	return 0;
}
