/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "flushd/delivery.h"
#include "flushd/turn.h"
#include "mail/header.h"
#include "mail/report.h"

enum {
	REPORT_SHORT = 32 << 10, /* of the 384 KiB that are left */
	PER_MESSAGE = 8192,	 /* of its records, and its share of the tree */
	FRESH_MS = 100,		 /* so soon nobody has changed his mind */
};

/* A comment must stay one whatever an operator calls his sites. */
static void
add_site(struct buf *trace, const char *site)
{
	buf_add_str(trace, "site ");
	for (; *site; site++)
		buf_add_char(
		    trace, isalnum((unsigned char)*site) || strchr("-._", *site)
			       ? *site
			       : '_');
	buf_add_str(trace, ", ");
}

/* RFC 5321 section 4.4, in the form postfix gives to local submissions. */
static void
make_trace(struct delivery *d, const struct delivery_from *from)
{
	char date[CLOCK_TEXT_MAX];

	buf_add_format(
	    &d->trace, "Received: by %s (mini_sendmail, ", from->host);
	if (*from->site != '\0')
		add_site(&d->trace, from->site);
	buf_add_format(&d->trace, "from userid %u)\n\tid %s; %s\n",
	    d->envelope.submitter.uid, d->name,
	    clock_rfc5322(d->envelope.submitted_ms, date));
	text_size_add(&d->size, d->trace.data, d->trace.len);
}

static unsigned int
count_received(const char *text, size_t len)
{
	struct header_cursor c = {text, len};
	struct header_field f;
	unsigned int count = 0;

	while (header_next(&c, &f))
		count += header_is(&f, "Received");
	return count;
}

/* The first piece of the text was read. */
static void
look_at_head(struct delivery *d, bool is_whole)
{
	const size_t len =
	    d->piece.len < REPORT_HEADER_MAX ? d->piece.len : REPORT_HEADER_MAX;

	d->received_count = count_received(d->piece.data, d->piece.len);
	if (!is_whole)
		buf_add(&d->head, d->piece.data, len);
}

const struct buf *
delivery_head(const struct delivery *d)
{
	return d->is_whole ? &d->piece : &d->head;
}

/*
 * Read the text through once: is it what was submitted, and what will it be on
 * the wire? A turn is open at first, and another one at the end if it is long.
 */
static int
survey(struct delivery *d, struct spool *s)
{
	struct digest *digest = digest_new();
	uint32_t chunk = 0;
	int more;
	int rc;

	for (d->is_whole = true;; d->is_whole = false) {
		buf_clear(&d->piece);
		more = spool_read_text(
		    s, d->id, &chunk, DELIVERY_PIECE, &d->piece);
		if (more < 0)
			break;
		digest_add(digest, d->piece.data, d->piece.len);
		text_size_add(&d->size, d->piece.data, d->piece.len);
		if (d->is_whole)
			look_at_head(d, more == 0);
		if (more == 0)
			break;
		/* Let senders in between. */
		spool_abort(s);
		more = turn_begin(s, SPOOL_CHANGE);
		if (more < 0)
			break;
	}
	d->checksum = digest_value(digest);
	rc = more < 0 ? more : spool_verify(s, d->id, digest);
	if (rc == 0 && d->size.has_nul)
		rc = -EBADMSG;
	digest_free(digest);
	return rc;
}

/*
 * Do what recording the outcome will do, in a transaction that is aborted. In a
 * damaged tree it may fail, or kill: before the message is sent, or it would be
 * sent again and again.
 */
static int
rehearse(const struct delivery *d, struct spool *s)
{
	int rc = spool_set_state(s, d->id, &d->state);

	return rc == 0 ? spool_remove(s, d->id) : rc;
}

/* Settings that cannot be read are no reason not to send. */
static void
note_domain(struct delivery *d, struct spool *s)
{
	struct spool_settings settings;

	if (spool_get_settings(s, &settings) < 0)
		return;
	memcpy(d->domain, settings.domain, sizeof(d->domain));
	if (d->domain[0] != '\0')
		envelope_qualify(&d->envelope, d->domain);
}

