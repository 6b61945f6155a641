/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/report.h"
#include "mail/report_text.h"

enum {
	REPLY_SHOWN_MAX = 512,
	/* With so many recipients less is said of each. */
	RECIPIENTS_MANY = 500,
	REPLY_SHOWN_OF_MANY = 80,
	LISTED_MAX = 100, /* for people; programs get all */
	MESSAGE_ID_MAX = 250,
};

const char *const report_action_names[REPORT_ACTION_COUNT] = {
    [REPORT_FAILED] = "failed",
    [REPORT_DELAYED] = "delayed",
    [REPORT_RELAYED] = "relayed",
};

/* What is said of each action; the first that there is names the report. */
static const struct {
	const char *subject;
	const char *words;
	char class; /* of its status codes */
} actions[REPORT_ACTION_COUNT] = {
    [REPORT_FAILED] = {"Undelivered Mail Returned to Sender",
	"Your message could not be delivered to the recipients below, and "
	"nobody tries it any more.",
	'5'},
    [REPORT_DELAYED] = {"Delayed Mail (still being tried)",
	"Your message could not yet be delivered to the recipients below. It "
	"is still being tried; you need not send it again.",
	'4'},
    [REPORT_RELAYED] = {"Mail Was Passed On",
	"Your message was given to the next mail server for the recipients "
	"below. That server does not report when it delivers.",
	'2'},
};

/* Names of the parts, without and with SMTPUTF8 (RFC 6522, RFC 6533). */
static const struct {
	const char *status, *header, *message;
} types[] = {
    {"message/delivery-status", "text/rfc822-headers", "message/rfc822"},
    {"message/global-delivery-status", "message/global-headers",
	"message/global"},
};

bool
report_is_utf8(const struct report *r)
{
	if (r->envelope->is_smtputf8 || address_is_utf8(r->to, strlen(r->to)))
		return true;
	for (size_t i = 0; i < r->recipient_count; i++) {
		const char *a = r->recipients[i].recipient->address;

		if (address_is_utf8(a, strlen(a)))
			return true;
	}
	return false;
}

static size_t
count_of(const struct report *r, enum report_action action)
{
	size_t count = 0;

	for (size_t i = 0; i < r->recipient_count; i++)
		count += r->recipients[i].action == action;
	return count;
}

/* ---- what the relay said ------------------------------------------- */

static size_t
shown_max(const struct report *r)
{
	return r->recipient_count > RECIPIENTS_MANY ? REPLY_SHOWN_OF_MANY
						    : REPLY_SHOWN_MAX;
}

/* True if it begins with the code of a reply: the relay's own words. */
static bool
is_from_relay(const char *reply)
{
	return isdigit((unsigned char)reply[0]) &&
	       isdigit((unsigned char)reply[1]) &&
	       isdigit((unsigned char)reply[2]) && reply[3] == ' ';
}

/* Bytes of the enhanced status code (RFC 3463) that p begins with, or 0. */
static size_t
status_len(const char *p)
{
	size_t len = 1;

	if (!strchr("245", p[0]) || p[0] == '\0')
		return 0;
	for (int part = 0; part < 2; part++) {
		const size_t dot = len;

		if (p[len++] != '.')
			return 0;
		while (isdigit((unsigned char)p[len]) && len - dot <= 3)
			len++;
		if (len == dot + 1)
			return 0;
	}
	return p[len] == ' ' || p[len] == '\0' ? len : 0;
}

/*
 * The code that the reply has, if it is one for this action. What has expired
 * failed with a 4 (RFC 3463 section 2, X.4.7), which we say ourselves.
 */
static void
add_status(struct buf *b, const struct report_recipient *r)
{
	const char class = actions[r->action].class;
	const char *p = r->reply ? r->reply : "";
	const bool is_relays = is_from_relay(p);
	size_t len;

	p += is_relays ? 4 : 0;
	len = status_len(p);
	buf_add_str(b, "Status: ");
	if (len > 0 && (*p == class || (!is_relays && *p == '4')))
		buf_add(b, p, len);
	else
		buf_add_format(b, "%c.0.0", class);
	buf_add_char(b, '\n');
}

/* RFC 3464 section 2.1.2: a name, or an address in brackets. */
static void
add_relay(struct buf *b, const char *relay)
{
	const char *colon = strrchr(relay, ':');
	const int len = (int)(colon ? colon - relay : (int)strlen(relay));

	if (*relay == '[')
		buf_add_format(b, "[IPv6:%.*s", len - 1, relay + 1);
	else if (isdigit((unsigned char)*relay))
		buf_add_format(b, "[%.*s]", len, relay);
	else
		buf_add_format(b, "%.*s", len, relay);
}

/* ---- the header ---------------------------------------------------- */

