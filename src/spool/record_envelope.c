/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "base/alloc.h"
#include "mail/address.h"
#include "spool/field.h"
#include "spool/record.h"

enum {
	ENVELOPE_SENDER = 1,
	ENVELOPE_RECIPIENT = 2,
	ENVELOPE_SUBMITTED = 3,
	ENVELOPE_TEXT_LEN = 4,
	ENVELOPE_UID = 5,
	ENVELOPE_PID = 6,
	ENVELOPE_NOTIFY = 7,
	ENVELOPE_ORIGINAL = 8,
	ENVELOPE_BODY = 9,
	ENVELOPE_RET = 10,
	ENVELOPE_ENVID = 11,
	ENVELOPE_IS_SMTPUTF8 = 12,
	ENVELOPE_PPID = 13,
	ENVELOPE_CWD = 14,
	ENVELOPE_ARGV = 15,
	ENVELOPE_SCRIPT = 16,
};

/* ---- encode -------------------------------------------------------- */

static void
add_text_if_known(struct buf *out, int tag, const char *text)
{
	if (text)
		field_add_text(out, tag, text);
}

static void
add_number_if_known(struct buf *out, int tag, uint64_t value)
{
	if (value != 0)
		field_add_number(out, tag, value);
}

void
record_encode_envelope(const struct envelope *e, struct buf *out)
{
	field_add_text(out, ENVELOPE_SENDER, e->sender);
	for (size_t i = 0; i < e->recipient_count; i++) {
		const struct recipient *r = &e->recipients[i];

		field_add_text(out, ENVELOPE_RECIPIENT, r->address);
		add_number_if_known(out, ENVELOPE_NOTIFY, r->notify);
		add_text_if_known(out, ENVELOPE_ORIGINAL, r->original);
	}
	field_add_number(out, ENVELOPE_SUBMITTED, (uint64_t)e->submitted_ms);
	field_add_number(out, ENVELOPE_TEXT_LEN, e->text_len);
	field_add_number(out, ENVELOPE_UID, e->submitter.uid);
	field_add_number(out, ENVELOPE_PID, e->submitter.pid);
	add_number_if_known(out, ENVELOPE_BODY, e->body);
	add_number_if_known(out, ENVELOPE_RET, e->ret);
	add_text_if_known(out, ENVELOPE_ENVID, e->envid);
	add_number_if_known(out, ENVELOPE_IS_SMTPUTF8, e->is_smtputf8);
	add_number_if_known(out, ENVELOPE_PPID, e->submitter.ppid);
	add_text_if_known(out, ENVELOPE_CWD, e->submitter.cwd);
	add_text_if_known(out, ENVELOPE_ARGV, e->submitter.argv);
	add_text_if_known(out, ENVELOPE_SCRIPT, e->submitter.script);
}

/* ---- decode -------------------------------------------------------- */

/*
 * Nobody writes a recipient twice. To read it would cost a hostile spool
 * nothing and us a comparison with all others for every copy.
 */
static int
take_recipient(const struct field *f, struct envelope *e)
{
	const size_t count = e->recipient_count;

	if (count >= ENVELOPE_RECIPIENTS_MAX ||
	    !address_is_valid(f->data, f->len))
		return -EBADMSG;
	envelope_add_recipient(e, f->data, f->len);
	return e->recipient_count > count ? 0 : -EBADMSG;
}

/* A parameter of the recipient before it, which has it only once. */
static int
take_recipient_parameter(const struct field *f, struct envelope *e)
{
	struct recipient *r;
	uint32_t notify = 0;
	int rc;

	if (e->recipient_count == 0)
		return -EBADMSG;
	r = &e->recipients[e->recipient_count - 1];
	if (f->tag == ENVELOPE_ORIGINAL)
		return r->original ||
			       recipient_set_original(r, f->data, f->len) < 0
			   ? -EBADMSG
			   : 0;
	rc = field_number32(f, UINT32_MAX, &notify);
	if (rc == 0 && (r->notify || recipient_set_notify(r, notify) < 0))
		rc = -EBADMSG;
	return rc;
}

