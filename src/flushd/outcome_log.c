/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "flushd/outcome_log.h"
#include "mail/queue_id.h"
#include "spool/state.h"

enum {
	ADDRESS_SHOWN_MAX = 320,
	SCRIPT_SHOWN_MAX = 256,
};

/* What traces a hacked site; it says it itself, so it is no more than a hint.
 */
static void
add_submitter(struct buf *line, const struct submitter *s)
{
	buf_add_format(line, " uid=%ju", (uintmax_t)s->uid);
	if (!s->script)
		return;
	buf_add_str(line, " script=\"");
	log_escape(line, s->script, strlen(s->script), SCRIPT_SHOWN_MAX);
	buf_add_char(line, '"');
}

static void
log_recipient(const struct delivery *d, size_t i,
    const struct smtp_result *result, const char *relay)
{
	const char *sender = d->envelope.sender;
	const char *to = d->envelope.recipients[d->tried[i]].address;
	const char *reply = result->replies[i] ? result->replies[i] : "";
	struct buf line = BUF_INIT;

	buf_add_format(&line, "id=%s from=<", d->name);
	log_escape(&line, sender, strlen(sender), ADDRESS_SHOWN_MAX);
	buf_add_str(&line, "> to=<");
	log_escape(&line, to, strlen(to), ADDRESS_SHOWN_MAX);
	buf_add_char(&line, '>');
	add_submitter(&line, &d->envelope.submitter);
	buf_add_format(&line, " relay=%s delay=%.1f status=%s reply=\"", relay,
	    (double)(clock_wall_ms() - d->envelope.submitted_ms) / 1000,
	    smtp_outcome_names[result->outcomes[i]]);
	log_escape(&line, reply, strlen(reply), STATE_REPLY_MAX);
	log_info("%s\"", line.data);
	buf_release(&line);
}

void
outcome_log_result(const struct delivery *d, const struct smtp_result *result,
    const char *relay)
{
	for (size_t i = 0; i < result->recipient_count; i++)
		if (result->outcomes[i] != SMTP_UNTRIED)
			log_recipient(d, i, result, relay);
}

/* An operator finds it in the list. */
void
outcome_log_kept(const struct delivery *d)
{
	const char *why =
	    bounce_bar_words[bounce_bar(d->envelope.sender, d->domain)];

	log_notice("id=%s status=kept reason=\"%s\"", d->name,
	    *why ? why : "no report is wanted, or none can be stored");
}

void
outcome_log_report(
    const struct delivery *d, const struct bounce *b, uint64_t report_id)
{
	const char *to = b->envelope.recipients[0].address;
	char id[QUEUE_ID_TEXT_MAX];
	struct buf line = BUF_INIT;

	log_escape(&line, to, strlen(to), ADDRESS_SHOWN_MAX);
	log_info("id=%s report=%s to=<%s> recipients=%zu", d->name,
	    queue_id_format(report_id, id), line.data, b->told_count);
	buf_release(&line);
}
