/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/log.h"
#include "mail/address.h"
#include "mail/header.h"
#include "sendmail/compose.h"
#include "sendmail/phrase.h"

/* What a field means to us; the order of recipient bits is of no matter. */
enum field_flag {
	FIELD_TO = 1 << 0,	  /* names recipients */
	FIELD_RESENT_TO = 1 << 1, /* names recipients; To does not any more */
	FIELD_REMOVED = 1 << 2,
	FIELD_FROM = 1 << 3,
	FIELD_DATE = 1 << 4,
	FIELD_MESSAGE_ID = 1 << 5,
	FIELD_RESENT = 1 << 6, /* somebody passes on what he was sent */
	FIELD_RESENT_FROM = 1 << 7,
	FIELD_RESENT_DATE = 1 << 8,
	FIELD_RESENT_MESSAGE_ID = 1 << 9,
	FIELD_SCRIPT = 1 << 10, /* PHP names the script that sends this */
};

static const struct {
	const char *name;
	unsigned int flags;
} fields[] = {
    {"To", FIELD_TO},
    {"Cc", FIELD_TO},
    {"Bcc", FIELD_TO | FIELD_REMOVED},
    {"Resent-To", FIELD_RESENT | FIELD_RESENT_TO},
    {"Resent-Cc", FIELD_RESENT | FIELD_RESENT_TO},
    {"Resent-Bcc", FIELD_RESENT | FIELD_RESENT_TO | FIELD_REMOVED},
    {"Resent-From", FIELD_RESENT | FIELD_RESENT_FROM},
    {"Resent-Date", FIELD_RESENT | FIELD_RESENT_DATE},
    {"Resent-Message-ID", FIELD_RESENT | FIELD_RESENT_MESSAGE_ID},
    {"Resent-Sender", FIELD_RESENT},
    {"Resent-Reply-To", FIELD_RESENT},
    {"Return-Path", FIELD_REMOVED},
    {"From", FIELD_FROM},
    {"Date", FIELD_DATE},
    {"Message-ID", FIELD_MESSAGE_ID},
    {"X-PHP-Originating-Script", FIELD_SCRIPT},
};

static unsigned int
field_flags(const struct header_field *f)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (header_is(f, fields[i].name))
			return fields[i].flags;
	}
	return 0;
}

/* A message in the making. */
struct work {
	const struct compose_input *in;
	struct composed *out;
	struct buf *why;
	struct header_cursor start; /* of the header */
	char *kept;		    /* fields that stay, moved together... */
	size_t kept_len;	    /* ...here, behind none that is unread */
	unsigned int present;	    /* flags of all its fields */
	bool has_script;	    /* a field that names it was met */
	size_t found_count;	    /* addresses, those twice there included */
};

/* ---- recipients ---------------------------------------------------------- */

/* Returns the recipient, or NULL beyond the limit. */
static struct recipient *
add_recipient(struct work *w, const char *address, size_t len)
{
	struct recipient *r;

	/* The limit is on what is found, for else time has none. */
	if (w->found_count++ >= ENVELOPE_RECIPIENTS_MAX)
		return NULL;
	r = envelope_add_recipient(&w->out->envelope, address, len);
	if (!r->notify)
		r->notify = w->in->options->notify;
	return r;
}

static void
add_found(void *context, const char *address, size_t len)
{
	add_recipient(context, address, len);
}

static void
add_recipients_of_options(struct work *w)
{
	const struct envelope *given = &w->in->options->envelope;

	for (size_t i = 0; i < given->recipient_count; i++) {
		const struct recipient *from = &given->recipients[i];
		struct recipient *r =
		    add_recipient(w, from->address, strlen(from->address));

		if (r)
			recipient_copy_parameters(r, from);
	}
}

