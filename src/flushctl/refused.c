/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "flushctl/errand.h"
#include "flushctl/request.h"
#include "flushctl/verb.h"
#include "site/refused_log.h"

/* A sender writes no longer lines. */
enum { LINE_MAX_LEN = 1023 };

/* The older first. mini_sendmail(8) writes them. */
static const char *const files[] = {REFUSED_LOG_OLD, REFUSED_LOG};

/* ---- the files ----------------------------------------------------- */

/* Append the end of the file, from the first line that is whole in it. */
static int
read_end(int fd, off_t size, struct buf *text)
{
	const off_t begin = size > REFUSED_LOG_MAX ? size - REFUSED_LOG_MAX : 0;
	const size_t at = text->len;
	ssize_t n;

	buf_reserve(text, REFUSED_LOG_MAX);
	n = pread(fd, text->data + at, REFUSED_LOG_MAX, begin);
	if (n < 0)
		return -errno;
	if (begin > 0) {
		const char *end = memchr(text->data + at, '\n', (size_t)n);
		const size_t cut =
		    end ? (size_t)(end + 1 - text->data) - at : (size_t)n;

		n -= (ssize_t)cut;
		memmove(text->data + at, text->data + at + cut, (size_t)n);
	}
	text->len = at + (size_t)n;
	text->data[text->len] = '\0';
	return 0;
}

/* 0, also if there is none, or -errno. */
static int
read_file(int dir_fd, const char *name, struct buf *text)
{
	struct refused_file file;
	off_t size = 0;
	int fd = refused_log_open(dir_fd, name, &file, &size);
	int rc;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	rc = read_end(fd, size, text);
	close(fd);
	return rc;
}

/* What can be read of both. */
static int
read_files(const char *name, struct buf *text)
{
	int status = STATUS_DONE;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		int rc = read_file(ERRAND_DIR, files[i], text);

		if (rc == 0)
			continue;
		log_error("%s: %s: %s", name, files[i],
		    rc == -EINVAL ? "not a file of its own" : strerror(-rc));
		status = STATUS_FAILED;
	}
	return status;
}

/* ---- lines --------------------------------------------------------- */

/* Where the last count lines begin. */
static const char *
find_last(const struct buf *text, uint64_t count)
{
	const char *p = text->data + text->len;

	if (p > text->data && p[-1] == '\n')
		p--;
	for (; p > text->data; p--)
		if (p[-1] == '\n' && --count == 0)
			break;
	return p;
}

/* A site may have written anything in place of what its senders did. */
static int
print_lines(const char *p, const char *end, const char *site, int width)
{
	struct buf out = BUF_INIT;
	int status;

	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const size_t len = (size_t)((eol ? eol : end) - p);

		/* Between two senders there may be an empty one. */
		if (len > 0) {
			if (width > 0)
				buf_add_format(&out, "%-*s ", width, site);
			log_clean(&out, p, len, LINE_MAX_LEN);
			buf_add_char(&out, '\n');
		}
		p += len + (eol != NULL);
	}
	status = verb_write(out.data, out.len);
	buf_release(&out);
	return status;
}

/* ---- the verb ------------------------------------------------------ */

struct plan {
	uint64_t last;
	int name_width; /* 0: no site is shown */
};

static int
print_refused(const struct errand *e, struct spool *s, struct tally *tally)
{
	const struct plan *plan = e->context;
	struct buf text = BUF_INIT;
	int status = read_files(e->target->name, &text);

	(void)s;
	(void)tally;
	if (print_lines(find_last(&text, plan->last), text.data + text.len,
		e->target->name, plan->name_width) != STATUS_DONE)
		status = STATUS_FAILED;
	buf_release(&text);
	return status;
}

static int
run(const struct selection *selection, int argc, char **argv)
{
	struct errand errand = {.run = print_refused, .is_of_files = true};
	struct targets targets = {0};
	struct tally total = {0};
	struct request r;
	struct plan plan;
	int status =
	    request_parse(&r, selection, WHERE_ANY | REQUEST_LAST, argc, argv);

	if (status == STATUS_DONE)
		status = targets_find(
		    &targets, &r.selection, argv[0], false, NULL, 0);
	plan = (struct plan){
	    .last = r.last, .name_width = targets_name_width(&targets)};
	errand.context = &plan;
	if (status == STATUS_DONE)
		status = errand_run_all(&errand, &targets, &total);
	targets_release(&targets);
	return status;
}

const struct verb verb_refused = {
    .name = "refused",
    .summary = "what was not taken, and why",
    .arguments = "[--last N]",
    .help = "Print what the spool did not take, and why, the oldest first: "
	    "time, user,\nexit status, bytes, the first recipient and the "
	    "reason.\n\n"
	    "  --last N       the last N lines only, of each spool\n",
    .takes_where = true,
    .run = run,
};
