/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit/spool_fixture.h"
#include "unit/suites.h"

enum { CHUNK = 4080, PIECES_MAX = 8 };

/* How a text is cut into pieces when it is stored, and read back. */
static const struct {
	const char *name;
	size_t len;
	size_t piece_len; /* 0: all in one */
	size_t read_max;
} texts[] = {
    {"nothing", 0, 0, 4096},
    {"one byte", 1, 0, 4096},
    {"a byte less than a chunk", CHUNK - 1, 0, 4096},
    {"a chunk", CHUNK, 0, 4096},
    {"a chunk, read in ones", CHUNK, 0, 1},
    {"a byte more than a chunk", CHUNK + 1, 0, 4096},
    {"a byte more, in two pieces", CHUNK + 1, CHUNK, 4096},
    {"a byte more, in odd pieces", CHUNK + 1, 777, 1},
    {"two chunks", 2 * CHUNK, 0, CHUNK},
    {"two chunks, in pieces across the border", 2 * CHUNK, 3000, 1},
    {"a byte less than two", 2 * CHUNK - 1, 3000, CHUNK},
    {"a byte more than two", 2 * CHUNK + 1, 3000, CHUNK + 1},
    {"1 MB", 1 << 20, 0, 100000},
    {"1 MB in pieces", 1 << 20, 200001, 1 << 20},
};

static char *
make_text(size_t len)
{
	char *text = malloc(len + 1);

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('!' + (i * 31 + i / 251) % 90);
	return text;
}

static uint64_t
put_in_pieces(const char *text, size_t len, size_t piece_len)
{
	struct spool_piece pieces[PIECES_MAX + 2] = {{0}};
	size_t count = 0;
	struct envelope e;
	uint64_t id = 0;

	/* Empty pieces at both ends must not matter. */
	pieces[count++] = (struct spool_piece){.data = NULL, .len = 0};
	for (size_t at = 0; at < len; count++) {
		size_t n =
		    piece_len && piece_len < len - at ? piece_len : len - at;

		ck_assert_uint_lt(count, PIECES_MAX + 1);
		pieces[count] =
		    (struct spool_piece){.data = text + at, .len = n};
		at += n;
	}
	pieces[count++] = (struct spool_piece){.data = "", .len = 0};
	fixture_envelope(&e, 1, len);
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(
	    spool_put(fixture_spool, &e, pieces, count, FIXTURE_NOW_MS, &id),
	    0);
	fixture_commit();
	envelope_release(&e);
	return id;
}

START_TEST(a_text_comes_back_byte_for_byte)
{
	const size_t len = texts[_i].len;
	char *text = make_text(len);
	uint64_t id = put_in_pieces(text, len, texts[_i].piece_len);
	struct digest *d = digest_new();
	struct buf all = BUF_INIT;
	uint32_t chunk = 0;
	int rc;

	fixture_reopen();
	do {
		struct buf some = BUF_INIT;

		/* A transaction for each part, as whoever reads on does. */
		fixture_begin(SPOOL_READ);
		rc = spool_read_text(
		    fixture_spool, id, &chunk, texts[_i].read_max, &some);
		spool_abort(fixture_spool);
		ck_assert_msg(rc == 0 || some.len >= texts[_i].read_max,
		    "%s: got %zu bytes, want at least %zu", texts[_i].name,
		    some.len, texts[_i].read_max);
		ck_assert_uint_lt(some.len, texts[_i].read_max + CHUNK);
		buf_add(&all, some.data, some.len);
		digest_add(d, some.data, some.len);
		buf_release(&some);
	} while (rc == 1);
	ck_assert_msg(rc == 0, "%s: got %d, want 0", texts[_i].name, rc);
	ck_assert_msg(all.len == len && memcmp(all.data, text, len) == 0,
	    "%s: got %zu other bytes", texts[_i].name, all.len);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_verify(fixture_spool, id, d), 0);
	spool_abort(fixture_spool);
	fixture_check_counters();
	digest_free(d);
	buf_release(&all);
	free(text);
}
END_TEST

/* Give the digest something else than the text. */
static const struct {
	const char *name;
	const char *given;
	int want;
} givens[] = {
    {"the text", "the text\n", 0},
    {"nothing", "", -EBADMSG},
    {"less", "the text", -EBADMSG},
    {"more", "the text\n\n", -EBADMSG},
    {"as much of another", "the test\n", -EBADMSG},
};

START_TEST(verify_finds_any_other_text)
{
	uint64_t id = fixture_put_one("the text\n");
	struct digest *d = digest_new();
	int rc;

	digest_add(d, givens[_i].given, strlen(givens[_i].given));
	fixture_begin(SPOOL_READ);
	rc = spool_verify(fixture_spool, id, d);
	ck_assert_msg(rc == givens[_i].want, "%s: got %d, want %d",
	    givens[_i].name, rc, givens[_i].want);
	digest_free(d);
}
END_TEST

START_TEST(put_refuses_a_text_of_another_length_than_the_envelope_says)
{
	const struct spool_piece piece = {.data = "the text\n", .len = 9};
	struct envelope e;
	uint64_t id = 0;

	fixture_envelope(&e, 1, 8);
	fixture_begin(SPOOL_WRITE);
	ck_assert_int_eq(
	    spool_put(fixture_spool, &e, &piece, 1, FIXTURE_NOW_MS, &id),
	    -EINVAL);
	spool_abort(fixture_spool);
	envelope_release(&e);
}
END_TEST

START_TEST(texts_of_neighbours_do_not_mix)
{
	uint64_t ids[3];
	char text[CHUNK];

	fixture_begin(SPOOL_WRITE);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		/* Whole chunks only: nothing but the keys ends them. */
		memset(text, 'a' + (int)i, sizeof(text));
		ids[i] = fixture_put(text, sizeof(text), FIXTURE_NOW_MS);
	}
	fixture_commit();
	fixture_begin(SPOOL_READ);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct buf got = BUF_INIT;
		uint32_t chunk = 0;

		memset(text, 'a' + (int)i, sizeof(text));
		ck_assert_int_eq(spool_read_text(fixture_spool, ids[i], &chunk,
				     1 << 20, &got),
		    0);
		ck_assert_uint_eq(got.len, sizeof(text));
		ck_assert_mem_eq(got.data, text, sizeof(text));
		buf_release(&got);
	}
}
END_TEST

Suite *
spool_text_suite(void)
{
	Suite *s = suite_create("spool_text");
	TCase *tc = tcase_create("spool_text");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_loop_test(
	    tc, a_text_comes_back_byte_for_byte, 0, (int)ARRAY_LEN(texts));
	tcase_add_loop_test(
	    tc, verify_finds_any_other_text, 0, (int)ARRAY_LEN(givens));
	tcase_add_test(
	    tc, put_refuses_a_text_of_another_length_than_the_envelope_says);
	tcase_add_test(tc, texts_of_neighbours_do_not_mix);
	suite_add_tcase(s, tc);
	return s;
}
