/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "mail/address.h"
#include "spool/record.h"

static const char magic[16] = "mini-sendmail\0\0\1";
_Static_assert(RECORD_FORMAT == 1, "the last byte of magic");

enum {
	FIELD_HEAD = 5,	     /* tag:1 length:4 */
	TAG_SKIPPABLE = 128, /* tags from here on may be unknown */

	IDENTITY_INODE = 1,
	IDENTITY_SITE = 2,

	SETTINGS_MESSAGE_BYTES_MAX = 1,
	SETTINGS_RECIPIENTS_MAX = 2,
	SETTINGS_QUOTA_BYTES = 3,
	SETTINGS_IS_BLOCKED = 4,
	SETTINGS_DOMAIN = 5,

	COUNTERS_LAST_ID = 1,
	COUNTERS_BYTES = 2,
	COUNTERS_BY_PHASE = 3,

	ENVELOPE_SENDER = 1,
	ENVELOPE_RECIPIENT = 2,
	ENVELOPE_SUBMITTED = 3,
	ENVELOPE_TEXT_LEN = 4,
	ENVELOPE_UID = 5,
	ENVELOPE_PID = 6,

	STATE_PHASE = 1,
	STATE_ATTEMPTS = 2,
	STATE_AMBIGUOUS_DOTS = 3,
	STATE_DUE = 4,
	STATE_LAST_ATTEMPT = 5,
	STATE_REASON = 6,
	STATE_RECIPIENT = 7,
};

#define SEEN(tag) (UINT32_C(1) << (tag))

const struct spool_settings spool_settings_default = {
    .message_bytes_max = UINT64_C(50) << 20,
    .recipients_max = 1000,
    .quota_bytes = UINT64_C(1) << 30,
};

/* ---- fields -------------------------------------------------------- */

static void
add_field(struct buf *out, int tag, const void *data, size_t len)
{
	unsigned char head[FIELD_HEAD];

	head[0] = (unsigned char)tag;
	bytes_put_be32(head + 1, (uint32_t)len);
	buf_add(out, head, sizeof(head));
	buf_add(out, data, len);
}

static void
add_text(struct buf *out, int tag, const char *text)
{
	add_field(out, tag, text, strlen(text));
}

static void
add_number(struct buf *out, int tag, uint64_t value)
{
	unsigned char bytes[8];

	bytes_put_be64(bytes, value);
	add_field(out, tag, bytes, sizeof(bytes));
}

struct field {
	int tag;
	const char *data;
	size_t len;
};

/* What the fields of a kind of record are. */
struct layout {
	uint32_t required; /* SEEN() of each */
	uint32_t optional;
	int repeated; /* the one that may come more than once; 0: none */
	/* Take a field, of one of these tags, into the record. */
	int (*take)(const struct field *f, void *record);
};

/* Cut the field off the front of what is left. */
static int
cut_field(const char **at, size_t *left, struct field *f)
{
	uint32_t len;

	if (*left < FIELD_HEAD)
		return -EBADMSG;
	len = bytes_get_be32(*at + 1);
	if (len > *left - FIELD_HEAD)
		return -EBADMSG;
	f->tag = (unsigned char)(*at)[0];
	f->data = *at + FIELD_HEAD;
	f->len = len;
	*at += FIELD_HEAD + len;
	*left -= FIELD_HEAD + len;
	return 0;
}

/* Take all fields of a record, which then has each that it must have. */
static int
take_fields(
    const char *data, size_t len, const struct layout *layout, void *record)
{
	uint32_t seen = 0;
	struct field f;
	int rc;

	while (len > 0) {
		rc = cut_field(&data, &len, &f);
		if (rc < 0)
			return rc;
		if (f.tag >= TAG_SKIPPABLE)
			continue;
		if (f.tag >= 32 ||
		    !(SEEN(f.tag) & (layout->required | layout->optional)))
			return -EBADMSG;
		if ((seen & SEEN(f.tag)) && f.tag != layout->repeated)
			return -EBADMSG;
		seen |= SEEN(f.tag);
		rc = layout->take(&f, record);
		if (rc < 0)
			return rc;
	}
	return (seen & layout->required) == layout->required ? 0 : -EBADMSG;
}

