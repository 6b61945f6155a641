/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "flushd/delivery.h"
#include "mail/queue_id.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

enum {
	ENVELOPE = 1,
	STATE = 2,
	TEXT = 3,
	CHUNK_LEN = 4096 - 16, /* of most machines */
	/* What one read of DELIVERY_PIECE bytes gives: whole chunks. */
	PIECE_LEN = (DELIVERY_PIECE + CHUNK_LEN - 1) / CHUNK_LEN * CHUNK_LEN,
	LONG_LEN = 7 << 19, /* 3.5 MiB */
	DUE_MS = 5000,
};

#define HOST	 "mx.example.org"
#define BYTES(s) s, sizeof(s) - 1

static const struct delivery_from from = {HOST, "site 1(2)"};

static struct delivery d;

/* ---- texts --------------------------------------------------------- */

/* Lines, some with a dot in front; no two chunks of it are equal. */
static char *
make_text(size_t len)
{
	char *text = malloc(len + 1);

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + (i * 7 + i / 4080 + i / 61) % 26);
	for (size_t i = 0; i < len; i += 61) {
		if (i / 61 % 5 == 0)
			text[i] = '.';
		if (i > 0)
			text[i - 1] = '\n';
	}
	if (len > 0)
		text[len - 1] = '\n';
	text[len] = '\0';
	return text;
}

static uint64_t
put(const char *text, size_t len)
{
	uint64_t id;

	fixture_begin(SPOOL_WRITE);
	id = fixture_put(text, len, FIXTURE_NOW_MS);
	fixture_commit();
	return id;
}

static uint64_t
put_made(size_t len)
{
	char *text = make_text(len);
	uint64_t id = put(text, len);

	free(text);
	return id;
}

/* ---- deliveries ---------------------------------------------------- */

/* When the message says it is due. */
static int64_t
due_of(uint64_t id)
{
	struct message_state state;
	struct envelope e;
	int64_t due_ms;

	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get(fixture_spool, id, &e, &state), 0);
	spool_abort(fixture_spool);
	due_ms = state.due_ms;
	envelope_release(&e);
	state_release(&state);
	return due_ms;
}

static int
load_due(uint64_t id, int64_t due_ms)
{
	int rc;

	fixture_begin(SPOOL_CHANGE);
	rc = delivery_load(&d, fixture_spool, id, due_ms, &from);
	spool_abort(fixture_spool);
	return rc;
}

static void
load(uint64_t id)
{
	ck_assert_int_eq(load_due(id, due_of(id)), 0);
}

/* Everybody may write: whoever read has let go of the lock. */
static void
check_unlocked(void)
{
	struct spool *other;

	ck_assert_int_eq(spool_open(fixture_path, &other), 0);
	ck_assert_int_eq(spool_begin(other, SPOOL_WRITE, 0, 0), 0);
	spool_close(other);
}

/* Append what is read from here on to out, and return what ended it. */
static int
read_rest(struct buf *out)
{
	const char *text;
	size_t len;
	int rc;

	while ((rc = delivery_read(&d, fixture_spool, &text, &len)) == 1) {
		ck_assert_uint_le(len, PIECE_LEN);
		check_unlocked();
		buf_add(out, text, len);
	}
	check_unlocked();
	return rc;
}

/* Read so many pieces; there must be as many. */
static void
read_pieces(int count)
{
	const char *text;
	size_t len;

	while (count-- > 0)
		ck_assert_int_eq(
		    delivery_read(&d, fixture_spool, &text, &len), 1);
}

static void
add_trace(struct buf *b, uint64_t id)
{
	char date[CLOCK_TEXT_MAX];
	char name[QUEUE_ID_TEXT_MAX];

	buf_add_format(b,
	    "Received: by " HOST
	    " (mini_sendmail, site site_1_2_, from userid 33)\n"
	    "\tid %s; %s\n",
	    queue_id_format(id, name), clock_rfc5322(FIXTURE_NOW_MS, date));
}

/* What came is the trace line, then the text, and not a byte else. */
static void
check_bytes(uint64_t id, const struct buf *got, const char *text, size_t len)
{
	struct buf want = BUF_INIT;

	add_trace(&want, id);
	buf_add(&want, text, len);
	ck_assert_uint_eq(got->len, want.len);
	ck_assert(memcmp(got->data, want.data, want.len) == 0);
	buf_release(&want);
}

/* Bytes on the wire, less what SIZE= leaves out: dots doubled, the final one.
 */
static uint64_t
measure(const struct buf *text)
{
	struct text_wire w = {0};
	struct buf wire = BUF_INIT;
	uint64_t len;

	/* In two parts, for CRs that are pending in between. */
	text_wire_add(&w, text->data, text->len / 2, &wire);
	text_wire_add(
	    &w, text->data + text->len / 2, text->len - text->len / 2, &wire);
	text_wire_end(&w, &wire);
	len = wire.len - 3;
	for (size_t i = 0; i + 4 <= wire.len; i++)
		len -= memcmp(wire.data + i, "\r\n..", 4) == 0;
	buf_release(&wire);
	return len;
}

