/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "flushctl/asked.h"
#include "flushctl/drain.h"
#include "flushctl/local_time.h"
#include "flushctl/request.h"
#include "flushctl/status_table.h"
#include "flushctl/terminal.h"
#include "flushctl/verb.h"

enum {
	/* Nobody watches for longer without a word. */
	TIMEOUT_MS = 3000,
	FRAME_LINES = 1, /* above the table */
};

struct watching {
	const char *path;
	const char *site; /* NULL: all */
	uint64_t interval_sec;
	bool is_screen;
	struct asked asked; /* the last answer, if there is one */
	bool has_answer;
	struct buf trouble;  /* why there is no later one; "": there is */
	int64_t trouble_sec; /* since when */
	const char *news;    /* what flushd did last; NULL: nothing */
	int64_t news_sec;
};

/* ---- asking -------------------------------------------------------- */

static void
forget(struct watching *w)
{
	if (w->has_answer)
		asked_release(&w->asked);
	w->has_answer = false;
}

/* A site's user is not told when flushd was started. */
static bool
is_restarted(const struct watching *w, const struct asked *new)
{
	const struct snapshot *a = &w->asked.snapshot;
	const struct snapshot *b = &new->snapshot;

	return w->has_answer && a->has_relay && b->has_relay &&
	       a->relay.started_sec != b->relay.started_sec;
}

static void
take_answer(struct watching *w, struct asked *new)
{
	if (w->trouble.len > 0 || is_restarted(w, new)) {
		w->news = is_restarted(w, new) ? "flushd was restarted"
					       : "flushd is back";
		w->news_sec = clock_wall_ms() / 1000;
	}
	buf_clear(&w->trouble);
	forget(w);
	w->asked = *new;
	w->has_answer = true;
	snapshot_sort(&w->asked.snapshot);
}

/* What was answered before is left to be looked at. */
static void
take_trouble(struct watching *w, struct buf *why)
{
	if (w->trouble.len == 0)
		w->trouble_sec = clock_wall_ms() / 1000;
	buf_release(&w->trouble);
	w->trouble = *why;
	buf_init(why);
}

static int
ask(struct watching *w)
{
	struct asked new;
	struct buf why = BUF_INIT;
	int rc = asked_try(&new, w->path, TIMEOUT_MS, &why);

	if (rc == 0 && w->site && !snapshot_choose(&new.snapshot, w->site)) {
		asked_release(&new);
		buf_add_format(&why, "flushd has no site '%s'", w->site);
		rc = -ENOENT;
	}
	if (rc == 0)
		take_answer(w, &new);
	else
		take_trouble(w, &why);
	buf_release(&why);
	return rc;
}

/* ---- showing ------------------------------------------------------- */

static void
add_cut_line(struct buf *out, const struct buf *line, size_t width)
{
	struct buf clean = BUF_INIT;

	log_clean(&clean, line->data, line->len, line->len);
	buf_add(out, clean.data,
	    width > 0 && clean.len > width ? width : clean.len);
	buf_add_char(out, '\n');
	buf_release(&clean);
}

/* The time, and what is to be known of flushd itself. */
static void
add_head(const struct watching *w, struct buf *out, size_t width)
{
	struct buf line = BUF_INIT;

	local_time_add(&line, clock_wall_ms());
	if (w->trouble.len > 0) {
		buf_add_str(&line, "  for ");
		drain_add_duration(
		    &line, clock_wall_ms() / 1000 - w->trouble_sec);
		buf_add_format(&line, ": %s", w->trouble.data);
	} else if (w->news) {
		buf_add_format(&line, "  %s, ", w->news);
		drain_add_duration(&line, clock_wall_ms() / 1000 - w->news_sec);
		buf_add_str(&line, " ago");
	} else if (w->is_screen) {
		buf_add_str(&line, "  (q ends)");
	}
	add_cut_line(out, &line, width);
	buf_release(&line);
}

static int
show(const struct watching *w)
{
	struct status_style style = {.has_flow = true};
	struct buf out = BUF_INIT;
	size_t height = 0;
	int rc;

	terminal_style(&style);
	if (w->is_screen)
		terminal_size(&style.width, &height);
	if (height > FRAME_LINES)
		style.height = height - FRAME_LINES;
	add_head(w, &out, w->is_screen ? style.width : 0);
	if (w->has_answer)
		status_table_add(&out, &w->asked.snapshot, &style);
	if (!w->is_screen)
		buf_add_char(&out, '\n');
	rc = w->is_screen ? terminal_show(out.data)
			  : io_write_all(STDOUT_FILENO, out.data, out.len);
	buf_release(&out);
	return rc;
}

/* ---- the verb ------------------------------------------------------ */

/* False: it is over. */
static bool
wait_and_redraw(const struct watching *w, int64_t until_ms, int *rc)
{
	int64_t left_ms;

	while (*rc == 0 && (left_ms = until_ms - clock_boot_ms()) > 0) {
		switch (terminal_wait((int)left_ms)) {
		case TERMINAL_QUIT:
			return false;
		case TERMINAL_REDRAW:
			*rc = show(w);
			break;
		case TERMINAL_NONE:
		default:
			break;
		}
	}
	return *rc == 0;
}

static int
watch(struct watching *w)
{
	int64_t next_ms = clock_boot_ms();
	int rc;

	if (ask(w) < 0) {
		log_error("%s", w->trouble.data);
		return STATUS_FAILED;
	}
	w->is_screen = terminal_enter();
	rc = show(w);
	for (;;) {
		next_ms += (int64_t)w->interval_sec * 1000;
		/* It may have taken longer than that to ask. */
		if (next_ms < clock_boot_ms())
			next_ms = clock_boot_ms();
		if (rc != 0 || !wait_and_redraw(w, next_ms, &rc))
			break;
		ask(w);
		rc = show(w);
	}
	terminal_leave();
	if (rc == 0)
		return STATUS_DONE;
	log_error("standard output: %s", strerror(-rc));
	return STATUS_FAILED;
}

static int
run(const struct selection *selection, int argc, char **argv)
{
	struct watching w = {.trouble = BUF_INIT};
	struct request r;
	int status = request_parse(&r, selection,
	    WHERE_SITE | WHERE_CONFIG | REQUEST_INTERVAL | REQUEST_SOCKET, argc,
	    argv);

	if (status != STATUS_DONE)
		return status;
	w.path = r.socket;
	w.site = r.selection.site;
	w.interval_sec = r.interval_sec;
	status = watch(&w);
	forget(&w);
	buf_release(&w.trouble);
	return status;
}

const struct verb verb_watch = {
    .name = "watch",
    .summary = "the same, live",
    .arguments =
	"[--interval SEC] [--site NAME] [--config DIR] [--socket PATH]",
    .help =
	"Show the state of the sites until q is pressed, those in trouble "
	"first:\n"
	"how many messages come and go in a minute, and when those that wait "
	"will\n"
	"be gone. What is no terminal gets it again and again.\n\n"
	"  --interval SEC\n"
	"                 seconds between two looks; 2 if not given\n"
	"  --site NAME    this site only\n" REQUEST_SOCKET_HELP,
    .run = run,
};
