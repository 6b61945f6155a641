/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "spool/field.h"
#include "spool/record.h"

static const char magic[16] = "mini-sendmail\0\0\1";
_Static_assert(RECORD_FORMAT == 1, "the last byte of magic");

enum {
	IDENTITY_INODE = 1,
	IDENTITY_SITE = 2,
	IDENTITY_FILE_INODE = 3,
	IDENTITY_COPIED_TO = 4,

	SETTINGS_MESSAGE_BYTES_MAX = 1,
	SETTINGS_RECIPIENTS_MAX = 2,
	SETTINGS_QUOTA_BYTES = 3,
	SETTINGS_IS_BLOCKED = 4,
	SETTINGS_DOMAIN = 5,
	SETTINGS_RELAY_BYTES_MAX = 6,
	SETTINGS_IS_RELAY_KNOWN = 7,
	SETTINGS_REFUSE_UNTIL = 8,

	COUNTERS_LAST_ID = 1,
	COUNTERS_BYTES = 2,
	COUNTERS_BY_PHASE = 3,
	COUNTERS_IS_DOUBTFUL = 4,

	STATE_PHASE = 1,
	STATE_ATTEMPTS = 2,
	STATE_AMBIGUOUS_DOTS = 3,
	STATE_DUE = 4,
	STATE_LAST_ATTEMPT = 5,
	STATE_REASON = 6,
	STATE_RECIPIENT = 7,
	STATE_AGE = 8,
	STATE_BOOT = 9,
	STATE_BOOT_TIME = 10,
	STATE_IS_DELAY_REPORTED = 11,
};

const struct spool_settings spool_settings_default = {
    .message_bytes_max = UINT64_C(50) << 20,
    .relay_bytes_max = 10240000, /* postfix's default */
    .recipients_max = 1000,
    .quota_bytes = UINT64_C(1) << 30,
};

/* ---- identity, settings, counters ---------------------------------- */

void
record_encode_identity(const struct spool_identity *i, struct buf *out)
{
	buf_add(out, magic, sizeof(magic));
	field_add_number(out, IDENTITY_INODE, i->directory_inode);
	field_add_number(out, IDENTITY_FILE_INODE, i->file_inode);
	field_add_number(out, IDENTITY_COPIED_TO, i->copied_to_id);
	field_add_text(out, IDENTITY_SITE, i->site);
}

static int
take_identity(const struct field *f, void *record)
{
	struct spool_identity *i = record;
	int rc;

	switch (f->tag) {
	case IDENTITY_INODE:
		return field_number(f, UINT64_MAX, &i->directory_inode);
	case IDENTITY_FILE_INODE:
		return field_number(f, UINT64_MAX, &i->file_inode);
	case IDENTITY_COPIED_TO:
		return field_number(f, UINT64_MAX, &i->copied_to_id);
	case IDENTITY_SITE:
		rc = field_check_text(f, RECORD_DOMAIN_MAX);
		if (rc == 0)
			i->site = alloc_copy(f->data, f->len);
		return rc;
	default:
		return -EBADMSG;
	}
}

