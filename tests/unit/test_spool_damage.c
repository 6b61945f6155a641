/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/spool_fixture.h"
#include "unit/suites.h"

enum { ENVELOPE = 1, STATE = 2, TEXT = 3 };

static int
get(uint64_t id)
{
	struct message_state state;
	struct envelope e;
	int rc = spool_get(fixture_spool, id, &e, &state);

	if (rc == 0) {
		envelope_release(&e);
		state_release(&state);
	}
	return rc;
}

/* Read the whole text and verify it. */
static int
verify(uint64_t id)
{
	struct digest *d = digest_new();
	struct buf text = BUF_INIT;
	uint32_t chunk = 0;
	int rc = spool_read_text(fixture_spool, id, &chunk, 64 << 20, &text);

	if (rc == 0) {
		digest_add(d, text.data, text.len);
		rc = spool_verify(fixture_spool, id, d);
	}
	buf_release(&text);
	digest_free(d);
	return rc;
}

/* ---- bytes on the disk --------------------------------------------- */

static const struct {
	const char *name;
	const char *needle;
	ptrdiff_t offset;
} flips[] = {
    {"text", "in the middle of the text", 3},
    {"sender", "a@example.org", 0},
    {"recipient", "recipient-0@example.org", 10},
};

START_TEST(a_changed_byte_is_found_by_verify)
{
	uint64_t id = fixture_put_one("first, in the middle of the text\n");

	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(verify(id), 0);
	spool_abort(fixture_spool);
	fixture_flip(flips[_i].needle, flips[_i].offset, 1);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(get(id), 0); /* nothing wrong with its form */
	ck_assert_msg(verify(id) == -EBADMSG, "%s: got %d, want %d",
	    flips[_i].name, verify(id), -EBADMSG);
}
END_TEST

START_TEST(a_byte_of_a_long_text_is_found_by_verify)
{
	char text[20000];
	uint64_t id;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text + 17000, "NEEDLE", 6);
	id = fixture_put_one(text);
	fixture_flip("NEEDLE", 0, 1);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(verify(id), -EBADMSG);
}
END_TEST

START_TEST(a_page_that_says_it_is_several_is_not_freed)
{
	char text[3000];
	uint64_t id;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "NEEDLE", 6);
	id = fixture_put_one(text);
	/* In front of it the header of its page ends with their number. */
	fixture_flip("NEEDLE", -4, 2);
	fixture_begin(SPOOL_CHANGE);
	ck_assert_int_eq(verify(id), 0);
	ck_assert_int_eq(spool_remove(fixture_spool, id), -EBADMSG);
	spool_abort(fixture_spool);
}
END_TEST

/* ---- parts that are not what they should be ------------------------ */

#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *name;
	unsigned char part;
	const char *value;
	size_t len;
	int want_get;
	int want_verify;
} parts[] = {
    {"no envelope", ENVELOPE, NULL, 0, -EBADMSG, -ENOENT},
    {"short envelope", ENVELOPE, BYTES("1234567"), -EBADMSG, -EBADMSG},
    {"a checksum alone", ENVELOPE, BYTES("12345678"), -EBADMSG, -EBADMSG},
    {"garbage envelope", ENVELOPE, BYTES("garbage garbage garbage"), -EBADMSG,
	-EBADMSG},
    {"empty envelope chunk", ENVELOPE, "", 0, -EBADMSG, -EBADMSG},
    {"no state", STATE, NULL, 0, -EBADMSG, 0},
    {"garbage state", STATE, BYTES("garbage garbage garbage"), -EBADMSG, 0},
    {"empty state chunk", STATE, "", 0, -EBADMSG, 0},
    {"no text", TEXT, NULL, 0, 0, -EBADMSG},
    {"less text", TEXT, BYTES("tex"), 0, -EBADMSG},
    {"other text", TEXT, BYTES("test\n"), 0, -EBADMSG},
    {"empty text chunk", TEXT, "", 0, 0, -EBADMSG},
};

START_TEST(a_damaged_part_is_refused_and_the_neighbours_are_well)
{
	uint64_t before = fixture_put_one("text\n");
	uint64_t id = fixture_put_one("text\n");
	uint64_t after = fixture_put_one("text\n");

	fixture_set_chunk(
	    id, parts[_i].part, 0, parts[_i].value, parts[_i].len);
	fixture_begin(SPOOL_READ);
	ck_assert_msg(get(id) == parts[_i].want_get, "%s: get: got %d, want %d",
	    parts[_i].name, get(id), parts[_i].want_get);
	ck_assert_msg(verify(id) == parts[_i].want_verify,
	    "%s: verify: got %d, want %d", parts[_i].name, verify(id),
	    parts[_i].want_verify);
	ck_assert_int_eq(get(before), 0);
	ck_assert_int_eq(verify(before), 0);
	ck_assert_int_eq(get(after), 0);
	ck_assert_int_eq(verify(after), 0);
	spool_abort(fixture_spool);
}
END_TEST