static int
get_number(const struct field *f, uint64_t max, uint64_t *value)
{
	uint64_t v;

	if (f->len != 8)
		return -EBADMSG;
	v = bytes_get_be64(f->data);
	if (v > max)
		return -EBADMSG;
	*value = v;
	return 0;
}

static int
get_number32(const struct field *f, uint32_t max, uint32_t *value)
{
	uint64_t v = 0;
	int rc = get_number(f, max, &v);

	if (rc == 0)
		*value = (uint32_t)v;
	return rc;
}

static int
get_time(const struct field *f, int64_t *ms)
{
	uint64_t v = 0;
	int rc = get_number(f, INT64_MAX, &v);

	if (rc == 0)
		*ms = (int64_t)v;
	return rc;
}

/* Text without NUL, of at most max bytes. */
static int
check_text(const struct field *f, size_t max)
{
	if (f->len > max || memchr(f->data, '\0', f->len))
		return -EBADMSG;
	return 0;
}

/* ---- identity, settings, counters ---------------------------------- */

void
record_encode_identity(const struct spool_identity *i, struct buf *out)
{
	buf_add(out, magic, sizeof(magic));
	add_number(out, IDENTITY_INODE, i->directory_inode);
	add_text(out, IDENTITY_SITE, i->site);
}

static int
take_identity(const struct field *f, void *record)
{
	struct spool_identity *i = record;
	int rc;

	if (f->tag == IDENTITY_INODE)
		return get_number(f, UINT64_MAX, &i->directory_inode);
	rc = check_text(f, RECORD_DOMAIN_MAX);
	if (rc == 0)
		i->site = alloc_copy(f->data, f->len);
	return rc;
}

int
record_decode_identity(const char *data, size_t len, struct spool_identity *i)
{
	static const struct layout layout = {
	    .required = SEEN(IDENTITY_INODE) | SEEN(IDENTITY_SITE),
	    .take = take_identity,
	};
	struct spool_identity got = {0};
	int rc;

	if (len < sizeof(magic) || memcmp(data, magic, sizeof(magic)) != 0)
		return -EBADMSG;
	rc = take_fields(
	    data + sizeof(magic), len - sizeof(magic), &layout, &got);
	if (rc < 0)
		free(got.site);
	else
		*i = got;
	return rc;
}

void
record_encode_settings(const struct spool_settings *s, struct buf *out)
{
	add_number(out, SETTINGS_MESSAGE_BYTES_MAX, s->message_bytes_max);
	add_number(out, SETTINGS_RECIPIENTS_MAX, s->recipients_max);
	add_number(out, SETTINGS_QUOTA_BYTES, s->quota_bytes);
	add_number(out, SETTINGS_IS_BLOCKED, s->is_blocked);
	add_text(out, SETTINGS_DOMAIN, s->domain);
}

static int
take_setting(const struct field *f, void *record)
{
	struct spool_settings *s = record;
	uint64_t flag = 0;
	int rc;

	switch (f->tag) {
	case SETTINGS_MESSAGE_BYTES_MAX:
		return get_number(f, UINT64_MAX, &s->message_bytes_max);
	case SETTINGS_RECIPIENTS_MAX:
		return get_number(f, UINT64_MAX, &s->recipients_max);
	case SETTINGS_QUOTA_BYTES:
		return get_number(f, UINT64_MAX, &s->quota_bytes);
	case SETTINGS_IS_BLOCKED:
		rc = get_number(f, 1, &flag);
		s->is_blocked = flag != 0;
		return rc;
	case SETTINGS_DOMAIN:
		rc = check_text(f, RECORD_DOMAIN_MAX);
		if (rc == 0)
			memcpy(s->domain, f->data, f->len);
		return rc;
	default:
		return -EBADMSG;
	}
}