/* The message's own, if it can stand in a field of ours. */
static void
add_references(const struct report *r, struct buf *out)
{
	struct header_cursor c = {r->text, r->text_len};
	struct header_field f;

	while (header_next(&c, &f)) {
		const char *p = f.value;
		size_t len = f.value_len;

		if (!header_is(&f, "Message-ID"))
			continue;
		while (len > 0 && (*p == ' ' || *p == '\t'))
			p++, len--;
		if (len < 3 || len > MESSAGE_ID_MAX || p[0] != '<' ||
		    p[len - 1] != '>')
			return;
		for (size_t i = 0; i < len; i++)
			if (p[i] <= ' ' || p[i] > '~')
				return;
		buf_add_format(out, "In-Reply-To: %.*s\nReferences: %.*s\n",
		    (int)len, p, (int)len, p);
		return;
	}
}

static const char *
subject(const struct report *r)
{
	int action = 0;

	while (count_of(r, (enum report_action)action) == 0)
		action++;
	return actions[action].subject;
}

static void
add_header(
    const struct report *r, const char *boundary, bool is_8bit, struct buf *out)
{
	char date[CLOCK_TEXT_MAX];

	buf_add_format(out,
	    "From: Mail Delivery System <MAILER-DAEMON@%s>\nTo: <", r->host);
	report_add_safe(out, r->to, SIZE_MAX, report_is_utf8(r));
	buf_add_format(out, ">\nSubject: %s\nDate: %s\n", subject(r),
	    clock_rfc5322(r->now_ms, date));
	buf_add_format(out, "Message-ID: <%s.%jd.report@%s>\n", r->id,
	    (intmax_t)r->now_ms, r->host);
	add_references(r, out);
	buf_add_format(out,
	    "Auto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\n"
	    "\tboundary=\"%s\"\n",
	    boundary);
	if (is_8bit)
		buf_add_str(out, "Content-Transfer-Encoding: 8bit\n");
	buf_add_char(out, '\n');
}

/* ---- for people ---------------------------------------------------- */

static void
add_listed(
    const struct report *r, const struct report_recipient *one, struct buf *out)
{
	const bool is_utf8 = report_is_utf8(r);
	struct buf line = BUF_INIT;

	buf_add_char(&line, '<');
	report_add_safe(&line, one->recipient->address, SIZE_MAX, is_utf8);
	buf_add_str(&line, ">");
	if (one->reply) {
		buf_add_str(&line, ": ");
		if (is_from_relay(one->reply)) {
			buf_add_str(&line, "the mail server ");
			add_relay(&line, r->relay);
			buf_add_str(&line, " said: ");
		}
		report_add_safe(&line, one->reply, shown_max(r), is_utf8);
	}
	report_add_wrapped(out, "", "    ", line.data);
	buf_release(&line);
}

static void
add_list(const struct report *r, enum report_action action, struct buf *out)
{
	size_t count = 0;

	if (count_of(r, action) == 0)
		return;
	buf_add_char(out, '\n');
	report_add_wrapped(out, "", "", actions[action].words);
	for (size_t i = 0; i < r->recipient_count; i++) {
		if (r->recipients[i].action != action || count++ >= LISTED_MAX)
			continue;
		buf_add_char(out, '\n');
		add_listed(r, &r->recipients[i], out);
	}
	if (count > LISTED_MAX)
		buf_add_format(out, "\n... and %ju more\n",
		    (uintmax_t)(count - LISTED_MAX));
}

static bool
brings_all(const struct report *r)
{
	return r->envelope->ret == RET_FULL && r->is_whole &&
	       r->text_len <= REPORT_MESSAGE_MAX;
}

static void
add_words(const struct report *r, struct buf *out)
{
	buf_add_format(out,
	    "This is the mail system at %s.\n"
	    "It has your message as %s.\n",
	    r->host, r->id);
	for (int action = 0; action < REPORT_ACTION_COUNT; action++)
		add_list(r, (enum report_action)action, out);
	if (r->envelope->ret == RET_FULL && !brings_all(r))
		buf_add_str(out, "\nThe message is too long to be returned; "
				 "this is its header.\n");
}

/* ---- for programs -------------------------------------------------- */

static void
add_date(struct buf *out, const char *name, int64_t wall_ms)
{
	char date[CLOCK_TEXT_MAX];

	buf_add_format(out, "%s: %s\n", name, clock_rfc5322(wall_ms, date));
}

static void
add_diagnostic(const char *reply, size_t max, bool is_utf8, struct buf *out)
{
	struct buf line = BUF_INIT;

	buf_add_str(&line, is_from_relay(reply) ? "smtp; " : "X-flushd; ");
	report_add_safe(&line, reply, max, is_utf8);
	report_add_wrapped(out, "Diagnostic-Code: ", "    ", line.data);
	buf_release(&line);
}

