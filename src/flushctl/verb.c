/* SPDX-License-Identifier: ISC */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "flushctl/verb.h"
#include "site/conf.h"

static const char program[] = "flushctl";
enum { HELP_WIDTH = 79 };

static const struct verb *const verbs[] = {
    &verb_init,
    &verb_list,
    &verb_show,
    &verb_hold,
    &verb_release,
    &verb_retry,
    &verb_remove,
    &verb_block,
    &verb_unblock,
    &verb_refused,
    &verb_status,
    &verb_watch,
    &verb_metrics,
    &verb_check,
    &verb_site,
};

/* ---- messages ------------------------------------------------------ */

int
verb_write(const void *data, size_t len)
{
	int rc = io_write_all(STDOUT_FILENO, data, len);

	if (rc == 0)
		return STATUS_DONE;
	log_error("standard output: %s", strerror(-rc));
	return STATUS_FAILED;
}

int
verb_usage(const char *name, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_add_vformat(&text, fmt, ap);
	va_end(ap);
	log_error("%s; try '%s --help'", text.data, name);
	buf_release(&text);
	return STATUS_USAGE;
}

int
verb_bad_option(char **argv, int option)
{
	const char *word = argv[optind - 1];

	/* Within a cluster, "-xy", getopt() has not gone on to the next. */
	if (strncmp(word, "--", 2) != 0)
		return verb_usage(argv[0], "there is no option -%c", optopt);
	if (option == ':')
		return verb_usage(argv[0], "%s lacks its value", word);
	return verb_usage(argv[0], "there is no option %s", word);
}

bool
verb_wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0)
			return true;
	return false;
}

#define WHERE_HELP                                                             \
	"  --spool DIR    that spool\n"                                        \
	"  --site NAME    that of a site in " CONF_DIR "\n"                    \
	"  --all-sites    those of all sites\n"                                \
	"  --config DIR   with flushd.conf and sites.d; " CONF_DIR " if "      \
	"not given\n"

void
verb_add_arguments(struct buf *out, size_t column, const char *arguments)
{
	size_t used = column;

	while (*arguments) {
		const char *end =
		    strchr(arguments, *arguments == '[' ? ']' : ' ');
		const size_t len =
		    end ? (size_t)(end - arguments) + (*end == ']')
			: strlen(arguments);

		if (used > column && used + 1 + len > HELP_WIDTH) {
			buf_add_format(out, "\n%*s", (int)column, "");
			used = column;
		}
		buf_add_char(out, ' ');
		buf_add(out, arguments, len);
		used += 1 + len;
		arguments += len;
		arguments += *arguments == ' ';
	}
	buf_add_char(out, '\n');
}

static int
print_help(void)
{
	struct buf text = BUF_INIT;
	int status;

	buf_add_str(&text, "usage: flushctl [WHERE] VERB ...\n\n");
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		buf_add_format(
		    &text, "  %-8s %s\n", verbs[i]->name, verbs[i]->summary);
	buf_add_str(&text,
	    "\n" WHERE_HELP "  --version      print the version\n"
	    "  --help         print this; behind a verb, what that one takes "
	    "and does\n"
	    "\n"
	    "Without WHERE it is $MINI_SENDMAIL_SPOOL; else, as root on a host "
	    "with\nsites, all of them, if nothing is to be changed; else\n"
	    "/var/spool/mini-sendmail.\n");
	status = verb_write(text.data, text.len);
	buf_release(&text);
	return status;
}

static int
print_version(void)
{
	static const char line[] = "flushctl " VERSION "\n";

	return verb_write(line, sizeof(line) - 1);
}

static int
print_verb_help(const struct verb *v)
{
	struct buf text = BUF_INIT;
	int status;

	buf_add_format(&text, "usage: flushctl %s%s",
	    v->takes_where ? "[WHERE] " : "", v->name);
	verb_add_arguments(&text, text.len, v->arguments);
	buf_add_format(&text, "\n%s", v->help);
	if (v->takes_where)
		buf_add_str(&text,
		    "\nWHERE, which may also stand behind the verb, is one "
		    "of\n\n" WHERE_HELP);
	status = verb_write(text.data, text.len);
	buf_release(&text);
	return status;
}

/* ---- dispatch ------------------------------------------------------ */

NORETURN static void
out_of_memory(void)
{
	static const char line[] = "flushctl: out of memory\n";
	ssize_t n = write(STDERR_FILENO, line, sizeof(line) - 1);

	(void)n;
	_exit(STATUS_FAILED);
}

static int
run_verb(const struct selection *selection, int argc, char **argv)
{
	struct buf name = BUF_INIT;
	int status;

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		const struct verb *v = verbs[i];

		if (strcmp(argv[0], v->name) != 0)
			continue;
		if (verb_wants_help(v->has_verbs && argc > 2 ? 2 : argc, argv))
			return print_verb_help(v);
		buf_add_format(&name, "%s %s", program, v->name);
		argv[0] = name.data;
		optind = 0; /* getopt_long() begins anew */
		status = v->run(selection, argc, argv);
		buf_release(&name);
		return status;
	}
	return verb_usage(program, "there is no verb '%s'", argv[0]);
}

int
verb_main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"spool", required_argument, NULL, 's'},
	    {"site", required_argument, NULL, 'n'},
	    {"all-sites", no_argument, NULL, 'A'},
	    {"config", required_argument, NULL, 'c'},
	    {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	static char name[] = "flushctl";
	struct selection selection = {0};
	int option;

	log_open(program);
	alloc_on_failure(out_of_memory);
	if (io_secure_standard_fds() < 0)
		return STATUS_FAILED;
	if (argc == 0)
		return verb_usage(program, "there is no verb");
	argv[0] = name;
	opterr = 0; /* what is wrong is said here, in one line */
	while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		switch (option) {
		case 's':
			selection.spool_dir = optarg;
			break;
		case 'n':
			selection.site = optarg;
			break;
		case 'A':
			selection.is_all_sites = true;
			break;
		case 'c':
			selection.conf_dir = optarg;
			break;
		case 'V':
			return print_version();
		case 'h':
			return print_help();
		default:
			return verb_bad_option(argv, option);
		}
	}
	if (optind == argc)
		return verb_usage(program, "there is no verb");
	return run_verb(&selection, argc - optind, argv + optind);
}