int
record_decode_settings(const char *data, size_t len, struct spool_settings *s)
{
	static const struct layout layout = {
	    .required = SEEN(SETTINGS_MESSAGE_BYTES_MAX) |
			SEEN(SETTINGS_RECIPIENTS_MAX) |
			SEEN(SETTINGS_QUOTA_BYTES) | SEEN(SETTINGS_IS_BLOCKED) |
			SEEN(SETTINGS_DOMAIN),
	    .take = take_setting,
	};
	struct spool_settings got = {0};
	int rc = take_fields(data, len, &layout, &got);

	if (rc == 0)
		*s = got;
	return rc;
}

void
record_encode_counters(const struct spool_counters *c, struct buf *out)
{
	unsigned char by_phase[PHASE_COUNT * 8];

	add_number(out, COUNTERS_LAST_ID, c->last_id);
	add_number(out, COUNTERS_BYTES, c->bytes);
	for (int i = 0; i < PHASE_COUNT; i++)
		bytes_put_be64(by_phase + i * 8, c->count[i]);
	add_field(out, COUNTERS_BY_PHASE, by_phase, sizeof(by_phase));
}

static int
take_counter(const struct field *f, void *record)
{
	struct spool_counters *c = record;

	if (f->tag == COUNTERS_LAST_ID)
		return get_number(f, UINT64_MAX, &c->last_id);
	if (f->tag == COUNTERS_BYTES)
		return get_number(f, UINT64_MAX, &c->bytes);
	if (f->len != PHASE_COUNT * 8)
		return -EBADMSG;
	for (int i = 0; i < PHASE_COUNT; i++)
		c->count[i] = bytes_get_be64(f->data + i * 8);
	return 0;
}

int
record_decode_counters(const char *data, size_t len, struct spool_counters *c)
{
	static const struct layout layout = {
	    .required = SEEN(COUNTERS_LAST_ID) | SEEN(COUNTERS_BYTES) |
			SEEN(COUNTERS_BY_PHASE),
	    .take = take_counter,
	};
	struct spool_counters got = {0};
	int rc = take_fields(data, len, &layout, &got);

	if (rc == 0)
		*c = got;
	return rc;
}

/* ---- envelope ------------------------------------------------------ */

void
record_encode_envelope(const struct envelope *e, struct buf *out)
{
	add_text(out, ENVELOPE_SENDER, e->sender);
	for (size_t i = 0; i < e->recipient_count; i++)
		add_text(out, ENVELOPE_RECIPIENT, e->recipients[i]);
	add_number(out, ENVELOPE_SUBMITTED, (uint64_t)e->submitted_ms);
	add_number(out, ENVELOPE_TEXT_LEN, e->text_len);
	add_number(out, ENVELOPE_UID, e->submitter.uid);
	add_number(out, ENVELOPE_PID, e->submitter.pid);
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
		if (e->recipient_count >= ENVELOPE_RECIPIENTS_MAX ||
		    !address_is_valid(f->data, f->len))
			return -EBADMSG;
		envelope_add_recipient(e, f->data, f->len);
		return 0;
	case ENVELOPE_SUBMITTED:
		return get_time(f, &e->submitted_ms);
	case ENVELOPE_TEXT_LEN:
		return get_number(f, UINT64_MAX, &e->text_len);
	case ENVELOPE_UID:
		return get_number32(f, UINT32_MAX, &e->submitter.uid);
	case ENVELOPE_PID:
		return get_number32(f, UINT32_MAX, &e->submitter.pid);
	default:
		return -EBADMSG;
	}
}

int
record_decode_envelope(const char *data, size_t len, struct envelope *e)
{
	static const struct layout layout = {
	    .required = SEEN(ENVELOPE_SENDER) | SEEN(ENVELOPE_RECIPIENT) |
			SEEN(ENVELOPE_SUBMITTED) | SEEN(ENVELOPE_TEXT_LEN) |
			SEEN(ENVELOPE_UID) | SEEN(ENVELOPE_PID),
	    .repeated = ENVELOPE_RECIPIENT,
	    .take = take_envelope,
	};
	struct envelope got;
	int rc;

	envelope_init(&got);
	rc = take_fields(data, len, &layout, &got);
	if (rc < 0)
		envelope_release(&got);
	else
		*e = got;
	return rc;
}

