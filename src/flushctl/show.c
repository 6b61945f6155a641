/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>

#include "base/log.h"
#include "flushctl/access.h"
#include "flushctl/errand.h"
#include "flushctl/local_time.h"
#include "flushctl/reading.h"
#include "flushctl/request.h"
#include "flushctl/terminal.h"
#include "flushctl/verb.h"
#include "listing/display.h"
#include "mail/queue_id.h"

/* The message in question, for what is said about it. */
struct subject {
	const struct target *target;
	struct spool *spool;
	uint64_t id;
	char name[QUEUE_ID_TEXT_MAX];
};

/* ---- what is wrong ------------------------------------------------- */

static int
report(const struct subject *m, int rc)
{
	switch (rc) {
	case 0:
		return STATUS_DONE;
	case -ENOENT:
		log_error(
		    "%s: there is no message %s", m->target->name, m->name);
		return STATUS_NOT_FOUND;
	case -EBADMSG:
		log_error(
		    "%s: message %s is damaged", m->target->name, m->name);
		return STATUS_FAILED;
	default:
		return access_failed(m->target->name, rc);
	}
}

/* -ENOENT when a moment ago it was there: flushd was quicker. */
static int
report_text(const struct subject *m, int rc)
{
	if (rc == -ECANCELED)
		return STATUS_FAILED; /* said already */
	if (rc != -ENOENT)
		return report(m, rc);
	log_error("%s: message %s left the spool while it was read",
	    m->target->name, m->name);
	return STATUS_FAILED;
}

/* ---- envelope and state -------------------------------------------- */

enum { TEXT_COLUMN = 14, TEXT_WIDTH_MIN = 40 };

/* Of a line of the terminal, as the parent sees it; SIZE_MAX: of any. */
static size_t text_width;

static void
set_width(int width)
{
	text_width = SIZE_MAX;
	if (width > 0)
		text_width = width > TEXT_COLUMN + TEXT_WIDTH_MIN
				 ? (size_t)width - TEXT_COLUMN
				 : TEXT_WIDTH_MIN;
}

static void
add_label(struct buf *b, const char *label)
{
	buf_add_format(b, "%-*s", TEXT_COLUMN, label);
}

static void
add_line(struct buf *b, const char *label, const char *text)
{
	struct buf shown = BUF_INIT;

	display_add(&shown, text);
	add_label(b, label);
	display_add_broken(b, shown.data, shown.len, text_width, TEXT_COLUMN);
	buf_add_char(b, '\n');
	buf_release(&shown);
}

static void
add_time(struct buf *b, const char *label, int64_t wall_ms)
{
	add_label(b, label);
	local_time_add_full(b, wall_ms);
	buf_add_char(b, '\n');
}

static void
add_state(struct buf *b, const struct message_state *s, bool is_sending)
{
	add_line(b,
	    "state:", is_sending ? "sending" : message_phase_names[s->phase]);
	if (s->reason)
		add_line(b, "hold reason:", s->reason);
	add_label(b, "attempts:");
	buf_add_format(b, "%ju\n", (uintmax_t)s->attempts);
	if (s->ambiguous_dots > 0) {
		add_label(b, "lost replies:");
		buf_add_format(b, "%ju\n", (uintmax_t)s->ambiguous_dots);
	}
	if (s->last_attempt_ms > 0)
		add_time(b, "last attempt:", s->last_attempt_ms);
	if (state_is_scheduled(s))
		add_time(b, "next attempt:", s->due_ms);
}

static void
add_line_if_known(struct buf *b, const char *label, const char *text)
{
	if (text && *text)
		add_line(b, label, text);
}

static void
add_submitter(struct buf *b, const struct submitter *s)
{
	add_label(b, "submitter:");
	buf_add_format(
	    b, "uid %ju, pid %ju", (uintmax_t)s->uid, (uintmax_t)s->pid);
	if (s->ppid != 0)
		buf_add_format(b, ", parent %ju", (uintmax_t)s->ppid);
	buf_add_char(b, '\n');
	add_line_if_known(b, "directory:", s->cwd);
	add_line_if_known(b, "arguments:", s->argv);
	add_line_if_known(b, "script:", s->script);
}

static void
add_parameters(struct buf *b, const struct envelope *e)
{
	add_line_if_known(b, "body:", parameter_body_names[e->body]);
	if (e->is_smtputf8)
		add_line(b, "SMTPUTF8:", "wanted");
	add_line_if_known(b, "envelope id:", e->envid);
	add_line_if_known(b, "return:", parameter_ret_names[e->ret]);
}

