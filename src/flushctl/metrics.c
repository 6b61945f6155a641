/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "flushctl/asked.h"
#include "flushctl/exposition.h"
#include "flushctl/request.h"
#include "flushctl/verb.h"

enum { FILE_MODE = 0644 }; /* whoever collects it is another user */

/* ---- the file ------------------------------------------------------ */

static int
write_new(int fd, const struct buf *text)
{
	if (fchmod(fd, FILE_MODE) < 0)
		return -errno;
	return io_write_all(fd, text->data, text->len);
}

/* Whoever reads it finds the old one or the new one, each whole. Nobody has to
 * find it after a power cut. */
static int
replace_file(const char *path, const struct buf *text)
{
	struct buf name = BUF_INIT;
	int fd;
	int rc;

	/* node_exporter reads what ends in .prom. */
	buf_add_format(&name, "%s.XXXXXX", path);
	fd = mkostemp(name.data, O_CLOEXEC);
	if (fd < 0) {
		rc = -errno;
		buf_release(&name);
		return rc;
	}
	rc = write_new(fd, text);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(name.data, path) < 0)
		rc = -errno;
	if (rc < 0)
		unlink(name.data);
	buf_release(&name);
	return rc;
}

static int
write_metrics(const char *path, const struct buf *text)
{
	int rc;

	if (!path)
		return verb_write(text->data, text->len);
	rc = replace_file(path, text);
	if (rc == 0)
		return STATUS_DONE;
	log_error("%s: %s", path, strerror(-rc));
	return STATUS_FAILED;
}

/* ---- the verb ------------------------------------------------------ */

/* That nobody answers is a metric too. */
static bool
is_absence(int rc)
{
	return rc == -ENOENT || rc == -ECONNREFUSED || rc == -ETIMEDOUT;
}

static int
make(struct buf *text, const char *socket_path)
{
	struct buf why = BUF_INIT;
	struct asked asked;
	int rc = asked_try(&asked, socket_path, ASK_TIMEOUT_MS, &why);
	int status = STATUS_DONE;

	if (rc == 0) {
		exposition_add(text, &asked.snapshot);
		asked_release(&asked);
	} else if (is_absence(rc)) {
		exposition_add(text, NULL);
	} else {
		log_error("%s", why.data);
		status = STATUS_FAILED;
	}
	buf_release(&why);
	return status;
}

static int
run(const struct selection *selection, int argc, char **argv)
{
	struct buf text = BUF_INIT;
	struct request r;
	int status = request_parse(&r, selection,
	    WHERE_CONFIG | REQUEST_OUTPUT | REQUEST_SOCKET, argc, argv);

	if (status == STATUS_DONE)
		status = make(&text, r.socket);
	if (status == STATUS_DONE)
		status = write_metrics(r.output, &text);
	buf_release(&text);
	return status;
}

const struct verb verb_metrics = {
    .name = "metrics",
    .summary = "the same, for Prometheus",
    .arguments = "[--output FILE] [--config DIR] [--socket PATH]",
    .help = "Print the state of the sites and of the relay for Prometheus. "
	    "That flushd\ndoes not run is a metric, too, and no error.\n\n"
	    "  --output FILE  replace that file by it, in one "
	    "step\n" REQUEST_SOCKET_HELP,
    .run = run,
};