int
delivery_load(struct delivery *d, struct spool *s, uint64_t id, int64_t due_ms,
    const struct delivery_from *from)
{
	int rc;

	*d = (struct delivery){
	    .id = id, .host = from->host, .loaded_ms = clock_boot_ms()};
	queue_id_format(id, d->name);
	buf_init(&d->trace);
	buf_init(&d->piece);
	buf_init(&d->head);
	rc = spool_get(s, id, &d->envelope, &d->state);
	/* Else it would be sent again and again, whatever becomes of it. */
	if (rc == 0 &&
	    (!state_is_scheduled(&d->state) || d->state.due_ms != due_ms))
		rc = -ESTALE;
	/* One that is due and has nobody to go to is not of our making. */
	if (rc == 0 && state_count(&d->state, RECIPIENT_PENDING) == 0)
		rc = -EBADMSG;
	if (rc == 0) {
		make_trace(d, from);
		rc = survey(d, s);
	}
	if (rc == 0)
		rc = rehearse(d, s);
	if (rc == 0)
		note_domain(d, s);
	if (rc == 0 && d->state.phase == PHASE_NEW &&
	    d->received_count > DELIVERY_RECEIVED_MAX)
		rc = -ELOOP;
	if (rc < 0) {
		delivery_release(d);
		return rc;
	}
	d->message.wire_len = text_size_end(&d->size);
	d->message.is_8bit =
	    d->size.has_8bit || d->envelope.body == BODY_8BITMIME;
	return 0;
}

void
delivery_release(struct delivery *d)
{
	envelope_release(&d->envelope);
	state_release(&d->state);
	buf_release(&d->trace);
	buf_release(&d->piece);
	buf_release(&d->head);
	digest_free(d->digest);
	*d = (struct delivery){0};
	buf_init(&d->trace);
	buf_init(&d->piece);
	buf_init(&d->head);
}

bool
delivery_is_off(const struct delivery *d, struct spool *s)
{
	struct message_state state;
	struct envelope e;
	bool is_off;
	int rc;

	/* What cannot be read now is found out when it is recorded. */
	if (clock_boot_ms() - d->loaded_ms < FRESH_MS ||
	    turn_begin(s, SPOOL_READ) < 0)
		return false;
	rc = spool_get(s, d->id, &e, &state);
	spool_abort(s);
	if (rc < 0)
		return rc == -ENOENT;
	is_off = !state_is_scheduled(&state);
	envelope_release(&e);
	state_release(&state);
	return is_off;
}

void
delivery_move(struct delivery *to, struct delivery *from)
{
	*to = *from;
	*from = (struct delivery){0};
	delivery_release(from);
}

void
delivery_begin(struct delivery *d)
{
	const size_t all = d->state.recipient_count;
	/* Not from the first on each time: of a long list those in front may
	 * be deferred again and again. */
	const size_t start =
	    (size_t)d->state.attempts * SMTP_RECIPIENTS_MAX % all;
	size_t count = 0;

	for (size_t n = 0; n < all && count < SMTP_RECIPIENTS_MAX; n++) {
		size_t i = (start + n) % all;

		if (d->state.recipients[i].status != RECIPIENT_PENDING)
			continue;
		d->tried[count] = i;
		d->recipients[count++] = &d->envelope.recipients[i];
	}
	d->message.sender = d->envelope.sender;
	d->message.is_smtputf8 = d->envelope.is_smtputf8;
	d->message.ret = d->envelope.ret;
	/* Reports then name the message as we do. */
	d->message.envid = d->envelope.envid ? d->envelope.envid : d->name;
	d->message.recipients = d->recipients;
	d->message.recipient_count = count;
	d->stage = DELIVERY_TRACE;
	d->next_chunk = 0;
	digest_free(d->digest);
	d->digest = d->is_whole ? NULL : digest_new();
}

/* The next piece of a text that did not fit into one. */
static int
read_piece(struct delivery *d, struct spool *s)
{
	int rc;

	rc = turn_begin(s, SPOOL_READ);
	if (rc < 0)
		return rc;
	buf_clear(&d->piece);
	rc = spool_read_text(
	    s, d->id, &d->next_chunk, DELIVERY_PIECE, &d->piece);
	if (rc >= 0)
		digest_add(d->digest, d->piece.data, d->piece.len);
	/*
	 * What goes out must be what was surveyed, up to its end. The spool's
	 * own checksum would not tell: it may have been replaced with the text.
	 */
	if (rc == 0 && digest_value(d->digest) != d->checksum)
		rc = -EBADMSG;
	if (rc == 0)
		rc = spool_verify(s, d->id, d->digest);
	spool_abort(s);
	return rc;
}

int
delivery_read(
    struct delivery *d, struct spool *s, const char **text, size_t *len)
{
	int more = 0;