static int
add_recipients_of_field(struct work *w, const struct header_field *f)
{
	if (address_parse_list(f->value, f->value_len, add_found, w) == 0)
		return 0;
	buf_add_format(
	    w->why, "malformed address in %.*s: \"", (int)f->name_len, f->name);
	log_escape(w->why, f->value, f->value_len, 200);
	buf_add_char(w->why, '"');
	return EX_DATAERR;
}

static int
check_recipients(struct work *w)
{
	if (w->found_count > ENVELOPE_RECIPIENTS_MAX) {
		buf_add_format(
		    w->why, "more than %d recipients", ENVELOPE_RECIPIENTS_MAX);
		return EX_UNAVAILABLE;
	}
	if (w->found_count == 0) {
		buf_add_str(w->why,
		    w->in->options->is_recipients_from_header
			? "no recipients in To, Cc or Bcc"
			: "no recipients; option -t takes them from the text");
		return EX_USAGE;
	}
	return 0;
}

/* ---- the header as it came ----------------------------------------------- */

/* Leave out the lines in front that an mbox has there, as postfix does. */
static void
skip_mbox_lines(struct header_cursor *c)
{
	for (;;) {
		const char *lf = memchr(c->at, '\n', c->len);
		const char *p = c->at;
		struct header_cursor field = *c;
		struct header_field f;

		/* "From : joe" is a field, if an obsolete one. */
		if (!lf || header_next(&field, &f))
			return;
		while (*p == '>')
			p++;
		if ((size_t)(lf - p) < 5 || memcmp(p, "From ", 5) != 0)
			return;
		c->len -= (size_t)(lf + 1 - c->at);
		c->at = lf + 1;
	}
}

static void
note_present(struct work *w)
{
	struct header_cursor c = w->start;
	struct header_field f;

	while (header_next(&c, &f))
		w->present |= field_flags(&f);
}

/* PHP writes its field in front of those that the script can add. */
static void
note_script(struct work *w, const struct header_field *f)
{
	const char *value = f->value;
	size_t len = f->value_len;

	if (w->has_script)
		return;
	w->has_script = true;
	while (len > 0 && strchr(" \t\n", *value)) {
		value++;
		len--;
	}
	submitter_set_script(&w->out->envelope.submitter, value, len);
}

static int
take_field(struct work *w, const struct header_field *f)
{
	bool is_resent = w->present & FIELD_RESENT_TO;
	unsigned int flags = field_flags(f);

	if (w->in->options->is_recipients_from_header &&
	    (flags & (is_resent ? FIELD_RESENT_TO : FIELD_TO))) {
		int code = add_recipients_of_field(w, f);

		if (code)
			return code;
	}
	if (flags & FIELD_REMOVED)
		return 0;
	if (flags & FIELD_SCRIPT)
		note_script(w, f);
	if (f->raw_len > COMPOSE_FIELD_MAX) {
		buf_add_str(w->why, "header field \"");
		log_escape(w->why, f->name, f->name_len, 40);
		buf_add_format(
		    w->why, "\" is longer than %d bytes", COMPOSE_FIELD_MAX);
		return EX_DATAERR;
	}
	memmove(w->kept + w->kept_len, f->raw, f->raw_len);
	w->kept_len += f->raw_len;
	return 0;
}

/* Go through the header; *c then stands at what follows. */
static int
take_header(struct work *w, struct header_cursor *c)
{
	struct header_field f;
	int code = 0;

	note_present(w);
	while (code == 0 && header_next(c, &f))
		code = take_field(w, &f);
	return code;
}

/* ---- what is added ------------------------------------------------------- */

static void
set_sender(struct work *w)
{
	const struct identity *id = w->in->identity;
	const char *given = w->in->options->envelope.sender;
	struct buf address = BUF_INIT;

	if (w->in->options->has_sender)
		buf_add_str(&address, given);
	else
		buf_add_format(&address, "%s@%s", id->user.data, id->host.data);
	envelope_set_sender(&w->out->envelope, address.data, address.len);
	buf_release(&address);
}

