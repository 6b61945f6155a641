/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "flushd/bounce.h"
#include "mail/address.h"

const char *const bounce_bar_words[BOUNCE_BAR_COUNT] = {
    [BOUNCE_MAY] = "",
    [BOUNCE_NULL_SENDER] = "the null sender gets no report",
    [BOUNCE_FOREIGN_SENDER] = "the sender is not of the site's domain",
};

enum bounce_bar
bounce_bar(const char *sender, const char *domain)
{
	const char *at = strrchr(sender, '@');

	if (*sender == '\0')
		return BOUNCE_NULL_SENDER;
	if (*domain == '\0' || (at && strcasecmp(at + 1, domain) != 0))
		return BOUNCE_FOREIGN_SENDER;
	return BOUNCE_MAY;
}

/* ---- whom to tell what --------------------------------------------- */

static bool
wants_failure(const struct recipient *r)
{
	return r->notify == 0 || (r->notify & NOTIFY_FAILURE);
}

static bool
is_delay_due(const struct bounce_case *c, const struct message_state *s)
{
	return c->is_last && s->phase == PHASE_DEFERRED &&
	       !s->is_delay_reported && s->age_ms >= c->policy->delay_report_ms;
}

static void
tell(struct bounce *b, const struct bounce_case *c,
    const struct message_state *s, size_t i, enum report_action action)
{
	b->indexes[b->told_count] = i;
	b->told[b->told_count++] =
	    (struct report_recipient){.recipient = &c->envelope->recipients[i],
		.action = action,
		.reply = s->recipients[i].reply};
}

static void
choose(struct bounce *b, const struct bounce_case *c,
    const struct message_state *s)
{
	for (size_t i = 0; i < s->recipient_count; i++) {
		const struct recipient *r = &c->envelope->recipients[i];
		const enum recipient_status status = s->recipients[i].status;

		if (c->is_last && status == RECIPIENT_FAILED &&
		    wants_failure(r))
			tell(b, c, s, i, REPORT_FAILED);
		else if (status == RECIPIENT_PENDING && is_delay_due(c, s) &&
			 (r->notify & NOTIFY_DELAY))
			tell(b, c, s, i, REPORT_DELAYED);
	}
	for (size_t n = 0; n < c->result->recipient_count; n++) {
		const size_t i = c->tried[n];

		if (c->result->outcomes[n] == SMTP_SENT && !c->has_relay_dsn &&
		    (c->envelope->recipients[i].notify & NOTIFY_SUCCESS))
			tell(b, c, s, i, REPORT_RELAYED);
	}
}

/* ---- the report ---------------------------------------------------- */

/* A sender without a domain is one of the site's. */
static void
add_address(struct buf *b, const char *sender, const char *domain)
{
	buf_add_str(b, sender);
	if (!strchr(sender, '@'))
		buf_add_format(b, "@%s", domain);
}

static void
fill(struct bounce *b, const struct bounce_case *c,
    const struct message_state *s, const struct buf *to)
{
	const struct report r = {.host = c->host,
	    .relay = c->relay,
	    .id = c->id,
	    .to = to->data,
	    .envelope = c->envelope,
	    .recipients = b->told,
	    .recipient_count = b->told_count,
	    .now_ms = c->now.wall_ms,
	    .retry_until_ms =
		c->now.wall_ms + (c->policy->lifetime_ms - s->age_ms),
	    .text = c->text,
	    .text_len = c->text_len,
	    .is_whole = c->is_whole};

	report_compose(&r, &b->text);
	envelope_add_recipient(&b->envelope, to->data, to->len);
	b->envelope.is_smtputf8 = report_is_utf8(&r);
	b->envelope.submitted_ms = c->now.wall_ms;
	b->envelope.text_len = b->text.len;
	submitter_copy(&b->envelope.submitter, &c->submitter);
}

/* The site can put anything into its settings: -EINVAL. */
static int
compose(struct bounce *b, const struct bounce_case *c,
    const struct message_state *s)
{
	struct buf to = BUF_INIT;
	int rc = -EINVAL;

	add_address(&to, c->envelope->sender, c->domain);
	if (address_is_valid(to.data, to.len)) {
		fill(b, c, s, &to);
		rc = 0;
	}
	buf_release(&to);
	return rc;
}

void
bounce_make(
    struct bounce *b, const struct bounce_case *c, struct message_state *state)
{
	const size_t max = state->recipient_count + c->result->recipient_count;

	*b = (struct bounce){0};
	envelope_init(&b->envelope);
	buf_init(&b->text);
	if (bounce_bar(c->envelope->sender, c->domain) != BOUNCE_MAY)
		return;
	b->told = alloc_resize(NULL, max, sizeof(*b->told));
	b->indexes = alloc_resize(NULL, max, sizeof(*b->indexes));
	choose(b, c, state);
	if (b->told_count > 0 && compose(b, c, state) < 0)
		b->told_count = 0;
	bounce_mark(b, state, true);
}

void
bounce_mark(const struct bounce *b, struct message_state *s, bool is_told)
{
	for (size_t n = 0; n < b->told_count; n++) {
		if (b->told[n].action == REPORT_FAILED)
			s->recipients[b->indexes[n]].status =
			    is_told ? RECIPIENT_REPORTED : RECIPIENT_FAILED;
		else if (b->told[n].action == REPORT_DELAYED)
			s->is_delay_reported = is_told;
	}
}

void
bounce_release(struct bounce *b)
{
	envelope_release(&b->envelope);
	buf_release(&b->text);
	free(b->told);
	free(b->indexes);
	*b = (struct bounce){0};
	buf_init(&b->text);
}