/* ---- reading ------------------------------------------------------- */

START_TEST(a_small_message_is_trace_then_text_then_the_end)
{
	static const char text[] = "Subject: x\n\n.\nbody\n";
	const uint64_t id = fixture_put_one(text);
	struct buf trace = BUF_INIT;
	const char *piece;
	size_t len;

	load(id);
	delivery_begin(&d);
	add_trace(&trace, id);
	ck_assert_int_eq(delivery_read(&d, fixture_spool, &piece, &len), 1);
	ck_assert_uint_eq(len, trace.len);
	ck_assert_mem_eq(piece, trace.data, len);
	ck_assert_int_eq(delivery_read(&d, fixture_spool, &piece, &len), 1);
	ck_assert_uint_eq(len, sizeof(text) - 1);
	ck_assert_mem_eq(piece, text, len);
	ck_assert_int_eq(delivery_read(&d, fixture_spool, &piece, &len), 0);
	ck_assert_int_eq(delivery_read(&d, fixture_spool, &piece, &len), 0);
	ck_assert(!d.message.is_8bit);
	buf_release(&trace);
	delivery_release(&d);
}
END_TEST

static const struct {
	const char *name;
	size_t len;
} lengths[] = {
    {"nothing", 0},
    {"a byte", 1},
    {"whole chunks, less than a piece", 257 * CHUNK_LEN},
    {"a byte less than a piece", DELIVERY_PIECE - 1},
    {"a piece", DELIVERY_PIECE},
    {"a byte more than a piece", DELIVERY_PIECE + 1},
    {"a byte less than one read", PIECE_LEN - 1},
    {"one read", PIECE_LEN},
    {"a byte more than one read", PIECE_LEN + 1},
    {"two reads", 2 * PIECE_LEN},
    {"3.5 MiB", LONG_LEN},
};

START_TEST(a_text_is_read_as_it_was_put)
{
	const size_t len = lengths[_i].len;
	char *text = make_text(len);
	const uint64_t id = put(text, len);
	struct buf got = BUF_INIT;

	load(id);
	check_unlocked();
	delivery_begin(&d);
	ck_assert_msg(
	    read_rest(&got) == 0, "%s: not read to its end", lengths[_i].name);
	check_bytes(id, &got, text, len);
	ck_assert_msg(d.message.wire_len == measure(&got),
	    "%s: announced %ju bytes, sent %ju", lengths[_i].name,
	    (uintmax_t)d.message.wire_len, (uintmax_t)measure(&got));
	buf_release(&got);
	delivery_release(&d);
	free(text);
}
END_TEST

/* What mini_sendmail does not store, but a hostile site may. */
static const struct {
	const char *name;
	const char *text;
	size_t len;
	bool has_8bit;
} odd_texts[] = {
    {"dots", BYTES(".\n..\n...a\na.\n.\n"), false},
    {"a lone dot without a line end", BYTES("."), false},
    {"no line end", BYTES("text"), false},
    {"empty lines", BYTES("\n\n\n"), false},
    {"CRs", BYTES("a\rb\r\nc\r\r\n\r"), false},
    {"CRs alone", BYTES("\r\r\r\r\r\r\r\r"), false},
    {"a dot behind a CR", BYTES("a\n\r.\n.\r\n.\r"), false},
    {"8 bit", BYTES("caf\xe9\n"), true},
    {"8 bit at the end", BYTES("a\n\x80"), true},
};

START_TEST(the_size_announced_is_the_size_sent)
{
	const uint64_t id = put(odd_texts[_i].text, odd_texts[_i].len);
	struct buf got = BUF_INIT;

	load(id);
	delivery_begin(&d);
	ck_assert_int_eq(read_rest(&got), 0);
	check_bytes(id, &got, odd_texts[_i].text, odd_texts[_i].len);
	ck_assert_msg(d.message.wire_len == measure(&got),
	    "%s: announced %ju bytes, sent %ju", odd_texts[_i].name,
	    (uintmax_t)d.message.wire_len, (uintmax_t)measure(&got));
	ck_assert_msg(d.message.is_8bit == odd_texts[_i].has_8bit,
	    "%s: has_8bit: got %d, want %d", odd_texts[_i].name,
	    d.message.is_8bit, odd_texts[_i].has_8bit);
	buf_release(&got);
	delivery_release(&d);
}
END_TEST

START_TEST(a_line_end_across_two_pieces_is_counted_once)
{
	char *text = make_text(LONG_LEN);
	struct buf got = BUF_INIT;
	uint64_t id;

	text[PIECE_LEN - 1] = '\r';
	text[PIECE_LEN] = '\n';
	id = put(text, LONG_LEN);
	load(id);
	delivery_begin(&d);
	ck_assert_int_eq(read_rest(&got), 0);
	check_bytes(id, &got, text, LONG_LEN);
	ck_assert_uint_eq(d.message.wire_len, measure(&got));
	buf_release(&got);
	delivery_release(&d);
	free(text);
}
END_TEST