static void
add_from(struct work *w, const char *prefix)
{
	const struct identity *id = w->in->identity;
	const char *sender = w->out->envelope.sender;
	const char *name = w->in->options->full_name;
	struct buf *b = &w->out->added;
	struct buf phrase = BUF_INIT;

	if (!name)
		name = *sender ? id->name.data : "Mail Delivery System";
	phrase_add(&phrase, name);
	buf_add_format(b, "%sFrom: ", prefix);
	if (phrase.len > 0)
		buf_add_format(b, "%s <", phrase.data);
	if (*sender)
		buf_add_str(b, sender);
	else
		buf_add_format(b, "MAILER-DAEMON@%s", id->host.data);
	buf_add_str(b, phrase.len > 0 ? ">\n" : "\n");
	buf_release(&phrase);
}

static void
add_date(struct work *w, const char *prefix)
{
	char date[CLOCK_TEXT_MAX];

	buf_add_format(&w->out->added, "%sDate: %s\n", prefix,
	    clock_rfc5322(w->in->now_ms, date));
}

static void
add_message_id(struct work *w, const char *prefix)
{
	const struct compose_input *in = w->in;

	/* The prefix within keeps it apart from the other one. */
	buf_add_format(&w->out->added,
	    "%sMessage-ID: <%s%" PRIx64 ".%" PRIx32 ".%016" PRIx64 "@%s>\n",
	    prefix, prefix, (uint64_t)in->now_ms, in->submitter->pid,
	    in->random, in->identity->host.data);
}

/*
 * What RFC 5322 asks for (sections 3.6 and 3.6.6), and what tells two copies of
 * one message from two messages: the relay would make up others each time.
 */
static void
add_missing(struct work *w)
{
	static const char resent[] = "Resent-";

	if (!(w->present & FIELD_FROM))
		add_from(w, "");
	if (!(w->present & FIELD_DATE))
		add_date(w, "");
	if (!(w->present & FIELD_MESSAGE_ID))
		add_message_id(w, "");
	if (!(w->present & FIELD_RESENT))
		return;
	if (!(w->present & FIELD_RESENT_FROM))
		add_from(w, resent);
	if (!(w->present & FIELD_RESENT_DATE))
		add_date(w, resent);
	if (!(w->present & FIELD_RESENT_MESSAGE_ID))
		add_message_id(w, resent);
}

/* ---- all of it ----------------------------------------------------------- */

static void
add_piece(struct composed *out, const char *data, size_t len)
{
	if (len == 0)
		return;
	out->pieces[out->piece_count++] = (struct spool_piece){data, len};
	out->envelope.text_len += len;
}

int
compose(const struct compose_input *in, struct composed *out, struct buf *why)
{
	struct work w = {.in = in, .out = out, .why = why};
	struct header_cursor c = {in->text, in->len};
	int code;

	*out = (struct composed){.added = BUF_INIT};
	envelope_init(&out->envelope);
	out->envelope.submitted_ms = in->now_ms;
	submitter_copy(&out->envelope.submitter, in->submitter);
	envelope_copy_parameters(&out->envelope, &in->options->envelope);
	skip_mbox_lines(&c);
	w.start = c;
	w.kept = in->text;
	add_recipients_of_options(&w);
	code = take_header(&w, &c);
	if (code == 0)
		code = check_recipients(&w);
	if (code)
		return code;
	set_sender(&w);
	add_missing(&w);
	/* A line that is no field ended the header: we and the relay must
	 * agree on that. */
	if (c.len > 0 && *c.at != '\n')
		buf_add_char(&out->added, '\n');
	add_piece(out, w.kept, w.kept_len);
	add_piece(out, out->added.data, out->added.len);
	add_piece(out, c.at, c.len);
	return 0;
}

void
compose_release(struct composed *out)
{
	envelope_release(&out->envelope);
	buf_release(&out->added);
	out->piece_count = 0;
}
