/* SPDX-License-Identifier: ISC */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "sendmail/caller.h"

/*
 * What web servers tell a CGI program of its script (RFC 3875 has the last
 * two; the first is what everybody goes by). PHP's FPM and CLI pass none of
 * them on: there the directory, and PHP's own header field, have to do.
 */
static const char *const script_variables[] = {
    "SCRIPT_FILENAME", "PATH_TRANSLATED", "SCRIPT_NAME"};

/*
 * Not the C library's getcwd(), which searches the file system for the name of
 * a directory that lies too deep.
 */
static void
read_cwd(struct submitter *s)
{
	const char *shells = getenv("PWD");
	char path[PATH_MAX];

	if (syscall(SYS_getcwd, path, sizeof(path)) > 0)
		submitter_set_cwd(s, path, sizeof(path));
	else if (shells)
		submitter_set_cwd(s, shells, strlen(shells));
}

static void
read_argv(struct submitter *s, char *const *argv)
{
	struct buf words = BUF_INIT;

	/* One byte too many is enough to see that it is cut. */
	for (; *argv && words.len <= SUBMITTER_ARGV_MAX; argv++) {
		if (words.len > 0)
			buf_add_char(&words, ' ');
		buf_add(&words, *argv, strnlen(*argv, SUBMITTER_ARGV_MAX + 1));
	}
	submitter_set_argv(s, words.data, words.len);
	buf_release(&words);
}

static void
read_script(struct submitter *s)
{
	for (size_t i = 0; i < ARRAY_LEN(script_variables) && !s->script; i++) {
		const char *value = getenv(script_variables[i]);

		if (value && *value)
			submitter_set_script(s, value, strlen(value));
	}
}

void
caller_read(struct submitter *s, uid_t uid, char *const *argv)
{
	*s = (struct submitter){
	    .uid = uid,
	    .pid = (uint32_t)getpid(),
	    .ppid = (uint32_t)getppid(),
	};
	read_cwd(s);
	read_argv(s, argv);
	read_script(s);
}