static const struct {
	size_t len;
	int pieces; /* read before it begins again */
} partial_reads[] = {
    {100, 0}, {100, 1}, {100, 2}, {LONG_LEN, 1}, {LONG_LEN, 2}, {LONG_LEN, 4},
    {LONG_LEN, 5}, /* all of it */
};

START_TEST(a_transaction_begins_at_the_beginning)
{
	const size_t len = partial_reads[_i].len;
	char *text = make_text(len);
	const uint64_t id = put(text, len);
	struct buf got = BUF_INIT;

	load(id);
	delivery_begin(&d);
	read_pieces(partial_reads[_i].pieces);
	delivery_begin(&d);
	ck_assert_int_eq(read_rest(&got), 0);
	check_bytes(id, &got, text, len);
	buf_release(&got);
	delivery_release(&d);
	free(text);
}
END_TEST

/* ---- damage -------------------------------------------------------- */

static void
flip_text(uint64_t id)
{
	(void)id;
	fixture_flip("NEEDLE", 3, 1);
}

static void
flip_sender(uint64_t id)
{
	(void)id;
	fixture_flip("a@example.org", 0, 2);
}

static void
put_nul(uint64_t id)
{
	(void)id;
	fixture_flip("NEEDLE", 0, 'N');
}

static void
drop_envelope(uint64_t id)
{
	fixture_set_chunk(id, ENVELOPE, 0, NULL, 0);
}

static void
spoil_envelope(uint64_t id)
{
	fixture_set_chunk(id, ENVELOPE, 0, BYTES("garbage garbage garbage"));
}

static void
drop_state(uint64_t id)
{
	fixture_set_chunk(id, STATE, 0, NULL, 0);
}

static void
spoil_state(uint64_t id)
{
	fixture_set_chunk(id, STATE, 0, BYTES("garbage garbage garbage"));
}

static void
drop_first_chunk(uint64_t id)
{
	fixture_set_chunk(id, TEXT, 0, NULL, 0);
}

static void
drop_inner_chunk(uint64_t id)
{
	fixture_set_chunk(id, TEXT, 600, NULL, 0);
}

static void
drop_last_chunk(uint64_t id)
{
	fixture_set_chunk(id, TEXT, (LONG_LEN - 1) / CHUNK_LEN, NULL, 0);
}

/* As an operator does it, meanwhile. */
static void
remove_message(uint64_t id)
{
	struct spool *other;

	ck_assert_int_eq(spool_open(fixture_path, &other), 0);
	ck_assert_int_eq(spool_begin(other, SPOOL_WRITE, 8 << 20, 0), 0);
	ck_assert_int_eq(spool_remove(other, id), 0);
	ck_assert_int_eq(spool_commit(other), 0);
	spool_close(other);
}

/* A message whose text holds NEEDLE near its end, deferred after 3 attempts. */
static uint64_t
put_victim(size_t len)
{
	struct message_state state;
	char *text = make_text(len);
	uint64_t id;

	memcpy(text + len - 10, "NEEDLE", 6);
	state_init(&state, 1, DUE_MS);
	state.phase = PHASE_DEFERRED;
	state.attempts = 3;
	fixture_begin(SPOOL_WRITE);
	id = fixture_put(text, len, FIXTURE_NOW_MS);
	ck_assert_int_eq(spool_set_state(fixture_spool, id, &state), 0);
	fixture_commit();
	state_release(&state);
	free(text);
	return id;
}

static const struct {
	const char *name;
	void (*apply)(uint64_t id);
	size_t len;
	int want;
} damages[] = {
    {"a byte of the text", flip_text, 100, -EBADMSG},
    {"a byte of a long text", flip_text, LONG_LEN, -EBADMSG},
    {"a byte of the sender", flip_sender, 100, -EBADMSG},
    {"no envelope", drop_envelope, 100, -EBADMSG},
    {"garbage envelope", spoil_envelope, 100, -EBADMSG},
    {"no state", drop_state, 100, -EBADMSG},
    {"garbage state", spoil_state, 100, -EBADMSG},
    {"no text", drop_first_chunk, 100, -EBADMSG},
    {"no first chunk", drop_first_chunk, LONG_LEN, -EBADMSG},
    {"no inner chunk", drop_inner_chunk, LONG_LEN, -EBADMSG},
    {"no last chunk", drop_last_chunk, LONG_LEN, -EBADMSG},
    {"removed", remove_message, 100, -ENOENT},
};

START_TEST(a_damaged_message_is_not_loaded)
{
	const uint64_t id = put_victim(damages[_i].len);
	int rc;

	damages[_i].apply(id);
	rc = load_due(id, DUE_MS);
	ck_assert_msg(rc == damages[_i].want, "%s: got %d, want %d",
	    damages[_i].name, rc, damages[_i].want);
	check_unlocked();
}
END_TEST

