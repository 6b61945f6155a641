/* SPDX-License-Identifier: ISC */
/*
 * The records of a spool: the first byte chooses the kind, the rest is one.
 * What is damaged leaves no trace; what is taken was taken whole, comes out of
 * the encoder as it went in, and could be sent to a relay.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "fuzz/fuzz.h"
#include "mail/address.h"
#include "spool/record.h"

union record {
	struct spool_identity identity;
	struct spool_settings settings;
	struct spool_counters counters;
	struct envelope envelope;
	struct message_state state;
};

struct kind {
	size_t magic_len;   /* bytes in front of the fields */
	uint32_t none_if_0; /* tags, as bits, of numbers not written if 0 */
	int (*decode)(const char *data, size_t len, union record *r);
	void (*encode)(const union record *r, struct buf *out);
	void (*check)(const union record *r);
	void (*release)(union record *r);
};

/* ---- kinds ------------------------------------------------------------ */

static int
decode_identity(const char *data, size_t len, union record *r)
{
	return record_decode_identity(data, len, &r->identity);
}

static void
encode_identity(const union record *r, struct buf *out)
{
	record_encode_identity(&r->identity, out);
}

static void
check_identity(const union record *r)
{
	FUZZ_CHECK(strlen(r->identity.site) <= RECORD_DOMAIN_MAX);
}

static void
release_identity(union record *r)
{
	free(r->identity.site);
}

static int
decode_settings(const char *data, size_t len, union record *r)
{
	return record_decode_settings(data, len, &r->settings);
}

static void
encode_settings(const union record *r, struct buf *out)
{
	record_encode_settings(&r->settings, out);
}

static void
check_settings(const union record *r)
{
	FUZZ_CHECK(memchr(r->settings.domain, '\0',
		       sizeof(r->settings.domain)) != NULL);
}

static int
decode_counters(const char *data, size_t len, union record *r)
{
	return record_decode_counters(data, len, &r->counters);
}

static void
encode_counters(const union record *r, struct buf *out)
{
	record_encode_counters(&r->counters, out);
}

static int
decode_envelope(const char *data, size_t len, union record *r)
{
	return record_decode_envelope(data, len, &r->envelope);
}

static void
encode_envelope(const union record *r, struct buf *out)
{
	record_encode_envelope(&r->envelope, out);
}

static void
check_address(const char *address)
{
	const size_t len = strlen(address);

	FUZZ_CHECK(!fuzz_has_control(address, len));
	FUZZ_CHECK(len <= ENVELOPE_ADDRESS_MAX);
	FUZZ_CHECK(address_is_valid(address, len));
}

/* Its parameters go into a command too. */
static void
check_recipient(const struct recipient *r)
{
	check_address(r->address);
	FUZZ_CHECK(!r->notify || parameter_notify_is_valid(r->notify));
	FUZZ_CHECK(!r->original || parameter_original_is_valid(
				       r->original, strlen(r->original)));
}

static void
check_text(const char *text, size_t max)
{
	FUZZ_CHECK(!text || strlen(text) <= max);
}

static void
check_envelope(const union record *r)
{
	const struct envelope *e = &r->envelope;

	if (*e->sender)
		check_address(e->sender);
	FUZZ_CHECK(e->recipient_count > 0);
	FUZZ_CHECK(e->recipient_count <= ENVELOPE_RECIPIENTS_MAX);
	for (size_t i = 0; i < e->recipient_count; i++)
		check_recipient(&e->recipients[i]);
	FUZZ_CHECK(e->submitted_ms >= 0);
	FUZZ_CHECK(e->body < BODY_COUNT && e->ret < RET_COUNT);
	FUZZ_CHECK(
	    !e->envid || parameter_envid_is_valid(e->envid, strlen(e->envid)));
	check_text(e->submitter.cwd, SUBMITTER_CWD_MAX);
	check_text(e->submitter.argv, SUBMITTER_ARGV_MAX);
	check_text(e->submitter.script, SUBMITTER_SCRIPT_MAX);
}

