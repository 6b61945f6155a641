/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/local.h"
#include "base/log.h"
#include "flushctl/status_table.h"
#include "flushctl/verb.h"

enum {
	ANSWER_MAX = 64 << 20, /* bytes; ten thousand sites have 6 MiB */
	TIMEOUT_SEC = 10,      /* flushd has no more than 5 */
};

static const char socket_default[] = "/run/mini-sendmail/status";
static const char request[] = "status\n";

/* ---- asking -------------------------------------------------------- */

/* 0 or -errno. Who is refused may find the end before he could ask. */
static int
ask(const char *path, struct buf *answer)
{
	const struct timeval timeout = {.tv_sec = TIMEOUT_SEC};
	int fd = local_connect(path);
	int rc;

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) <
		0 ||
	    (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0 &&
		errno != EPIPE)) {
		rc = -errno;
		close(fd);
		return rc;
	}
	rc = io_read_all(fd, ANSWER_MAX, answer);
	close(fd);
	return rc == -ECONNRESET && answer->len > 0 ? 0 : rc;
}

static int
ask_failed(const char *path, int rc)
{
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		log_error("flushd does not run: nobody listens at %s", path);
	else if (rc == -EAGAIN)
		log_error("%s: flushd does not answer", path);
	else
		log_error("%s: %s", path, strerror(-rc));
	return STATUS_FAILED;
}

/* ---- showing ------------------------------------------------------- */

static void
init_style(struct status_style *style)
{
	const char *term = getenv("TERM");
	const char *no_colour = getenv("NO_COLOR");
	struct winsize size;

	*style = (struct status_style){
	    .now_sec = clock_wall_ms() / 1000, .wants_relay = geteuid() == 0};
	if (!isatty(STDOUT_FILENO))
		return;
	style->has_colours = term && *term && strcmp(term, "dumb") != 0 &&
			     !(no_colour && *no_colour);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		style->width = size.ws_col;
}

static int
show(const char *path, const struct buf *answer, bool is_json)
{
	struct status_style style;
	struct buf table = BUF_INIT;
	int status;
	int rc;

	init_style(&style);
	rc = status_table_add(&table, answer->data, answer->len, &style);
	if (rc == 0) {
		status = is_json ? verb_write(answer->data, answer->len)
				 : verb_write(table.data, table.len);
	} else {
		log_error("%s: %s", path,
		    rc == -EPERM ? table.data : "the answer is not whole");
		status = STATUS_FAILED;
	}
	buf_release(&table);
	return status;
}

static int
run(const char *spool_dir, int argc, char **argv)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'},
	    {"socket", required_argument, NULL, 's'},
	    {0},
	};
	const char *path = socket_default;
	struct buf answer = BUF_INIT;
	bool is_json = false;
	int option;
	int status;
	int rc;

	(void)spool_dir;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'j')
			is_json = true;
		else if (option == 's')
			path = optarg;
		else
			return verb_bad_option(argv);
	}
	if (optind != argc)
		return verb_usage(
		    argv[0], "'%s' is one argument too many", argv[optind]);
	rc = ask(path, &answer);
	status = rc < 0 ? ask_failed(path, rc) : show(path, &answer, is_json);
	buf_release(&answer);
	return status;
}

const struct verb verb_status = {
    .name = "status",
    .arguments = "[--json] [--socket PATH]",
    .help = "Ask flushd for the state of its sites and of the relay: of all "
	    "sites as root,\nof his own as a site's user.\n\n"
	    "  --json         one object a line\n"
	    "  --socket PATH  the status_socket of flushd.conf(5), if it is "
	    "not\n"
	    "                 /run/mini-sendmail/status\n",
    .takes_spool = false,
    .run = run,
};
