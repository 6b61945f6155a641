/* SPDX-License-Identifier: ISC */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "spool/record.h"
#include "unit/record_kinds.h"

static void
sample_identity(struct buf *out)
{
	struct spool_identity i = {.directory_inode = UINT64_MAX - 5,
	    .file_inode = 7,
	    .copied_to_id = UINT64_MAX,
	    .site = alloc_copy("site1", 5)};

	record_encode_identity(&i, out);
	free(i.site);
}

static int
recode_identity(const char *data, size_t len, struct buf *again)
{
	struct spool_identity i;
	int rc = record_decode_identity(data, len, &i);

	if (rc == 0) {
		record_encode_identity(&i, again);
		free(i.site);
	}
	return rc;
}

static void
sample_settings(struct buf *out)
{
	struct spool_settings s = {.message_bytes_max = 1,
	    .recipients_max = 0,
	    .quota_bytes = UINT64_MAX,
	    .relay_bytes_max = 10240000,
	    .is_relay_known = true,
	    .is_blocked = true,
	    .refuse_until_ms = 1,
	    .domain = "example.org"};

	record_encode_settings(&s, out);
}

static int
recode_settings(const char *data, size_t len, struct buf *again)
{
	struct spool_settings s;
	int rc = record_decode_settings(data, len, &s);

	if (rc == 0)
		record_encode_settings(&s, again);
	return rc;
}

static void
sample_counters(struct buf *out)
{
	struct spool_counters c = {.last_id = UINT64_MAX,
	    .bytes = 1,
	    .count = {4, 3, 2, UINT64_MAX},
	    .is_doubtful = true};

	record_encode_counters(&c, out);
}

static int
recode_counters(const char *data, size_t len, struct buf *again)
{
	struct spool_counters c;
	int rc = record_decode_counters(data, len, &c);

	if (rc == 0)
		record_encode_counters(&c, again);
	return rc;
}

/* Everything that may be there. */
static void
sample_envelope(struct buf *out)
{
	const struct submitter submitter = {.uid = UINT32_MAX,
	    .pid = 1,
	    .ppid = 2,
	    .cwd = (char[]){"/srv/www"},
	    .argv = (char[]){"sendmail -t -i"},
	    .script = (char[]){"\xff\x1b[2J"}};
	struct recipient *r;
	struct envelope e;
	int rc;

	envelope_init(&e);
	envelope_set_sender(&e, "a@example.org", 13);
	r = envelope_add_recipient(&e, "b@example.org", 13);
	rc = recipient_set_notify(r, NOTIFY_SUCCESS | NOTIFY_DELAY);
	assert(rc == 0);
	r = envelope_add_recipient(&e, "\"c d\"@example.org", 17);
	rc = recipient_set_original(r, "rfc822;\"c d\"@example.org", 24);
	assert(rc == 0);
	rc = recipient_set_notify(r, NOTIFY_NEVER);
	assert(rc == 0);
	rc = envelope_set_envid(&e, "a+b c=d", 7);
	assert(rc == 0);
	e.body = BODY_8BITMIME;
	e.ret = RET_HDRS;
	e.is_smtputf8 = true;
	e.submitted_ms = INT64_MAX;
	e.text_len = UINT64_MAX;
	submitter_copy(&e.submitter, &submitter);
	record_encode_envelope(&e, out);
	envelope_release(&e);
}

static int
recode_envelope(const char *data, size_t len, struct buf *again)
{
	struct envelope e;
	int rc = record_decode_envelope(data, len, &e);

	if (rc == 0) {
		record_encode_envelope(&e, again);
		envelope_release(&e);
	}
	return rc;
}

static void
sample_state(struct buf *out)
{
	struct message_state s;

	state_init(&s, 3, 12345);
	s.attempts = UINT32_MAX;
	s.ambiguous_dots = 3;
	s.last_attempt_ms = INT64_MAX;
	s.last_attempt_boot_ms = INT64_MAX;
	s.last_attempt_boot_id = UINT64_MAX;
	s.age_ms = INT64_MAX;
	s.is_delay_reported = true;
	s.recipients[1].status = RECIPIENT_DELIVERED;
	state_set_reply(&s, 1, "250 2.0.0 Ok");
	s.recipients[2].status = RECIPIENT_FAILED;
	state_set_reply(&s, 2, "550 5.1.1 \xff\x1b[2J");
	state_hold(&s, "looked at by nobody");
	record_encode_state(&s, out);
	state_release(&s);
}

static int
recode_state(const char *data, size_t len, struct buf *again)
{
	struct message_state s;
	int rc = record_decode_state(data, len, &s);

	if (rc == 0) {
		record_encode_state(&s, again);
		state_release(&s);
	}
	return rc;
}

const struct record_kind record_kinds[RECORD_KIND_COUNT] = {
    {"identity", sample_identity, recode_identity},
    {"settings", sample_settings, recode_settings},
    {"counters", sample_counters, recode_counters},
    {"envelope", sample_envelope, recode_envelope},
    {"state", sample_state, recode_state},
};

const struct record_kind *
record_kind_find(const char *name)
{
	size_t i = 0;

	while (strcmp(record_kinds[i].name, name) != 0)
		i++;
	return &record_kinds[i];
}
