/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/log.h"
#include "flushctl/access.h"
#include "flushctl/verb.h"

/* Under one lock: what is enough for any spool that is in order. */
enum { CPU_MAX_SEC = 20 };

/* ---- a file that kills --------------------------------------------- */

static const char *crash_name = "";

/* LMDB checks no page; only what is safe in a signal handler. */
static void
on_crash(int signal)
{
	static const char before[] = "flushctl: ";
	static const char after[] = ": the spool's file is damaged: reading it "
				    "killed flushctl\n";

	(void)signal;
	if (write(STDERR_FILENO, before, sizeof(before) - 1) < 0 ||
	    write(STDERR_FILENO, crash_name, strlen(crash_name)) < 0 ||
	    write(STDERR_FILENO, after, sizeof(after) - 1) < 0)
		_exit(STATUS_FAILED);
	_exit(STATUS_FAILED);
}

static void
catch_crashes(const char *name)
{
	static const int signals[] = {
	    SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU};
	const struct sigaction action = {.sa_handler = on_crash};

	crash_name = name;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &action, NULL);
}

/* ---- open ---------------------------------------------------------- */

static uint64_t *turns_begun;

int
access_open(const char *name, int dir_fd, uint64_t *turns, struct spool **spool)
{
	int rc = spool_open_fd(dir_fd, spool);

	if (rc < 0)
		return access_failed(name, rc);
	catch_crashes(name);
	turns_begun = turns;
	return STATUS_DONE;
}

static int
access_begin_as(struct spool *s, enum spool_access access)
{
	(*turns_begun)++;
	/* A search that goes round in circles ends as a crash does. */
	cpu_limit(CPU_MAX_SEC);
	return spool_begin(s, access, 0, clock_boot_ms() + ACCESS_TIMEOUT_MS);
}

int
access_begin(struct spool *s)
{
	return access_begin_as(s, SPOOL_READ);
}

int
access_begin_change(struct spool *s)
{
	return access_begin_as(s, SPOOL_CHANGE);
}

/* ---- errors -------------------------------------------------------- */

int
access_failed(const char *name, int rc)
{
	static const struct {
		int error;
		const char *meaning;
	} table[] = {
	    {ENOENT, "there is no spool here"},
	    {ENOTDIR, "not a directory (or a symbolic link)"},
	    {ELOOP, "not a directory (or a symbolic link)"},
	    {EPERM, "belongs to another user, or anybody may write it"},
	    {EBADMSG, "the spool's file is damaged, or of another format"},
	    {ETIMEDOUT, "the spool was locked for 30 seconds"},
	    {ENOTSUP, "this LMDB is not 0.9"},
	};
	const char *meaning = strerror(-rc);

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].error == -rc)
			meaning = table[i].meaning;
	log_error("%s: %s", name, meaning);
	return STATUS_FAILED;
}