START_TEST(a_damaged_message_can_be_removed)
{
	struct environment e;
	unsigned char first;
	MDB_cursor *cursor;
	MDB_val key;
	MDB_val value;
	uint64_t id = fixture_put_one("text\n");

	fixture_set_chunk(
	    id, parts[_i].part, 0, parts[_i].value, parts[_i].len);
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(spool_remove(fixture_spool, id), 0);
	/* The entry of a state that cannot be read is not found by it. */
	ck_assert_int_eq(
	    spool_unschedule(fixture_spool, FIXTURE_NOW_MS, id), 0);
	fixture_commit();

	fixture_open_raw(&e);
	ck_assert_int_eq(mdb_cursor_open(e.txn, e.dbi, &cursor), 0);
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		first = *(unsigned char *)key.mv_data;
		ck_assert_msg(first < 0x10, "%s: a key of kind %d is left",
		    parts[_i].name, first);
	}
	mdb_cursor_close(cursor);
	environment_close(&e);
}
END_TEST

START_TEST(a_state_of_another_count_of_recipients_is_damage)
{
	uint64_t id = fixture_put_one("text\n");
	struct message_state state;

	state_init(&state, 2, 5);
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(spool_set_state(fixture_spool, id, &state), 0);
	ck_assert_int_eq(get(id), -EBADMSG);
	state_release(&state);
}
END_TEST

/* One bit says that a recipient has got it, another that it failed for good. */
START_TEST(a_changed_bit_of_a_state_is_found)
{
	unsigned char key[FIXTURE_KEY_LEN];
	struct environment e;
	MDB_val k = {.mv_data = key, .mv_size = sizeof(key)};
	MDB_val v;
	char bytes[256];
	size_t len = 1;
	uint64_t id = fixture_put_one("text\n");

	fixture_chunk_key(key, id, STATE, 0);
	for (size_t i = 0; i < len; i++) {
		fixture_open_raw(&e);
		ck_assert_int_eq(mdb_get(e.txn, e.dbi, &k, &v), 0);
		len = v.mv_size;
		ck_assert_uint_le(len, sizeof(bytes));
		memcpy(bytes, v.mv_data, len);
		bytes[i] ^= 1;
		fixture_raw_put(&e, key, sizeof(key), bytes, len);
		ck_assert_int_eq(environment_commit(&e), 0);
		environment_close(&e);

		fixture_begin(SPOOL_READ);
		ck_assert_msg(get(id) == -EBADMSG, "byte %zu: not found", i);
		spool_abort(fixture_spool);
		bytes[i] ^= 1;
		fixture_set_chunk(id, STATE, 0, bytes, len);
	}
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(get(id), 0);
	spool_abort(fixture_spool);
}
END_TEST

START_TEST(a_state_of_another_message_is_damage)
{
	unsigned char key[FIXTURE_KEY_LEN];
	struct environment e;
	MDB_val k = {.mv_data = key, .mv_size = sizeof(key)};
	MDB_val v;
	char bytes[256];
	uint64_t one = fixture_put_one("text\n");
	uint64_t other = fixture_put_one("text\n");

	fixture_chunk_key(key, other, STATE, 0);
	fixture_open_raw(&e);
	ck_assert_int_eq(mdb_get(e.txn, e.dbi, &k, &v), 0);
	ck_assert_uint_le(v.mv_size, sizeof(bytes));
	memcpy(bytes, v.mv_data, v.mv_size);
	environment_close(&e);
	fixture_set_chunk(one, STATE, 0, bytes, v.mv_size);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(get(one), -EBADMSG);
	ck_assert_int_eq(get(other), 0);
	spool_abort(fixture_spool);
}
END_TEST

START_TEST(a_state_that_cannot_be_read_can_be_replaced)
{
	uint64_t id = fixture_put_one("text\n");

	fixture_set_chunk(id, STATE, 0, BYTES("garbage"));
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(
	    spool_unschedule(fixture_spool, FIXTURE_NOW_MS, id), 0);
	fixture_set(id, PHASE_HELD, 0);
	ck_assert_int_eq(get(id), 0);
	fixture_commit();
}
END_TEST

START_TEST(chunks_with_a_gap_are_damage)
{
	char text[5 * 4080];
	uint64_t id;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	id = fixture_put_one(text);
	fixture_set_chunk(id, TEXT, 2, NULL, 0);
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(get(id), 0);
	ck_assert_int_eq(verify(id), -EBADMSG);
	ck_assert_int_eq(spool_remove(fixture_spool, id), 0);
	fixture_commit();
	fixture_begin(SPOOL_READ);
	id = 0;
	ck_assert_int_eq(spool_next(fixture_spool, &id), -ENOENT);
}
END_TEST