/* RFC 3464 section 2.3. */
static void
add_group(const struct report *r, const struct report_recipient *one,
    bool is_utf8, struct buf *out)
{
	buf_add_char(out, '\n');
	if (one->recipient->original)
		buf_add_format(
		    out, "Original-Recipient: %s\n", one->recipient->original);
	buf_add_format(
	    out, "Final-Recipient: %s; ", is_utf8 ? "utf-8" : "rfc822");
	report_add_safe(out, one->recipient->address, SIZE_MAX, is_utf8);
	buf_add_format(out, "\nAction: %s\n", report_action_names[one->action]);
	add_status(out, one);
	buf_add_str(out, "Remote-MTA: dns; ");
	add_relay(out, r->relay);
	buf_add_char(out, '\n');
	if (one->reply)
		add_diagnostic(one->reply, shown_max(r), is_utf8, out);
	add_date(out, "Last-Attempt-Date", r->now_ms);
	if (one->action == REPORT_DELAYED)
		add_date(out, "Will-Retry-Until", r->retry_until_ms);
}

/* RFC 3464 section 2.2, then a group for each recipient. */
static void
add_status_part(const struct report *r, bool is_utf8, struct buf *out)
{
	if (r->envelope->envid)
		buf_add_format(
		    out, "Original-Envelope-Id: %s\n", r->envelope->envid);
	buf_add_format(out, "Reporting-MTA: dns; %s\n", r->host);
	buf_add_format(out, "X-Queue-ID: %s\n", r->id);
	add_date(out, "Arrival-Date", r->envelope->submitted_ms);
	for (size_t i = 0; i < r->recipient_count; i++)
		add_group(r, &r->recipients[i], is_utf8, out);
}

/* ---- what is brought back ------------------------------------------ */

/* Up to the empty line, or to the last whole line that there is room for. */
static size_t
header_len(const struct report *r)
{
	const size_t max =
	    r->text_len < REPORT_HEADER_MAX ? r->text_len : REPORT_HEADER_MAX;
	size_t len = 0;

	while (len < max && r->text[len] != '\n') {
		const char *lf = memchr(r->text + len, '\n', max - len);

		if (!lf)
			return len > 0 ? len : max;
		len = (size_t)(lf - r->text) + 1;
	}
	return len;
}

/* ---- the whole ----------------------------------------------------- */

static void
add_part(struct buf *out, const char *boundary, const char *type,
    const char *description, const struct buf *content)
{
	buf_add_format(out, "--%s\nContent-Description: %s\nContent-Type: %s\n",
	    boundary, description, type);
	if (report_is_8bit(content))
		buf_add_str(out, "Content-Transfer-Encoding: 8bit\n");
	buf_add_char(out, '\n');
	buf_add(out, content->data, content->len);
	if (content->len == 0 || content->data[content->len - 1] != '\n')
		buf_add_char(out, '\n');
	/* This line end belongs to the boundary behind it. */
	buf_add_char(out, '\n');
}

/* No line of what is brought back may look like one of ours. */
static void
make_boundary(
    const struct report *r, const struct buf *original, struct buf *boundary)
{
	for (unsigned int n = 0;; n++) {
		buf_clear(boundary);
		buf_add_format(
		    boundary, "=_%s.%jd.%u", r->id, (intmax_t)r->now_ms, n);
		if (!memmem(original->data, original->len, boundary->data,
			boundary->len))
			return;
	}
}

void
report_compose(const struct report *r, struct buf *out)
{
	const bool is_utf8 = report_is_utf8(r);
	const bool is_full = brings_all(r);
	struct buf boundary = BUF_INIT;
	struct buf words = BUF_INIT;
	struct buf status = BUF_INIT;
	struct buf original = BUF_INIT;

	add_words(r, &words);
	add_status_part(r, is_utf8, &status);
	report_add_lines(
	    &original, r->text, is_full ? r->text_len : header_len(r));
	make_boundary(r, &original, &boundary);
	add_header(r, boundary.data,
	    report_is_8bit(&words) || report_is_8bit(&status) ||
		report_is_8bit(&original),
	    out);
	add_part(out, boundary.data,
	    is_utf8 ? "text/plain; charset=utf-8"
		    : "text/plain; charset=us-ascii",
	    "Notification", &words);
	add_part(out, boundary.data, types[is_utf8].status, "Delivery report",
	    &status);
	add_part(out, boundary.data,
	    is_full ? types[is_utf8].message : types[is_utf8].header,
	    is_full ? "Your message" : "Header of your message", &original);
	buf_add_format(out, "--%s--\n", boundary.data);
	buf_release(&boundary);
	buf_release(&words);
	buf_release(&status);
	buf_release(&original);
}