/* ---- state --------------------------------------------------------- */

void
record_encode_state(const struct message_state *s, struct buf *out)
{
	struct buf one = BUF_INIT;

	add_number(out, STATE_PHASE, s->phase);
	add_number(out, STATE_ATTEMPTS, s->attempts);
	add_number(out, STATE_AMBIGUOUS_DOTS, s->ambiguous_dots);
	add_number(out, STATE_DUE, (uint64_t)s->due_ms);
	add_number(out, STATE_LAST_ATTEMPT, (uint64_t)s->last_attempt_ms);
	if (s->reason)
		add_text(out, STATE_REASON, s->reason);
	for (size_t i = 0; i < s->recipient_count; i++) {
		const struct recipient_state *r = &s->recipients[i];

		buf_clear(&one);
		buf_add_char(&one, (char)r->status);
		if (r->reply)
			buf_add_str(&one, r->reply);
		add_field(out, STATE_RECIPIENT, one.data, one.len);
	}
	buf_release(&one);
}

static int
take_recipient(const struct field *f, struct message_state *s)
{
	size_t count = s->recipient_count;
	struct recipient_state *r;

	if (count >= ENVELOPE_RECIPIENTS_MAX || f->len < 1 ||
	    f->len > 1 + STATE_REPLY_MAX ||
	    (unsigned char)f->data[0] >= RECIPIENT_COUNT ||
	    memchr(f->data + 1, '\0', f->len - 1))
		return -EBADMSG;
	if ((count & (count - 1)) == 0)
		s->recipients = alloc_resize(s->recipients,
		    count ? 2 * count : 1, sizeof(*s->recipients));
	r = &s->recipients[s->recipient_count++];
	r->status = (enum recipient_status)f->data[0];
	r->reply = f->len > 1 ? alloc_copy(f->data + 1, f->len - 1) : NULL;
	return 0;
}

static int
take_state(const struct field *f, void *record)
{
	struct message_state *s = record;
	uint64_t phase = 0;
	int rc;

	switch (f->tag) {
	case STATE_PHASE:
		rc = get_number(f, PHASE_COUNT - 1, &phase);
		s->phase = (enum message_phase)phase;
		return rc;
	case STATE_ATTEMPTS:
		return get_number32(f, UINT32_MAX, &s->attempts);
	case STATE_AMBIGUOUS_DOTS:
		return get_number32(f, UINT32_MAX, &s->ambiguous_dots);
	case STATE_DUE:
		return get_time(f, &s->due_ms);
	case STATE_LAST_ATTEMPT:
		return get_time(f, &s->last_attempt_ms);
	case STATE_REASON:
		rc = check_text(f, STATE_REASON_MAX);
		if (rc == 0)
			s->reason = alloc_copy(f->data, f->len);
		return rc;
	case STATE_RECIPIENT:
		return take_recipient(f, s);
	default:
		return -EBADMSG;
	}
}

int
record_decode_state(const char *data, size_t len, struct message_state *s)
{
	static const struct layout layout = {
	    .required = SEEN(STATE_PHASE) | SEEN(STATE_ATTEMPTS) |
			SEEN(STATE_AMBIGUOUS_DOTS) | SEEN(STATE_DUE) |
			SEEN(STATE_LAST_ATTEMPT) | SEEN(STATE_RECIPIENT),
	    .optional = SEEN(STATE_REASON),
	    .repeated = STATE_RECIPIENT,
	    .take = take_state,
	};
	struct message_state got = {0};
	int rc = take_fields(data, len, &layout, &got);

	if (rc == 0 && (got.phase == PHASE_HELD) != (got.reason != NULL))
		rc = -EBADMSG;
	if (rc < 0)
		state_release(&got);
	else
		*s = got;
	return rc;
}