/* Its checksum is right: the site wrote it so. */
START_TEST(a_text_with_a_nul_is_not_loaded)
{
	const size_t len = _i == 0 ? 100 : LONG_LEN;
	char *text = make_text(len);
	uint64_t id;

	text[len - 2] = '\0';
	id = put(text, len);
	ck_assert_int_eq(load_due(id, FIXTURE_NOW_MS), -EBADMSG);
	free(text);
}
END_TEST

START_TEST(a_message_that_never_was_is_not_loaded)
{
	const uint64_t id = fixture_put_one("text\n");

	ck_assert_int_eq(load_due(id - 1, FIXTURE_NOW_MS), -ENOENT);
	ck_assert_int_eq(load_due(id + 1, FIXTURE_NOW_MS), -ENOENT);
	check_unlocked();
}
END_TEST

/* ---- changes while it is read -------------------------------------- */

static void
copy_chunk(struct environment *e, uint64_t from_id, uint64_t to,
    unsigned char part, uint32_t chunk)
{
	unsigned char key[FIXTURE_KEY_LEN];
	MDB_val k = {.mv_data = key, .mv_size = sizeof(key)};
	char copy[1 << 16];
	MDB_val value;

	fixture_chunk_key(key, from_id, part, chunk);
	ck_assert_int_eq(mdb_get(e->txn, e->dbi, &k, &value), 0);
	ck_assert_uint_le(value.mv_size, sizeof(copy));
	memcpy(copy, value.mv_data, value.mv_size);
	fixture_chunk_key(key, to, part, chunk);
	fixture_raw_put(e, key, sizeof(key), copy, value.mv_size);
}

/* By another text of the same length, and its checksum too. */
static void
replace_all(uint64_t id)
{
	char *text = make_text(LONG_LEN);
	struct environment e;
	uint64_t other;

	for (size_t i = 0; i < LONG_LEN; i += 4000)
		text[i] = '#';
	other = put(text, LONG_LEN);
	free(text);
	fixture_open_raw(&e);
	copy_chunk(&e, other, id, ENVELOPE, 0);
	for (uint32_t i = 0; i <= (LONG_LEN - 1) / CHUNK_LEN; i++)
		copy_chunk(&e, other, id, TEXT, i);
	ck_assert_int_eq(environment_commit(&e), 0);
	environment_close(&e);
}

static const struct {
	const char *name;
	void (*apply)(uint64_t id);
	int pieces; /* read before it happens; there are 5 in all */
} changes[] = {
    {"removed before the first piece", remove_message, 0},
    {"removed behind the trace", remove_message, 1},
    {"removed behind the first piece of text", remove_message, 2},
    {"removed before the last piece", remove_message, 4},
    {"replaced before the first piece", replace_all, 0},
    {"replaced in the middle", replace_all, 3},
    {"replaced before the last piece", replace_all, 4},
    {"a byte changed", flip_text, 1},
    {"a byte changed just before", flip_text, 4},
    {"a NUL just before", put_nul, 4},
    {"a chunk lost", drop_inner_chunk, 1},
    {"the last chunk lost", drop_last_chunk, 4},
    {"the envelope lost", drop_envelope, 2},
};

START_TEST(a_message_that_changes_is_not_ended)
{
	const uint64_t id = put_victim(LONG_LEN);
	struct buf got = BUF_INIT;
	const char *text;
	size_t len;
	int rc;

	load(id);
	delivery_begin(&d);
	read_pieces(changes[_i].pieces);
	changes[_i].apply(id);
	rc = read_rest(&got);
	ck_assert_msg(rc == -EBADMSG, "%s: got %d, want %d", changes[_i].name,
	    rc, -EBADMSG);
	/* Nor if somebody asks once more. */
	rc = delivery_read(&d, fixture_spool, &text, &len);
	ck_assert_msg(rc != 0, "%s: ended after all", changes[_i].name);
	buf_release(&got);
	delivery_release(&d);
}
END_TEST

/* ---- held ---------------------------------------------------------- */

static void
check_nothing_is_due(void)
{
	int64_t due_ms = 0;
	int64_t next_ms = 0;
	uint64_t id = 0;

	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_next_due(fixture_spool, FIXTURE_NOW_MS, &due_ms,
			     &id, &next_ms),
	    -ENOENT);
	ck_assert_int_eq(next_ms, INT64_MAX);
	spool_abort(fixture_spool);
}

static const struct {
	const char *name;
	void (*apply)(uint64_t id);
	bool has_envelope;
	bool has_state; /* which is kept; of another, nobody knows how it was
			   counted */
} holds[] = {
    {"text", flip_text, true, true},
    {"a NUL in the text", put_nul, true, true},
    {"no text", drop_first_chunk, true, true},
    {"a sender", flip_sender, true, true},
    {"garbage envelope", spoil_envelope, false, true},
    {"no envelope", drop_envelope, false, true},
    {"garbage state", spoil_state, true, false},
    {"no state", drop_state, true, false},
};