int
record_decode_identity(const char *data, size_t len, struct spool_identity *i)
{
	static const struct field_layout layout = {
	    .required = FIELD_SEEN(IDENTITY_INODE) | FIELD_SEEN(IDENTITY_SITE) |
			FIELD_SEEN(IDENTITY_FILE_INODE) |
			FIELD_SEEN(IDENTITY_COPIED_TO),
	    .take = take_identity,
	};
	struct spool_identity got = {0};
	int rc;

	if (len < sizeof(magic) || memcmp(data, magic, sizeof(magic)) != 0)
		return -EBADMSG;
	rc = field_take_all(
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
	field_add_number(out, SETTINGS_MESSAGE_BYTES_MAX, s->message_bytes_max);
	field_add_number(out, SETTINGS_RECIPIENTS_MAX, s->recipients_max);
	field_add_number(out, SETTINGS_QUOTA_BYTES, s->quota_bytes);
	field_add_number(out, SETTINGS_IS_BLOCKED, s->is_blocked);
	field_add_number(out, SETTINGS_RELAY_BYTES_MAX, s->relay_bytes_max);
	field_add_number(out, SETTINGS_IS_RELAY_KNOWN, s->is_relay_known);
	field_add_text(out, SETTINGS_DOMAIN, s->domain);
	if (s->refuse_until_ms > 0)
		field_add_number(
		    out, SETTINGS_REFUSE_UNTIL, (uint64_t)s->refuse_until_ms);
}

static int
take_setting(const struct field *f, void *record)
{
	struct spool_settings *s = record;
	int rc;

	switch (f->tag) {
	case SETTINGS_MESSAGE_BYTES_MAX:
		return field_number(f, UINT64_MAX, &s->message_bytes_max);
	case SETTINGS_RECIPIENTS_MAX:
		return field_number(f, UINT64_MAX, &s->recipients_max);
	case SETTINGS_QUOTA_BYTES:
		return field_number(f, UINT64_MAX, &s->quota_bytes);
	case SETTINGS_IS_BLOCKED:
		return field_flag(f, &s->is_blocked);
	case SETTINGS_RELAY_BYTES_MAX:
		return field_number(f, UINT64_MAX, &s->relay_bytes_max);
	case SETTINGS_IS_RELAY_KNOWN:
		return field_flag(f, &s->is_relay_known);
	case SETTINGS_REFUSE_UNTIL:
		rc = field_time(f, &s->refuse_until_ms);
		return rc == 0 && s->refuse_until_ms == 0 ? -EBADMSG : rc;
	case SETTINGS_DOMAIN:
		rc = field_check_text(f, RECORD_DOMAIN_MAX);
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
	static const struct field_layout layout = {
	    .required = FIELD_SEEN(SETTINGS_MESSAGE_BYTES_MAX) |
			FIELD_SEEN(SETTINGS_RECIPIENTS_MAX) |
			FIELD_SEEN(SETTINGS_QUOTA_BYTES) |
			FIELD_SEEN(SETTINGS_IS_BLOCKED) |
			FIELD_SEEN(SETTINGS_DOMAIN) |
			FIELD_SEEN(SETTINGS_RELAY_BYTES_MAX) |
			FIELD_SEEN(SETTINGS_IS_RELAY_KNOWN),
	    .optional = FIELD_SEEN(SETTINGS_REFUSE_UNTIL),
	    .take = take_setting,
	};
	struct spool_settings got = {0};
	int rc = field_take_all(data, len, &layout, &got);

	if (rc == 0)
		*s = got;
	return rc;
}

void
record_encode_counters(const struct spool_counters *c, struct buf *out)
{
	unsigned char by_phase[PHASE_COUNT * 8];

	field_add_number(out, COUNTERS_LAST_ID, c->last_id);
	field_add_number(out, COUNTERS_BYTES, c->bytes);
	for (int i = 0; i < PHASE_COUNT; i++)
		bytes_put_be64(by_phase + i * 8, c->count[i]);
	field_add(out, COUNTERS_BY_PHASE, by_phase, sizeof(by_phase));
	field_add_number(out, COUNTERS_IS_DOUBTFUL, c->is_doubtful);
}

static int
take_counter(const struct field *f, void *record)
{
	struct spool_counters *c = record;

	if (f->tag == COUNTERS_LAST_ID)
		return field_number(f, UINT64_MAX, &c->last_id);
	if (f->tag == COUNTERS_BYTES)
		return field_number(f, UINT64_MAX, &c->bytes);
	if (f->tag == COUNTERS_IS_DOUBTFUL)
		return field_flag(f, &c->is_doubtful);
	if (f->len != PHASE_COUNT * 8)
		return -EBADMSG;
	for (int i = 0; i < PHASE_COUNT; i++)
		c->count[i] = bytes_get_be64(f->data + i * 8);
	return 0;
}

int
record_decode_counters(const char *data, size_t len, struct spool_counters *c)
{
	static const struct field_layout layout = {
	    .required = FIELD_SEEN(COUNTERS_LAST_ID) |
			FIELD_SEEN(COUNTERS_BYTES) |
			FIELD_SEEN(COUNTERS_BY_PHASE) |
			FIELD_SEEN(COUNTERS_IS_DOUBTFUL),
	    .take = take_counter,
	};
	struct spool_counters got = {0};
	int rc = field_take_all(data, len, &layout, &got);

	if (rc == 0)
		*c = got;
	return rc;
}

/* ---- state --------------------------------------------------------- */

static void
add_unless_0(struct buf *out, int tag, uint64_t value)
{
	if (value != 0)
		field_add_number(out, tag, value);
}

void
record_encode_state(const struct message_state *s, struct buf *out)
{
	struct buf one = BUF_INIT;

	field_add_number(out, STATE_PHASE, s->phase);
	field_add_number(out, STATE_ATTEMPTS, s->attempts);
	field_add_number(out, STATE_AMBIGUOUS_DOTS, s->ambiguous_dots);
	field_add_number(out, STATE_DUE, (uint64_t)s->due_ms);
	field_add_number(out, STATE_LAST_ATTEMPT, (uint64_t)s->last_attempt_ms);
	add_unless_0(out, STATE_AGE, (uint64_t)s->age_ms);
	add_unless_0(out, STATE_BOOT, s->last_attempt_boot_id);
	add_unless_0(out, STATE_BOOT_TIME, (uint64_t)s->last_attempt_boot_ms);
	add_unless_0(out, STATE_IS_DELAY_REPORTED, s->is_delay_reported);
	if (s->reason)
		field_add_text(out, STATE_REASON, s->reason);
	for (size_t i = 0; i < s->recipient_count; i++) {
		const struct recipient_state *r = &s->recipients[i];

		buf_clear(&one);
		buf_add_char(&one, (char)r->status);
		if (r->reply)
			buf_add_str(&one, r->reply);
		field_add(out, STATE_RECIPIENT, one.data, one.len);
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
		rc = field_number(f, PHASE_COUNT - 1, &phase);
		s->phase = (enum message_phase)phase;
		return rc;
	case STATE_ATTEMPTS:
		return field_number32(f, UINT32_MAX, &s->attempts);
	case STATE_AMBIGUOUS_DOTS:
		return field_number32(f, UINT32_MAX, &s->ambiguous_dots);
	case STATE_DUE:
		return field_time(f, &s->due_ms);
	case STATE_LAST_ATTEMPT:
		return field_time(f, &s->last_attempt_ms);
	case STATE_REASON:
		rc = field_check_text(f, STATE_REASON_MAX);
		if (rc == 0)
			s->reason = alloc_copy(f->data, f->len);
		return rc;
	case STATE_AGE:
		return field_time(f, &s->age_ms);
	case STATE_BOOT:
		return field_number(f, UINT64_MAX, &s->last_attempt_boot_id);
	case STATE_BOOT_TIME:
		return field_time(f, &s->last_attempt_boot_ms);
	case STATE_IS_DELAY_REPORTED:
		return field_flag(f, &s->is_delay_reported);
	case STATE_RECIPIENT:
		return take_recipient(f, s);
	default:
		return -EBADMSG;
	}
}

int
record_decode_state(const char *data, size_t len, struct message_state *s)
{
	static const struct field_layout layout = {
	    .required = FIELD_SEEN(STATE_PHASE) | FIELD_SEEN(STATE_ATTEMPTS) |
			FIELD_SEEN(STATE_AMBIGUOUS_DOTS) |
			FIELD_SEEN(STATE_DUE) | FIELD_SEEN(STATE_LAST_ATTEMPT) |
			FIELD_SEEN(STATE_RECIPIENT),
	    .optional = FIELD_SEEN(STATE_REASON) | FIELD_SEEN(STATE_AGE) |
			FIELD_SEEN(STATE_BOOT) | FIELD_SEEN(STATE_BOOT_TIME) |
			FIELD_SEEN(STATE_IS_DELAY_REPORTED),
	    .repeated = FIELD_SEEN(STATE_RECIPIENT),
	    .take = take_state,
	};
	struct message_state got = {0};
	int rc = field_take_all(data, len, &layout, &got);

	if (rc == 0 && (got.phase == PHASE_HELD) != (got.reason != NULL))
		rc = -EBADMSG;
	if (rc < 0)
		state_release(&got);
	else
		*s = got;
	return rc;
}