static void
add_recipient_parameters(struct buf *b, const struct recipient *r)
{
	if (r->notify) {
		add_label(b, "notify:");
		parameter_add_notify(b, r->notify);
		buf_add_char(b, '\n');
	}
	add_line_if_known(b, "original:", r->original);
}

static void
add_recipients(
    struct buf *b, const struct envelope *e, const struct message_state *s)
{
	for (size_t i = 0; i < s->recipient_count; i++) {
		const struct recipient_state *r = &s->recipients[i];

		add_label(b, "recipient:");
		display_add(b, e->recipients[i].address);
		buf_add_format(b, " %s\n", recipient_status_names[r->status]);
		if (r->reply)
			add_line(b, "", r->reply);
		add_recipient_parameters(b, &e->recipients[i]);
	}
}

static void
add_message(struct buf *b, const struct subject *m, const struct envelope *e,
    const struct message_state *s, bool is_sending, const char *checksum)
{
	if (m->target->is_site)
		add_line(b, "site:", m->target->name);
	add_line(b, "id:", m->name);
	add_state(b, s, is_sending);
	add_time(b, "submitted:", e->submitted_ms);
	add_submitter(b, &e->submitter);
	add_label(b, "size:");
	buf_add_format(b, "%ju\n", (uintmax_t)e->text_len);
	add_line(b, "checksum:", checksum);
	add_line(b, "sender:", *e->sender ? e->sender : "<>");
	add_parameters(b, e);
	add_recipients(b, e, s);
}

static int
show_message(const struct subject *m, const struct envelope *e,
    const struct message_state *s, bool is_sending)
{
	int rc = reading_text(m->spool, m->id, NULL);
	struct buf text = BUF_INIT;
	int status;

	if (rc == 0 || rc == -EBADMSG) {
		add_message(&text, m, e, s, is_sending,
		    rc == 0 ? "verified" : "damaged");
		status = verb_write(text.data, text.len);
		if (status == STATUS_DONE)
			status = report(m, rc);
	} else {
		status = report_text(m, rc);
	}
	buf_release(&text);
	return status;
}

/* ---- the verb ------------------------------------------------------ */

/*
 * Of a message whose envelope cannot be read, the text may still be worth
 * having.
 */
static int
show(const struct subject *m, bool is_raw)
{
	struct message_state state;
	struct envelope envelope;
	bool is_sending = false;
	int status;
	int rc;

	rc = access_begin(m->spool);
	if (rc == 0) {
		rc = spool_get(m->spool, m->id, &envelope, &state);
		is_sending = spool_is_sending(m->spool, m->id);
	}
	spool_abort(m->spool);
	if (is_raw && (rc == 0 || rc == -EBADMSG))
		status =
		    report_text(m, reading_text(m->spool, m->id, verb_write));
	else if (rc == 0)
		status = show_message(m, &envelope, &state, is_sending);
	else
		status = report(m, rc);
	if (rc == 0) {
		envelope_release(&envelope);
		state_release(&state);
	}
	return status;
}

static int
show_in_spool(const struct errand *e, struct spool *s, struct tally *tally)
{
	const struct request *r = e->context;
	struct subject m = {
	    .target = e->target, .spool = s, .id = e->target->ids[0]};

	(void)tally;
	queue_id_format(m.id, m.name);
	return show(&m, r->is_raw);
}

static int
run(const struct selection *selection, int argc, char **argv)
{
	struct targets targets = {0};
	struct tally total = {0};
	struct request r;
	int status = request_parse(
	    &r, selection, WHERE_ANY | REQUEST_WORDS | REQUEST_RAW, argc, argv);

	if (status == STATUS_DONE && r.word_count != 1)
		return verb_usage(argv[0], "one queue id is wanted");
	if (status == STATUS_DONE)
		status = targets_find(&targets, &r.selection, argv[0], false,
		    r.words, r.word_count);
	if (status == STATUS_DONE) {
		const struct errand errand = {.run = show_in_spool,
		    .target = &targets.list[0],
		    .context = &r,
		    .is_raw = r.is_raw};

		set_width(terminal_width());
		status = errand_run(&errand, &total);
	}
	targets_release(&targets);
	return status;
}

const struct verb verb_show = {
    .name = "show",
    .summary = "show a message",
    .arguments = "[--raw] ID | SITE/ID",
    .help = "Show the envelope and state of a message, and whether its "
	    "checksum is right.\n\n"
	    "  --raw          print its text instead: byte for byte, or "
	    "escaped if that\n"
	    "                 is to a terminal\n",
    .takes_where = true,
    .run = run,
};