START_TEST(a_damaged_message_is_held)
{
	const uint64_t id = put_victim(100);
	struct message_state state;
	struct spool_counters counters;
	struct envelope e;
	struct census c;
	int rc;

	holds[_i].apply(id);
	ck_assert_int_eq(delivery_hold_damaged(fixture_spool, id, DUE_MS), 0);
	/* The census fails if a held message is in the schedule. */
	fixture_census(&c);
	ck_assert_msg(c.count[PHASE_HELD] == 1, "%s: not held", holds[_i].name);
	ck_assert_uint_eq(c.schedule_count, 0);
	check_nothing_is_due();
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get_counters(fixture_spool, &counters), 0);
	ck_assert_uint_eq(counters.count[PHASE_HELD], 1);
	if (holds[_i].has_state)
		ck_assert_uint_eq(counters.count[PHASE_DEFERRED], 0);
	rc = spool_get(fixture_spool, id, &e, &state);
	spool_abort(fixture_spool);
	ck_assert_msg((rc == 0) == holds[_i].has_envelope, "%s: got %d",
	    holds[_i].name, rc);
	if (rc < 0)
		return;
	ck_assert_int_eq(state.phase, PHASE_HELD);
	ck_assert_str_eq(state.reason, "damaged");
	ck_assert_uint_eq(state.attempts, holds[_i].has_state ? 3 : 0);
	envelope_release(&e);
	state_release(&state);
}
END_TEST

START_TEST(the_neighbours_of_a_held_message_stay_due)
{
	const uint64_t before = fixture_put_one("text\n");
	const uint64_t id = put_victim(100);
	const uint64_t after = fixture_put_one("text\n");
	struct census c;

	spoil_envelope(id);
	ck_assert_int_eq(delivery_hold_damaged(fixture_spool, id, DUE_MS), 0);
	fixture_census(&c);
	ck_assert_uint_eq(c.schedule_count, 2);
	load(before);
	delivery_release(&d);
	load(after);
	delivery_release(&d);
}
END_TEST

/* ---- entries without a message ------------------------------------- */

static void
add_entry(int64_t due_ms, uint64_t id)
{
	unsigned char key[17] = {0x11};

	bytes_put_be64(key + 1, (uint64_t)due_ms);
	bytes_put_be64(key + 9, id);
	fixture_set_raw(key, sizeof(key), "", 0);
}

START_TEST(forget_removes_an_entry_and_no_other)
{
	const uint64_t id = fixture_put_one("text\n");
	struct census c;

	add_entry(FIXTURE_NOW_MS, id + 1);
	ck_assert_int_eq(
	    delivery_forget(fixture_spool, id + 1, FIXTURE_NOW_MS), 0);
	fixture_census(&c); /* an entry too many or too few fails here */
	ck_assert_uint_eq(c.schedule_count, 1);
	/* Once more is no error. */
	ck_assert_int_eq(
	    delivery_forget(fixture_spool, id + 1, FIXTURE_NOW_MS), 0);
	load(id);
	delivery_release(&d);
}
END_TEST

START_TEST(holding_a_message_that_is_gone_removes_its_entry)
{
	const uint64_t id = fixture_put_one("text\n");
	struct census c;

	add_entry(DUE_MS, id + 1);
	ck_assert_int_eq(
	    delivery_hold_damaged(fixture_spool, id + 1, DUE_MS), 0);
	fixture_census(&c);
	ck_assert_uint_eq(c.schedule_count, 1);
	ck_assert_uint_eq(c.count[PHASE_HELD], 0);
}
END_TEST

static uint64_t
put_to_many(size_t count)
{
	const struct spool_piece piece = {.data = "text\n", .len = 5};
	struct envelope e;
	uint64_t id = 0;

	fixture_envelope(&e, count, piece.len);
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(
	    spool_put(fixture_spool, &e, &piece, 1, FIXTURE_NOW_MS, &id), 0);
	fixture_commit();
	envelope_release(&e);
	return id;
}

static const struct {
	const char *name;
	enum message_phase phase;
	int64_t due_ms;
} stale[] = {
    {"deferred to another time", PHASE_DEFERRED, DUE_MS + 1},
    {"held", PHASE_HELD, 0},
    {"failed", PHASE_FAILED, 0},
};

START_TEST(an_entry_that_the_message_knows_nothing_of_sends_nothing)
{
	const uint64_t id = fixture_put_one("text\n");
	int rc;

	fixture_begin(SPOOL_WRITE);
	fixture_set(id, stale[_i].phase, stale[_i].due_ms);
	fixture_commit();
	add_entry(DUE_MS, id);
	rc = load_due(id, DUE_MS);
	ck_assert_msg(
	    rc == -ESTALE, "%s: got %d, want %d", stale[_i].name, rc, -ESTALE);
	check_unlocked();
}
END_TEST

START_TEST(a_due_message_with_nobody_to_go_to_is_damaged)
{
	const uint64_t id = fixture_put_one("text\n");
	struct message_state state;

	state_init(&state, 1, DUE_MS);
	state.recipients[0].status = RECIPIENT_DELIVERED;
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(spool_set_state(fixture_spool, id, &state), 0);
	fixture_commit();
	state_release(&state);
	ck_assert_int_eq(load_due(id, DUE_MS), -EBADMSG);
	check_unlocked();
}
END_TEST

