/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "spool/digest.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

START_TEST(nothing_has_the_digest_of_nothing)
{
	struct digest *d = digest_new();

	ck_assert_uint_eq(digest_len(d), 0);
	ck_assert_uint_eq(digest_value(d), UINT64_C(0x2d06800538d394c2));
	digest_free(d);
	digest_free(NULL);
}
END_TEST

START_TEST(pieces_have_the_digest_of_the_whole)
{
	static char data[5000];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7);
	for (size_t cut = 0; cut <= sizeof(data); cut += 61) {
		struct digest *d = digest_new();

		digest_add(d, data, cut);
		digest_add(d, data + cut, sizeof(data) - cut);
		ck_assert_uint_eq(digest_len(d), sizeof(data));
		ck_assert_uint_eq(
		    digest_value(d), XXH3_64bits(data, sizeof(data)));
		digest_free(d);
	}
}
END_TEST

/* docs/spool-format.md: XXH3-64 of text, then fields; behind the fields. */
START_TEST(a_stored_checksum_is_as_documented)
{
	unsigned char key[FIXTURE_KEY_LEN];
	MDB_val k = {.mv_data = key, .mv_size = sizeof(key)};
	struct environment e;
	struct buf all = BUF_INIT;
	MDB_val v;
	uint64_t id;
	size_t len;

	fixture_setup();
	id = fixture_put_one("the text\n");
	fixture_chunk_key(key, id, 1, 0);
	fixture_open_raw(&e);
	ck_assert_int_eq(mdb_get(e.txn, e.dbi, &k, &v), 0);
	len = v.mv_size - 8;
	buf_add_str(&all, "the text\n");
	buf_add(&all, v.mv_data, len);
	ck_assert_uint_eq(bytes_get_be64((const char *)v.mv_data + len),
	    XXH3_64bits(all.data, all.len));
	environment_close(&e);
	buf_release(&all);
	fixture_teardown();
}
END_TEST

Suite *
digest_suite(void)
{
	Suite *s = suite_create("digest");
	TCase *tc = tcase_create("digest");

	tcase_add_test(tc, nothing_has_the_digest_of_nothing);
	tcase_add_test(tc, pieces_have_the_digest_of_the_whole);
	tcase_add_test(tc, a_stored_checksum_is_as_documented);
	suite_add_tcase(s, tc);
	return s;
}
