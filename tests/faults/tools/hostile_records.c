/* SPDX-License-Identifier: ISC */
/*
 * hostile_records - write into a spool what only its owner could
 *
 *   hostile_records DIR KIND FILE: adds a message, or something else, of that
 *   kind to the spool DIR, with checksums that are right. It is due before all
 *   others, and its sender is hostile@site.test. Prints what must become of it:
 *   "sent", and then FILE is the text that must arrive; "kept", as damaged; or
 *   "nothing". hostile_records --kinds prints the kinds.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "mail/text.h"
#include "spool/digest.h"
#include "spool/environment.h"
#include "spool/part.h"
#include "spool/record.h"
#include "spool/schedule.h"
#include "spool/spool.h"

enum { ID = 1000, MAP_LEN = 256 << 20 };

/* A message that nothing is wrong with, to begin with. */
struct message {
	struct envelope envelope;
	struct message_state state;
	const char *text;
	size_t text_len;
	int64_t entry_ms; /* in the schedule */
	bool has_unknown_field;
};

struct kind {
	const char *name;
	const char *fate;
	void (*spoil)(struct message *m);
	void (*add)(struct environment *e); /* instead of a message */
};

static void
must(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-rc));
	exit(EXIT_FAILURE);
}

/* ---- messages ------------------------------------------------------ */

#define TEXT(m, s) ((m)->text = (s), (m)->text_len = sizeof(s) - 1)

static void
smuggle(struct message *m)
{
	TEXT(m, "Subject: x\n\none\r\n.\r\nMAIL FROM:<smuggled@site.test>\r\n"
		"RCPT TO:<other@example.org>\r\nDATA\r\n\r.\r\n\r\r\n.\n..\n"
		"a\rb\n.\r\r\nQUIT\n");
}

static void
end_without_line_end(struct message *m)
{
	TEXT(m, "Subject: x\n\n.");
}

static void
empty(struct message *m)
{
	TEXT(m, "");
}

static void
nul(struct message *m)
{
	TEXT(m, "Subject: x\n\na\0b\n");
}

static void
long_line(struct message *m)
{
	static char line[1 << 20];

	memset(line, 'x', sizeof(line));
	m->text = line;
	m->text_len = sizeof(line);
}

static void
sender(struct message *m, const char *address)
{
	envelope_set_sender(&m->envelope, address, strlen(address));
}

static void
sender_that_ends_a_line(struct message *m)
{
	sender(m, "a@site.test>\r\nRCPT TO:<b@example.org");
}

static void
sender_in_brackets(struct message *m)
{
	sender(m, "a@site.test> SIZE=1 <b");
}

static void
recipient(struct message *m, const char *address)
{
	envelope_add_recipient(&m->envelope, address, strlen(address));
	state_release(&m->state);
	state_init(&m->state, m->envelope.recipient_count, 0);
}

static void
recipient_that_ends_a_line(struct message *m)
{
	recipient(m, "a@example.org>\nDATA\n");
}

static void
recipient_that_is_empty(struct message *m)
{
	recipient(m, "");
}

static void
too_many_recipients(struct message *m)
{
	char address[32];

	for (int i = 0; i <= ENVELOPE_RECIPIENTS_MAX; i++) {
		snprintf(address, sizeof(address), "r%d@example.org", i);
		envelope_add_recipient(&m->envelope, address, strlen(address));
	}
	recipient(m, "last@example.org");
}

static void
more_states_than_recipients(struct message *m)
{
	state_release(&m->state);
	state_init(&m->state, 2, 0);
}

static void
text_longer_than_there_is(struct message *m)
{
	m->envelope.text_len = UINT64_MAX;
}

static void
unknown_field(struct message *m)
{
	m->has_unknown_field = true;
}

static void
done_already(struct message *m)
{
	m->state.phase = PHASE_DEFERRED;
	m->state.recipients[0].status = RECIPIENT_DELIVERED;
}