static int
take_message_parameter(const struct field *f, struct envelope *e)
{
	uint32_t value = 0;
	int rc;

	switch (f->tag) {
	case ENVELOPE_BODY:
		rc = field_number32(f, BODY_COUNT - 1, &value);
		e->body = (enum parameter_body)value;
		return rc;
	case ENVELOPE_RET:
		rc = field_number32(f, RET_COUNT - 1, &value);
		e->ret = (enum parameter_ret)value;
		return rc;
	case ENVELOPE_ENVID:
		return envelope_set_envid(e, f->data, f->len) < 0 ? -EBADMSG
								  : 0;
	case ENVELOPE_IS_SMTPUTF8:
		return field_flag(f, &e->is_smtputf8);
	default:
		return -EBADMSG;
	}
}

static int
take_text(const struct field *f, size_t max, char **text)
{
	int rc = field_check_text(f, max);

	if (rc == 0)
		*text = alloc_copy(f->data, f->len);
	return rc;
}

static int
take_submitter(const struct field *f, struct submitter *s)
{
	switch (f->tag) {
	case ENVELOPE_UID:
		return field_number32(f, UINT32_MAX, &s->uid);
	case ENVELOPE_PID:
		return field_number32(f, UINT32_MAX, &s->pid);
	case ENVELOPE_PPID:
		return field_number32(f, UINT32_MAX, &s->ppid);
	case ENVELOPE_CWD:
		return take_text(f, SUBMITTER_CWD_MAX, &s->cwd);
	case ENVELOPE_ARGV:
		return take_text(f, SUBMITTER_ARGV_MAX, &s->argv);
	case ENVELOPE_SCRIPT:
		return take_text(f, SUBMITTER_SCRIPT_MAX, &s->script);
	default:
		return -EBADMSG;
	}
}

static int
take_envelope(const struct field *f, void *record)
{
	struct envelope *e = record;

	switch (f->tag) {
	case ENVELOPE_SENDER:
		if (f->len > 0 && !address_is_valid(f->data, f->len))
			return -EBADMSG;
		envelope_set_sender(e, f->data, f->len);
		return 0;
	case ENVELOPE_RECIPIENT:
		return take_recipient(f, e);
	case ENVELOPE_NOTIFY:
	case ENVELOPE_ORIGINAL:
		return take_recipient_parameter(f, e);
	case ENVELOPE_SUBMITTED:
		return field_time(f, &e->submitted_ms);
	case ENVELOPE_TEXT_LEN:
		return field_number(f, UINT64_MAX, &e->text_len);
	case ENVELOPE_BODY:
	case ENVELOPE_RET:
	case ENVELOPE_ENVID:
	case ENVELOPE_IS_SMTPUTF8:
		return take_message_parameter(f, e);
	default:
		return take_submitter(f, &e->submitter);
	}
}

int
record_decode_envelope(const char *data, size_t len, struct envelope *e)
{
	static const struct field_layout layout = {
	    .required =
		FIELD_SEEN(ENVELOPE_SENDER) | FIELD_SEEN(ENVELOPE_RECIPIENT) |
		FIELD_SEEN(ENVELOPE_SUBMITTED) | FIELD_SEEN(ENVELOPE_TEXT_LEN) |
		FIELD_SEEN(ENVELOPE_UID) | FIELD_SEEN(ENVELOPE_PID),
	    .optional =
		FIELD_SEEN(ENVELOPE_NOTIFY) | FIELD_SEEN(ENVELOPE_ORIGINAL) |
		FIELD_SEEN(ENVELOPE_BODY) | FIELD_SEEN(ENVELOPE_RET) |
		FIELD_SEEN(ENVELOPE_ENVID) | FIELD_SEEN(ENVELOPE_IS_SMTPUTF8) |
		FIELD_SEEN(ENVELOPE_PPID) | FIELD_SEEN(ENVELOPE_CWD) |
		FIELD_SEEN(ENVELOPE_ARGV) | FIELD_SEEN(ENVELOPE_SCRIPT),
	    .repeated = FIELD_SEEN(ENVELOPE_RECIPIENT) |
			FIELD_SEEN(ENVELOPE_NOTIFY) |
			FIELD_SEEN(ENVELOPE_ORIGINAL),
	    .take = take_envelope,
	};
	struct envelope got;
	int rc;

	envelope_init(&got);
	rc = field_take_all(data, len, &layout, &got);
	if (rc < 0)
		envelope_release(&got);
	else
		*e = got;
	return rc;
}