	if (d->stage == DELIVERY_END)
		return 0;
	if (d->stage == DELIVERY_TRACE) {
		d->stage = DELIVERY_TEXT;
		*text = d->trace.data;
		*len = d->trace.len;
		return 1;
	}
	if (!d->is_whole)
		more = read_piece(d, s);
	if (more < 0)
		return more == -ENOENT ? -EBADMSG : more;
	if (more == 0)
		d->stage = DELIVERY_END;
	*text = d->piece.data;
	*len = d->piece.len;
	return 1;
}

static int
finish(struct spool *s, int rc)
{
	rc = turn_end(s, rc);
	/* An operator removed it meanwhile: there is nothing to change. */
	return rc == -ENOENT ? 0 : rc;
}

/* Put it on hold, if an operator has done so since it was loaded. */
static void
keep_hold(struct delivery *d, struct spool *s)
{
	struct message_state state;
	struct envelope e;

	/* What cannot be read is the setter's to complain about. */
	if (spool_get(s, d->id, &e, &state) < 0)
		return;
	if (state.phase == PHASE_HELD && state_is_scheduled(&d->state))
		state_hold(&d->state, state.reason ? state.reason : "");
	envelope_release(&e);
	state_release(&state);
}

int
delivery_set_state(struct delivery *d, struct spool *s)
{
	keep_hold(d, s);
	return spool_set_state(s, d->id, &d->state);
}

int
delivery_store(struct delivery *d, struct spool *s)
{
	int rc = turn_begin(s, SPOOL_CHANGE);

	return rc < 0 ? rc : finish(s, delivery_set_state(d, s));
}

int
delivery_remove(struct delivery *d, struct spool *s)
{
	int rc = turn_begin(s, SPOOL_CHANGE);

	return rc < 0 ? rc : finish(s, spool_remove(s, d->id));
}

/* What a report needs of the file, the state beside it at its largest. */
static uint64_t
space_for(const struct delivery *d, const struct buf *text)
{
	return text->len + 2 * ENVELOPE_ADDRESS_MAX +
	       d->state.recipient_count * (STATE_REPLY_MAX + 16);
}

/*
 * A short report in the place of a longer message may use the room that is left
 * for removals: it gives more of it back. Else a spool that is full, of mail
 * that fails, would stay so.
 */
static bool
is_gain(const struct delivery *d, bool is_removed, const struct buf *text)
{
	return is_removed && text->len <= REPORT_SHORT &&
	       text->len + PER_MESSAGE <= d->envelope.text_len;
}

int
delivery_report(struct delivery *d, struct spool *s, bool is_removed,
    const struct envelope *report, const struct buf *text, int64_t now_ms,
    uint64_t *report_id)
{
	const struct spool_piece piece = {text->data, text->len};
	uint64_t id = 0;
	int rc = is_gain(d, is_removed, text)
		     ? turn_begin(s, SPOOL_CHANGE)
		     : turn_begin_adding(s, space_for(d, text));

	*report_id = 0;
	if (rc < 0)
		return rc;
	rc = is_removed ? spool_remove(s, d->id) : delivery_set_state(d, s);
	if (rc == 0)
		rc = spool_put(s, report, &piece, 1, now_ms, &id);
	rc = finish(s, rc);
	if (rc == 0)
		*report_id = id;
	return rc;
}

int
delivery_forget(struct spool *s, uint64_t id, int64_t due_ms)
{
	int rc = turn_begin(s, SPOOL_CHANGE);

	return rc < 0 ? rc : finish(s, spool_unschedule(s, due_ms, id));
}

int
delivery_forget_misplaced(struct spool *s, uint64_t id, int64_t due_ms)
{
	int rc = turn_begin(s, SPOOL_CHANGE);

	if (rc < 0)
		return rc;
	return turn_end(s, spool_unschedule_misplaced(s, due_ms, id));
}

int
delivery_hold(struct spool *s, uint64_t id, const char *reason)
{
	struct message_state state;
	struct envelope e;
	int rc = turn_begin(s, SPOOL_CHANGE);

	if (rc < 0)
		return rc;
	rc = spool_get(s, id, &e, &state);
	if (rc < 0)
		return finish(s, rc);
	state_hold(&state, reason);
	/* From here on it is not new any more. */
	state.last_attempt_ms = clock_wall_ms();
	rc = spool_set_state(s, id, &state);
	envelope_release(&e);
	state_release(&state);
	return finish(s, rc);
}

int
delivery_hold_damaged(struct spool *s, uint64_t id, int64_t due_ms)
{
	int rc = turn_begin(s, SPOOL_CHANGE);

	if (rc < 0)
		return rc;
	rc = spool_hold_damaged(s, id);
	if (rc == 0 || rc == -ENOENT)
		rc = spool_unschedule(s, due_ms, id);
	return finish(s, rc);
}