START_TEST(a_chunk_longer_than_a_page_is_damage)
{
	struct buf text = BUF_INIT;
	uint32_t number = 0;
	char chunk[9000];
	uint64_t id = fixture_put_one("text\n");

	memset(chunk, 'x', sizeof(chunk));
	fixture_set_chunk(id, TEXT, 0, chunk, sizeof(chunk));
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(
	    spool_read_text(fixture_spool, id, &number, 1 << 20, &text),
	    -EBADMSG);
	buf_release(&text);
}
END_TEST

START_TEST(an_envelope_without_end_is_damage)
{
	unsigned char key[FIXTURE_KEY_LEN];
	uint64_t id = fixture_put_one("text\n");
	char chunk[4080];
	struct environment e;

	memset(chunk, 0x80, sizeof(chunk));
	fixture_open_raw(&e);
	for (uint32_t i = 0; i <= RECORD_MAX / sizeof(chunk); i++) {
		fixture_chunk_key(key, id, ENVELOPE, i);
		fixture_raw_put(&e, key, sizeof(key), chunk, sizeof(chunk));
	}
	ck_assert_int_eq(environment_commit(&e), 0);
	environment_close(&e);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(get(id), -EBADMSG);
}
END_TEST

/* ---- the records beside the messages ------------------------------- */

/* Counters are none of them: they are repaired. */

static const struct {
	const char *name;
	char key;
	const char *value;
	size_t len;
	int want_begin;
	int want_settings;
} records[] = {
    {"no identity", 1, NULL, 0, -EBADMSG, 0},
    {"another format", 1, BYTES("mini-sendmail\0\0\2"), -EBADMSG, 0},
    {"empty identity", 1, "", 0, -EBADMSG, 0},
    {"no settings", 2, NULL, 0, 0, -EBADMSG},
    {"garbage settings", 2, BYTES("garbage"), 0, -EBADMSG},
    {"no counters", 3, NULL, 0, 0, 0},
    {"garbage counters", 3, BYTES("garbage"), 0, 0},
};

START_TEST(a_damaged_record_of_the_spool_is_refused)
{
	struct spool_settings settings;
	int rc;

	fixture_set_raw(
	    &records[_i].key, 1, records[_i].value, records[_i].len);
	for (int access = SPOOL_READ; access <= SPOOL_WRITE; access++) {
		rc =
		    spool_begin(fixture_spool, (enum spool_access)access, 0, 0);
		ck_assert_msg(rc == records[_i].want_begin,
		    "%s: begin: got %d, want %d", records[_i].name, rc,
		    records[_i].want_begin);
		if (rc < 0)
			continue;
		rc = spool_get_settings(fixture_spool, &settings);
		ck_assert_msg(rc == records[_i].want_settings,
		    "%s: settings: got %d, want %d", records[_i].name, rc,
		    records[_i].want_settings);
		spool_abort(fixture_spool);
	}
}
END_TEST

/* Counters that lie low: an id is never given to a second message. */
START_TEST(a_message_is_never_overwritten)
{
	struct buf bytes = BUF_INIT;
	const struct spool_counters none = {0};
	struct envelope envelope;
	struct spool_piece piece = {.data = "new\n", .len = 4};
	uint64_t id = fixture_put_one("old\n");
	uint64_t other = 0;

	record_encode_counters(&none, &bytes);
	fixture_set_raw("\3", 1, bytes.data, bytes.len);
	buf_release(&bytes);

	fixture_envelope(&envelope, 1, 4);
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_lt(spool_put(fixture_spool, &envelope, &piece, 1,
			     FIXTURE_NOW_MS, &other),
	    0);
	spool_abort(fixture_spool);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(verify(id), 0);
	envelope_release(&envelope);
}
END_TEST

START_TEST(keys_of_another_length_are_damage)
{
	static const char message[] = "\x10 short";
	static const char entry[] = "\x11 short";
	struct environment e;
	int64_t next_ms;
	int64_t due_ms = 0;
	uint64_t id = 0;

	fixture_open_raw(&e);
	fixture_raw_put(&e, message, sizeof(message), "", 0);
	fixture_raw_put(&e, entry, sizeof(entry), "", 0);
	ck_assert_int_eq(environment_commit(&e), 0);
	environment_close(&e);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_next(fixture_spool, &id), -EBADMSG);
	ck_assert_int_eq(
	    spool_next_due(fixture_spool, 1, &due_ms, &id, &next_ms), -EBADMSG);
}
END_TEST

