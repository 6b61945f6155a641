/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "jailsh/jailsh.h"
#include "jailsh/words.h"

/* sh(1), EXIT STATUS. */
enum { STATUS_CANNOT = 126, STATUS_NOT_FOUND = 127 };

enum { NEAR_MAX = 60 }; /* bytes of a command that are shown */

static const char *const path[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};

NORETURN static void
out_of_memory(void)
{
	static const char line[] = "jailsh: out of memory\n";
	ssize_t n = write(STDERR_FILENO, line, sizeof(line) - 1);

	(void)n;
	_exit(STATUS_CANNOT);
}

/* ---- start --------------------------------------------------------- */

static int
exec_failed(const char *name, int error)
{
	const bool is_missing = error == ENOENT || error == ENOTDIR;

	log_error("%s: %s", name,
	    error == ENOEXEC ? "is not a program, and no shell is here to run "
			       "it as a script"
	    : is_missing     ? "not found"
			     : strerror(error));
	return is_missing ? STATUS_NOT_FOUND : STATUS_CANNOT;
}

/* PATH is the caller's, who may be anybody: it is not asked. */
static int
exec_in_path(char **argv)
{
	struct buf name = BUF_INIT;
	int error = ENOENT;
	int status;

	for (size_t i = 0; i < ARRAY_LEN(path) && *argv[0]; i++) {
		buf_clear(&name);
		buf_add_format(&name, "%s/%s", path[i], argv[0]);
		execv(name.data, argv);
		/* One that is there says more than others that are not. */
		if (errno != ENOENT && errno != ENOTDIR)
			error = errno;
	}
	status = exec_failed(argv[0], error);
	buf_release(&name);
	return status;
}

static int
start(char **argv)
{
	if (!strchr(argv[0], '/'))
		return exec_in_path(argv);
	execv(argv[0], argv);
	return exec_failed(argv[0], errno);
}

/* ---- the command --------------------------------------------------- */

static int
refused(const char *text, const struct words_refusal *why)
{
	const size_t from = why->at < NEAR_MAX ? 0 : why->at - NEAR_MAX;
	struct buf near = BUF_INIT;

	log_escape(&near, text + from, why->at - from, NEAR_MAX * 4);
	log_error("refused: %s at byte %zu, behind \"%s%s\"; see jailsh(8)",
	    why->what, why->at + 1, from > 0 ? "..." : "", near.data);
	buf_release(&near);
	return STATUS_CANNOT;
}

static int
run_command(const char *text)
{
	struct words_refusal why;
	struct words w;
	int status = 0;

	if (words_parse(text, strlen(text), &w, &why) < 0)
		return refused(text, &why);
	if (w.count > 0)
		status = start(w.argv);
	words_release(&w);
	return status;
}

static int
print(const char *text)
{
	return io_write_all(STDOUT_FILENO, text, strlen(text)) < 0
		   ? STATUS_CANNOT
		   : 0;
}

int
jailsh_main(int argc, char **argv)
{
	static const char help[] =
	    "usage: sh -c [--] COMMAND [NAME ARGUMENT...]\n\n"
	    "The shell of a jail that has none: starts a program, and does "
	    "nothing else.\n";
	int at = 2;

	log_open("jailsh");
	alloc_on_failure(out_of_memory);
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return print("jailsh " VERSION "\n");
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return print(help);
	if (argc < 2 || strcmp(argv[1], "-c") != 0) {
		log_error("refused: only 'sh -c COMMAND' is understood; see "
			  "jailsh(8)");
		return STATUS_CANNOT;
	}
	if (at < argc && strcmp(argv[at], "--") == 0)
		at++;
	else if (at < argc && (*argv[at] == '-' || *argv[at] == '+')) {
		log_error("refused: option '%s'; see jailsh(8)", argv[at]);
		return STATUS_CANNOT;
	}
	if (at >= argc) {
		log_error("refused: -c without a command; see jailsh(8)");
		return STATUS_CANNOT;
	}
	/* What follows would be $0, $1 ...: nothing here can ask for it. */
	return run_command(argv[at]);
}