static void
tried_for_ever(struct message *m)
{
	m->state.phase = PHASE_DEFERRED;
	m->state.attempts = UINT32_MAX;
	m->state.ambiguous_dots = UINT32_MAX;
	m->state.last_attempt_ms = INT64_MAX;
}

static void
due_at_the_end_of_time(struct message *m)
{
	m->state.due_ms = INT64_MAX;
	m->entry_ms = INT64_MAX;
}

static void
submitted_at_the_end_of_time(struct message *m)
{
	m->envelope.submitted_ms = INT64_MAX;
}

/* ---- other things -------------------------------------------------- */

static void
add_entries(struct environment *e)
{
	must(schedule_add(e, 0, 0), "entry");
	must(schedule_add(e, 0, UINT64_MAX), "entry");
	must(schedule_add(e, INT64_MAX, UINT64_MAX), "entry");
	must(schedule_add(e, -1, 1), "entry");
	for (uint64_t id = 1; id < 200; id++)
		must(schedule_add(e, 1, id), "entry");
}

static void
set_counters(struct environment *e)
{
	struct spool_counters c = {.last_id = UINT64_MAX,
	    .bytes = UINT64_MAX,
	    .count = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
	struct buf bytes = BUF_INIT;

	record_encode_counters(&c, &bytes);
	must(environment_put(e, ENVIRONMENT_COUNTERS, &bytes), "counters");
	buf_release(&bytes);
}

static void
set_settings(struct environment *e)
{
	struct spool_settings s = {.message_bytes_max = UINT64_MAX,
	    .relay_bytes_max = UINT64_MAX,
	    .recipients_max = UINT64_MAX};
	struct buf bytes = BUF_INIT;

	memset(s.domain, '\xff', RECORD_DOMAIN_MAX);
	record_encode_settings(&s, &bytes);
	must(environment_put(e, ENVIRONMENT_SETTINGS, &bytes), "settings");
	buf_release(&bytes);
}

/* Behind all that a spool has. */
static void
add_keys(struct environment *e)
{
	char bytes[511];
	MDB_val key = {.mv_data = bytes};
	MDB_val value = {.mv_data = bytes, .mv_size = sizeof(bytes)};

	memset(bytes, '\xff', sizeof(bytes));
	for (key.mv_size = 1; key.mv_size <= sizeof(bytes); key.mv_size++)
		must(-mdb_put(e->txn, e->dbi, &key, &value, 0), "key");
}

static const struct kind kinds[] = {
    {"nothing-wrong", "sent", NULL, NULL},
    {"smuggled-commands", "sent", smuggle, NULL},
    {"no-last-line-end", "sent", end_without_line_end, NULL},
    {"empty-text", "sent", empty, NULL},
    {"long-line", "sent", long_line, NULL},
    {"nul", "kept", nul, NULL},
    {"sender-ends-line", "kept", sender_that_ends_a_line, NULL},
    {"sender-in-brackets", "kept", sender_in_brackets, NULL},
    {"recipient-ends-line", "kept", recipient_that_ends_a_line, NULL},
    {"recipient-is-empty", "kept", recipient_that_is_empty, NULL},
    {"too-many-recipients", "kept", too_many_recipients, NULL},
    {"too-many-states", "kept", more_states_than_recipients, NULL},
    {"too-little-text", "kept", text_longer_than_there_is, NULL},
    {"unknown-field", "kept", unknown_field, NULL},
    {"done-already", "kept", done_already, NULL},
    {"tried-for-ever", "sent", tried_for_ever, NULL},
    {"due-at-the-end", "sent", due_at_the_end_of_time, NULL},
    {"submitted-at-the-end", "sent", submitted_at_the_end_of_time, NULL},
    {"entries", "nothing", NULL, add_entries},
    {"counters", "nothing", NULL, set_counters},
    {"settings", "nothing", NULL, set_settings},
    {"keys", "nothing", NULL, add_keys},
};

/* ---- into the spool ------------------------------------------------ */

static void
put(struct environment *e, enum part part, const struct buf *fields,
    uint64_t checksum)
{
	char bytes[8];
	const struct spool_piece pieces[] = {
	    {fields->data, fields->len}, {bytes, sizeof(bytes)}};

	bytes_put_be64(bytes, checksum);
	must(part_put(e, ID, part, 0, pieces, 2), "record");
}

static void
put_envelope(struct environment *e, const struct message *m)
{
	struct digest *d = digest_new();
	struct buf fields = BUF_INIT;

	record_encode_envelope(&m->envelope, &fields);
	if (m->has_unknown_field)
		buf_add(&fields, "\177\0\0\0\0", 5);
	digest_add(d, m->text, m->text_len);
	digest_add(d, fields.data, fields.len);
	put(e, PART_ENVELOPE, &fields, digest_value(d));
	digest_free(d);
	buf_release(&fields);
}

static void
put_state(struct environment *e, const struct message *m)
{
	struct digest *d = digest_new();
	struct buf fields = BUF_INIT;
	char id[8];

	bytes_put_be64(id, ID);
	record_encode_state(&m->state, &fields);
	digest_add(d, id, sizeof(id));
	digest_add(d, fields.data, fields.len);
	put(e, PART_STATE, &fields, digest_value(d));
	digest_free(d);
	buf_release(&fields);
}

static void
add_message(struct environment *e, const struct kind *kind, FILE *arrives)
{
	struct message m = {0};
	struct spool_piece piece;
	char *canonical;
	size_t len;

	TEXT(&m, "Subject: x\n\ntext\n");
	envelope_init(&m.envelope);
	sender(&m, "hostile@site.test");
	envelope_add_recipient(&m.envelope, "reader@example.org", 18);
	m.envelope.submitted_ms = 1000;
	state_init(&m.state, 1, 0);
	if (kind->spoil)
		kind->spoil(&m);
	if (m.envelope.text_len == 0)
		m.envelope.text_len = m.text_len;
	piece = (struct spool_piece){m.text, m.text_len};
	put_envelope(e, &m);
	put_state(e, &m);
	must(part_put(e, ID, PART_TEXT, 0, &piece, 1), "text");
	must(schedule_add(e, m.entry_ms, ID), "entry");

	/* By other code than that which makes it fit for the wire. */
	canonical = malloc(m.text_len + 1);
	if (!canonical)
		must(-ENOMEM, "text");
	len = m.text_len;
	memcpy(canonical, m.text, len);
	if (text_canonicalize(canonical, &len, TEXT_DOTS_LITERAL) == 0)
		fwrite(canonical, 1, len, arrives);
	free(canonical);
	envelope_release(&m.envelope);
	state_release(&m.state);
}

static void
add(const char *dir, const struct kind *kind, FILE *arrives)
{
	struct environment e;

	must(chdir(dir) < 0 ? -errno : 0, dir);
	must(environment_open(&e, SPOOL_FILE, true, MAP_LEN), SPOOL_FILE);
	if (kind->add)
		kind->add(&e);
	else
		add_message(&e, kind, arrives);
	must(environment_commit(&e), "commit");
	environment_close(&e);
}

int
main(int argc, char **argv)
{
	const bool has_all = argc == 4;
	FILE *arrives;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (argc == 2 && strcmp(argv[1], "--kinds") == 0)
			puts(kinds[i].name);
		if (!has_all || strcmp(argv[2], kinds[i].name) != 0)
			continue;
		arrives = fopen(argv[3], "w");
		must(arrives ? 0 : -errno, argv[3]);
		add(argv[1], &kinds[i], arrives);
		puts(kinds[i].fate);
		return fclose(arrives) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	if (has_all)
		fprintf(stderr, "there is no such kind: %s\n", argv[2]);
	return has_all ? EXIT_FAILURE : EXIT_SUCCESS;
}