static void
release_envelope(union record *r)
{
	envelope_release(&r->envelope);
}

static int
decode_state(const char *data, size_t len, union record *r)
{
	return record_decode_state(data, len, &r->state);
}

static void
encode_state(const union record *r, struct buf *out)
{
	record_encode_state(&r->state, out);
}

static void
check_state(const union record *r)
{
	const struct message_state *s = &r->state;

	FUZZ_CHECK(s->phase < PHASE_COUNT);
	FUZZ_CHECK((s->phase == PHASE_HELD) == (s->reason != NULL));
	check_text(s->reason, STATE_REASON_MAX);
	FUZZ_CHECK(s->due_ms >= 0 && s->last_attempt_ms >= 0);
	FUZZ_CHECK(s->recipient_count > 0);
	FUZZ_CHECK(s->recipient_count <= ENVELOPE_RECIPIENTS_MAX);
	for (size_t i = 0; i < s->recipient_count; i++) {
		FUZZ_CHECK(s->recipients[i].status < RECIPIENT_COUNT);
		check_text(s->recipients[i].reply, STATE_REPLY_MAX);
	}
}

static void
release_state(union record *r)
{
	state_release(&r->state);
}

static const struct kind kinds[] = {
    {16, 0, decode_identity, encode_identity, check_identity, release_identity},
    {0, 0, decode_settings, encode_settings, check_settings, NULL},
    {0, 0, decode_counters, encode_counters, NULL, NULL},
    /* body, ret, is_smtputf8, ppid */
    {0, 1 << 9 | 1 << 10 | 1 << 12 | 1 << 13, decode_envelope, encode_envelope,
	check_envelope, release_envelope},
    /* age, boot, its time, is_delay_reported */
    {0, 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11, decode_state, encode_state,
	check_state, release_state},
};

/* ---- what holds for all ----------------------------------------------- */

/* Fields that an older reader skips, or that say what is so without them. */
static bool
is_skipped(const struct kind *k, const char *field)
{
	const unsigned int tag = (unsigned char)*field;

	return tag >= 128 || (tag < 32 && (k->none_if_0 >> tag & 1) &&
				 bytes_get_be64(field + 5) == 0);
}

/* Their bytes, in a record that is well. */
static size_t
skipped_len(const struct kind *k, const char *data, size_t len)
{
	const char *end = data + len;
	size_t skipped = 0;
	size_t n;

	for (data += k->magic_len; data < end; data += n) {
		n = 5 + bytes_get_be32(data + 1);
		if (is_skipped(k, data))
			skipped += n;
	}
	return skipped;
}

static void
check_taken(const struct kind *k, union record *r, const char *data, size_t len)
{
	const size_t skipped = skipped_len(k, data, len);
	struct buf once = BUF_INIT;
	struct buf twice = BUF_INIT;
	union record again;

	if (k->check)
		k->check(r);
	k->encode(r, &once);
	FUZZ_CHECK(once.len == len - skipped);
	FUZZ_CHECK(k->decode(once.data, once.len, &again) == 0);
	k->encode(&again, &twice);
	FUZZ_CHECK(fuzz_is_equal(&twice, once.data, once.len));
	if (k->release) {
		k->release(&again);
		k->release(r);
	}
	buf_release(&once);
	buf_release(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	const struct kind *k = &kinds[fuzz_byte(&in) % ARRAY_LEN(kinds)];
	char *exact = fuzz_copy(in.at, in.len);
	union record untouched;
	union record r;
	int rc;

	memset(&r, 0xa5, sizeof(r));
	memset(&untouched, 0xa5, sizeof(untouched));
	rc = k->decode(exact, in.len, &r);
	FUZZ_CHECK(rc == 0 || rc == -EBADMSG);
	if (rc == 0)
		check_taken(k, &r, exact, in.len);
	else
		FUZZ_CHECK(memcmp(&r, &untouched, sizeof(r)) == 0);
	free(exact);
	return 0;
}