START_TEST(a_held_message_keeps_all_its_recipients)
{
	const uint64_t id = put_to_many(3);
	struct message_state state;
	struct envelope e;

	spoil_state(id);
	ck_assert_int_eq(
	    delivery_hold_damaged(fixture_spool, id, FIXTURE_NOW_MS), 0);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get(fixture_spool, id, &e, &state), 0);
	spool_abort(fixture_spool);
	ck_assert_uint_eq(state_count(&state, RECIPIENT_PENDING), 3);
	ck_assert_int_eq(state.phase, PHASE_HELD);
	envelope_release(&e);
	state_release(&state);
}
END_TEST

/* ---- parameters ---------------------------------------------------- */

/* A message of 7-bit text for which e asks what else it asks for. */
static uint64_t
put_envelope(struct envelope *e)
{
	const struct spool_piece piece = {BYTES("text\n")};
	uint64_t id;

	e->text_len = piece.len;
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(
	    spool_put(fixture_spool, e, &piece, 1, FIXTURE_NOW_MS, &id), 0);
	fixture_commit();
	envelope_release(e);
	return id;
}

START_TEST(what_was_asked_for_is_for_the_relay)
{
	struct envelope e;

	fixture_envelope(&e, 2, 0);
	e.body = BODY_8BITMIME;
	e.ret = RET_FULL;
	e.is_smtputf8 = true;
	ck_assert_int_eq(envelope_set_envid(&e, "order 7", 7), 0);
	ck_assert_int_eq(
	    recipient_set_notify(&e.recipients[1], NOTIFY_NEVER), 0);
	ck_assert_int_eq(recipient_set_original(&e.recipients[0], "a;b", 3), 0);
	load(put_envelope(&e));
	delivery_begin(&d);
	ck_assert(d.message.is_8bit);
	ck_assert(d.message.is_smtputf8);
	ck_assert_int_eq(d.message.ret, RET_FULL);
	ck_assert_str_eq(d.message.envid, "order 7");
	ck_assert_uint_eq(d.message.recipients[0]->notify, 0);
	ck_assert_str_eq(d.message.recipients[0]->original, "a;b");
	ck_assert_uint_eq(d.message.recipients[1]->notify, NOTIFY_NEVER);
	delivery_release(&d);
}
END_TEST

START_TEST(reports_name_the_queue_id_where_nothing_was_asked_for)
{
	char name[QUEUE_ID_TEXT_MAX];
	struct envelope e;
	uint64_t id;

	fixture_envelope(&e, 1, 0);
	e.body = BODY_7BIT;
	id = put_envelope(&e);
	load(id);
	delivery_begin(&d);
	ck_assert_str_eq(d.message.envid, queue_id_format(id, name));
	ck_assert(!d.message.is_8bit);
	ck_assert(!d.message.is_smtputf8);
	ck_assert_int_eq(d.message.ret, RET_UNSPECIFIED);
	delivery_release(&d);
}
END_TEST

/* ---- recipients ---------------------------------------------------- */

START_TEST(only_pending_recipients_are_tried)
{
	static const size_t want[] = {0, 2, 4};

	load(put_to_many(5));
	d.state.recipients[1].status = RECIPIENT_DELIVERED;
	d.state.recipients[3].status = RECIPIENT_FAILED;
	delivery_begin(&d);
	ck_assert_str_eq(d.message.sender, "a@example.org");
	ck_assert_uint_eq(d.message.recipient_count, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		ck_assert_uint_eq(d.tried[i], want[i]);
		ck_assert_str_eq(d.message.recipients[i]->address,
		    d.envelope.recipients[want[i]].address);
	}
	delivery_release(&d);
}
END_TEST

/* One transaction: how often each recipient was tried goes up. */
static size_t
try_once(unsigned char *tried)
{
	delivery_begin(&d);
	for (size_t i = 0; i < d.message.recipient_count; i++) {
		const size_t n = d.tried[i];

		ck_assert_uint_lt(n, d.state.recipient_count);
		ck_assert_int_eq(
		    d.state.recipients[n].status, RECIPIENT_PENDING);
		ck_assert_str_eq(d.message.recipients[i]->address,
		    d.envelope.recipients[n].address);
		tried[n]++;
	}
	return d.message.recipient_count;
}

static const struct {
	size_t count;
	size_t sent_step; /* each so many-th was delivered; 0: none */
	uint32_t attempts;
} crowds[] = {
    {1, 0, 0},
    {1, 0, UINT32_MAX},
    {SMTP_RECIPIENTS_MAX, 0, 7},
    {SMTP_RECIPIENTS_MAX + 1, 0, 0},
    {SMTP_RECIPIENTS_MAX + 1, 0, 1000},
    {2 * SMTP_RECIPIENTS_MAX - 1, 0, 3},
    {2 * SMTP_RECIPIENTS_MAX, 0, 1},
    {2 * SMTP_RECIPIENTS_MAX + 1, 0, 2},
    {1777, 0, 5},
    {1777, 3, 5},
    {4000, 2, 0},
    {ENVELOPE_RECIPIENTS_MAX, 0, 0},
};