/* What is committed behind the last number there is would not be seen. */
START_TEST(transactions_that_cannot_be_counted_on_are_damage)
{
	enum { PAGE_LEN = 4096, TRANSACTION_AT = 144 };
	static const uint64_t last = UINT64_MAX;
	int fd = open(fixture_name("spool/" SPOOL_FILE), O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	for (int page = 0; page < 2; page++)
		ck_assert_int_eq(pwrite(fd, &last, sizeof(last),
				     page * PAGE_LEN + TRANSACTION_AT),
		    sizeof(last));
	close(fd);
	ck_assert_int_eq(
	    spool_begin(fixture_spool, SPOOL_READ, 0, 0), -EBADMSG);
	ck_assert_int_eq(
	    spool_begin(fixture_spool, SPOOL_CHANGE, 0, 0), -EBADMSG);
}
END_TEST

/* Change a byte of every tenth or so of the keys that begin like this. */
static void
shuffle_keys(const char *prefix, size_t prefix_len, uint64_t seed)
{
	static char content[4 << 20];
	int fd = open(fixture_name("spool/" SPOOL_FILE), O_RDWR | O_CLOEXEC);
	ssize_t len = pread(fd, content, sizeof(content), 0);
	char *end = content + len;
	char *at = content;

	ck_assert_int_gt(len, 0);
	while ((at = memmem(at, (size_t)(end - at), prefix, prefix_len))) {
		seed = seed * UINT64_C(6364136223846793005) + 1;
		at += prefix_len;
		if ((seed >> 33) % 10 == 0)
			*at = (char)(seed >> 40);
	}
	ck_assert_int_eq(pwrite(fd, content, (size_t)len, 0), len);
	close(fd);
}

/* LMDB trusts the order of keys; a walk that goes back might never end. */
START_TEST(a_walk_through_keys_out_of_order_goes_forward_or_stops)
{
	int64_t due_ms = 0;
	int64_t last_ms = 0;
	int64_t next_ms;
	uint64_t last = 0;
	uint64_t id = 0;

	fixture_begin(SPOOL_WRITE);
	for (int i = 0; i < 400; i++)
		fixture_put("x\n", 2, FIXTURE_NOW_MS + i);
	fixture_commit();
	/* Messages by id, and the schedule by time. */
	shuffle_keys("\x10\0\0\1\x8b\xcf", 6, (uint64_t)_i + 1);
	shuffle_keys("\x11\0\0\0\0\x65\x53", 7, (uint64_t)_i + 1);
	fixture_begin(SPOOL_READ);
	while (spool_next(fixture_spool, &id) == 0) {
		ck_assert_uint_gt(id, last);
		last = id;
	}
	last = id = 0;
	while (spool_next_due(
		   fixture_spool, INT64_MAX, &due_ms, &id, &next_ms) == 0) {
		ck_assert(due_ms > last_ms || (due_ms == last_ms && id > last));
		last_ms = due_ms;
		last = id;
	}
}
END_TEST

Suite *
spool_damage_suite(void)
{
	Suite *s = suite_create("spool_damage");
	TCase *tc = tcase_create("spool_damage");
	const int part_count = (int)ARRAY_LEN(parts);

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_loop_test(
	    tc, a_changed_byte_is_found_by_verify, 0, (int)ARRAY_LEN(flips));
	tcase_add_test(tc, a_byte_of_a_long_text_is_found_by_verify);
	tcase_add_test(tc, a_page_that_says_it_is_several_is_not_freed);
	tcase_add_loop_test(tc,
	    a_damaged_part_is_refused_and_the_neighbours_are_well, 0,
	    part_count);
	tcase_add_loop_test(
	    tc, a_damaged_message_can_be_removed, 0, part_count);
	tcase_add_test(tc, a_state_of_another_count_of_recipients_is_damage);
	tcase_add_test(tc, a_changed_bit_of_a_state_is_found);
	tcase_add_test(tc, a_state_of_another_message_is_damage);
	tcase_add_test(tc, a_state_that_cannot_be_read_can_be_replaced);
	tcase_add_test(tc, chunks_with_a_gap_are_damage);
	tcase_add_test(tc, a_chunk_longer_than_a_page_is_damage);
	tcase_add_test(tc, an_envelope_without_end_is_damage);
	tcase_add_loop_test(tc, a_damaged_record_of_the_spool_is_refused, 0,
	    (int)ARRAY_LEN(records));
	tcase_add_test(tc, a_message_is_never_overwritten);
	tcase_add_test(tc, keys_of_another_length_are_damage);
	tcase_add_test(tc, transactions_that_cannot_be_counted_on_are_damage);
	tcase_add_loop_test(
	    tc, a_walk_through_keys_out_of_order_goes_forward_or_stops, 0, 20);
	suite_add_tcase(s, tc);
	return s;
}