/* Those in front are deferred each time; the others get their turn. */
START_TEST(of_many_recipients_all_get_their_turn)
{
	const size_t count = crowds[_i].count;
	const size_t turns =
	    (count + SMTP_RECIPIENTS_MAX - 1) / SMTP_RECIPIENTS_MAX;
	unsigned char tried[ENVELOPE_RECIPIENTS_MAX];
	size_t pending = 0;
	size_t want;

	load(put_to_many(count));
	for (size_t i = 0; i < count; i++) {
		if (crowds[_i].sent_step && i % crowds[_i].sent_step == 0)
			d.state.recipients[i].status = RECIPIENT_DELIVERED;
		else
			pending++;
	}
	want = pending < SMTP_RECIPIENTS_MAX ? pending : SMTP_RECIPIENTS_MAX;
	memset(tried, 0, sizeof(tried));
	for (size_t turn = 0; turn < turns; turn++) {
		unsigned char now[ENVELOPE_RECIPIENTS_MAX] = {0};

		d.state.attempts = crowds[_i].attempts + (uint32_t)turn;
		ck_assert_uint_eq(try_once(now), want);
		for (size_t i = 0; i < count; i++) {
			ck_assert_uint_le(now[i], 1);
			tried[i] |= now[i];
		}
	}
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(tried[i] == (d.state.recipients[i].status ==
					      RECIPIENT_PENDING),
		    "%zu of %zu: tried %d", i, count, tried[i]);
	delivery_release(&d);
}
END_TEST

/* Of a transaction without an attempt: the next one takes the rest. */
START_TEST(what_was_sent_makes_room_for_the_others)
{
	load(put_to_many(SMTP_RECIPIENTS_MAX + 3));
	for (size_t i = 0; i < SMTP_RECIPIENTS_MAX; i++)
		d.state.recipients[i].status = RECIPIENT_DELIVERED;
	delivery_begin(&d);
	ck_assert_uint_eq(d.message.recipient_count, 3);
	ck_assert_uint_eq(d.tried[0], SMTP_RECIPIENTS_MAX);
	delivery_release(&d);
}
END_TEST

/* ---- what is recorded ---------------------------------------------- */

START_TEST(a_state_is_stored)
{
	const uint64_t id = fixture_put_one("text\n");

	load(id);
	d.state.phase = PHASE_DEFERRED;
	d.state.attempts = 2;
	d.state.due_ms = DUE_MS;
	state_set_reply(&d.state, 0, "450 later");
	ck_assert_int_eq(delivery_store(&d, fixture_spool), 0);
	delivery_release(&d);
	fixture_reopen();
	fixture_check_counters();
	load(id);
	ck_assert_int_eq(d.state.phase, PHASE_DEFERRED);
	ck_assert_uint_eq(d.state.attempts, 2);
	ck_assert_int_eq(d.state.due_ms, DUE_MS);
	ck_assert_str_eq(d.state.recipients[0].reply, "450 later");
	delivery_release(&d);
}
END_TEST

START_TEST(a_message_is_removed)
{
	const uint64_t id = fixture_put_one("text\n");
	const uint64_t other = fixture_put_one("text\n");

	load(id);
	ck_assert_int_eq(delivery_remove(&d, fixture_spool), 0);
	delivery_release(&d);
	fixture_reopen();
	fixture_check_counters();
	ck_assert_int_eq(load_due(id, FIXTURE_NOW_MS), -ENOENT);
	load(other);
	delivery_release(&d);
}
END_TEST

static int
store(void)
{
	d.state.attempts++;
	return delivery_store(&d, fixture_spool);
}

static int
remove_it(void)
{
	return delivery_remove(&d, fixture_spool);
}

static int (*const records[])(void) = {store, remove_it};

START_TEST(recording_is_no_error_if_the_message_was_removed_meanwhile)
{
	const uint64_t id = put_made(100);
	struct census c;

	load(id);
	remove_message(id);
	ck_assert_int_eq(records[_i](), 0);
	check_unlocked();
	fixture_census(&c);
	ck_assert_uint_eq(c.schedule_count, 0);
	ck_assert_uint_eq(c.bytes, 0);
	ck_assert_uint_eq(c.key_count, 3); /* of the spool itself */
	fixture_check_counters();
	delivery_release(&d);
}
END_TEST

/* As an operator does it, meanwhile. */
static void
hold_message(uint64_t id)
{
	struct message_state state;
	struct envelope e;

	fixture_begin(SPOOL_CHANGE);
	ck_assert_int_eq(spool_get(fixture_spool, id, &e, &state), 0);
	state_hold(&state, "spam");
	ck_assert_int_eq(spool_set_state(fixture_spool, id, &state), 0);
	fixture_commit();
	envelope_release(&e);
	state_release(&state);
}

static int
store_with_report(void)
{
	const struct buf text = {.data = (char[]){"text\n"}, .len = 5};
	struct envelope e;
	uint64_t id;
	int rc;

	d.state.attempts++;
	fixture_envelope(&e, 1, text.len);
	rc = delivery_report(
	    &d, fixture_spool, false, &e, &text, FIXTURE_NOW_MS, &id);
	envelope_release(&e);
	return rc;
}

static int
store_in_a_turn(void)
{
	int rc;

	d.state.attempts++;
	fixture_begin(SPOOL_CHANGE);
	rc = delivery_set_state(&d, fixture_spool);
	fixture_commit();
	return rc;
}

static int (*const updates[])(void) = {
    store, store_with_report, store_in_a_turn};

START_TEST(a_hold_meanwhile_outlasts_an_outcome)
{
	const uint64_t id = put_made(100);
	struct message_state state;
	struct envelope e;

	load(id);
	hold_message(id);
	ck_assert_int_eq(updates[_i](), 0);
	delivery_release(&d);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get(fixture_spool, id, &e, &state), 0);
	spool_abort(fixture_spool);
	ck_assert_int_eq(state.phase, PHASE_HELD);
	ck_assert_str_eq(state.reason, "spam");
	ck_assert_uint_eq(state.attempts, 1);
	envelope_release(&e);
	state_release(&state);
	fixture_check_counters();
}
END_TEST

START_TEST(what_was_taken_back_before_it_is_sent_is_off)
{
	static void (*const deeds[])(uint64_t) = {remove_message, hold_message};
	const uint64_t id = put_made(100);

	load(id);
	ck_assert(!delivery_is_off(&d, fixture_spool));
	d.loaded_ms -= 1000;
	ck_assert(!delivery_is_off(&d, fixture_spool));
	deeds[_i](id);
	ck_assert(delivery_is_off(&d, fixture_spool));
	check_unlocked();
	delivery_release(&d);
}
END_TEST

/* ---- the suite ----------------------------------------------------- */

static void
add_tests(TCase *tc)
{
	tcase_add_test(tc, a_small_message_is_trace_then_text_then_the_end);
	tcase_add_loop_test(
	    tc, a_text_is_read_as_it_was_put, 0, (int)ARRAY_LEN(lengths));
	tcase_add_loop_test(tc, the_size_announced_is_the_size_sent, 0,
	    (int)ARRAY_LEN(odd_texts));
	tcase_add_test(tc, a_line_end_across_two_pieces_is_counted_once);
	tcase_add_loop_test(tc, a_transaction_begins_at_the_beginning, 0,
	    (int)ARRAY_LEN(partial_reads));
	tcase_add_loop_test(
	    tc, a_damaged_message_is_not_loaded, 0, (int)ARRAY_LEN(damages));
	tcase_add_loop_test(tc, a_text_with_a_nul_is_not_loaded, 0, 2);
	tcase_add_test(tc, a_message_that_never_was_is_not_loaded);
	tcase_add_loop_test(tc, a_message_that_changes_is_not_ended, 0,
	    (int)ARRAY_LEN(changes));
	tcase_add_loop_test(
	    tc, a_damaged_message_is_held, 0, (int)ARRAY_LEN(holds));
	tcase_add_test(tc, the_neighbours_of_a_held_message_stay_due);
	tcase_add_test(tc, forget_removes_an_entry_and_no_other);
	tcase_add_test(tc, holding_a_message_that_is_gone_removes_its_entry);
	tcase_add_loop_test(tc,
	    an_entry_that_the_message_knows_nothing_of_sends_nothing, 0,
	    (int)ARRAY_LEN(stale));
	tcase_add_test(tc, a_due_message_with_nobody_to_go_to_is_damaged);
	tcase_add_test(tc, a_held_message_keeps_all_its_recipients);
	tcase_add_test(tc, what_was_asked_for_is_for_the_relay);
	tcase_add_test(
	    tc, reports_name_the_queue_id_where_nothing_was_asked_for);
	tcase_add_test(tc, only_pending_recipients_are_tried);
	tcase_add_loop_test(tc, of_many_recipients_all_get_their_turn, 0,
	    (int)ARRAY_LEN(crowds));
	tcase_add_test(tc, what_was_sent_makes_room_for_the_others);
	tcase_add_test(tc, a_state_is_stored);
	tcase_add_test(tc, a_message_is_removed);
	tcase_add_loop_test(tc,
	    recording_is_no_error_if_the_message_was_removed_meanwhile, 0,
	    (int)ARRAY_LEN(records));
	tcase_add_loop_test(tc, a_hold_meanwhile_outlasts_an_outcome, 0,
	    (int)ARRAY_LEN(updates));
	tcase_add_loop_test(
	    tc, what_was_taken_back_before_it_is_sent_is_off, 0, 2);
}

Suite *
delivery_suite(void)
{
	Suite *s = suite_create("delivery");
	TCase *tc = tcase_create("delivery");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	add_tests(tc);
	suite_add_tcase(s, tc);
	return s;
}
