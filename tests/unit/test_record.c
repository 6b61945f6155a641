/* SPDX-License-Identifier: ISC */
/*
 * What holds for records of every kind. test_record_rules.c has what holds for
 * one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit/record_kinds.h"
#include "unit/suites.h"

START_TEST(what_is_encoded_is_decoded)
{
	const struct record_kind *k = &record_kinds[_i];
	struct buf bytes = BUF_INIT;
	struct buf again = BUF_INIT;
	int rc;

	k->sample(&bytes);
	rc = k->recode(bytes.data, bytes.len, &again);
	ck_assert_msg(rc == 0, "%s: got %d, want 0", k->name, rc);
	ck_assert_msg(again.len == bytes.len &&
			  memcmp(again.data, bytes.data, bytes.len) == 0,
	    "%s: got %zu other bytes, want the same %zu", k->name, again.len,
	    bytes.len);
	buf_release(&bytes);
	buf_release(&again);
}
END_TEST

/*
 * Decode hostile bytes from memory of exactly their length, so that a sanitizer
 * sees every look beyond it. What is taken must come back as it was taken.
 */
static void
check_hostile(const struct record_kind *k, const char *data, size_t len)
{
	char *exact = malloc(len ? len : 1);
	struct buf once = BUF_INIT;
	struct buf twice = BUF_INIT;
	int rc;

	ck_assert_ptr_nonnull(exact);
	if (len > 0)
		memcpy(exact, data, len);
	rc = k->recode(exact, len, &once);
	ck_assert_msg(rc == 0 || rc == -EBADMSG,
	    "%s: got %d, want 0 or -EBADMSG", k->name, rc);
	if (rc == 0) {
		rc = k->recode(once.data, once.len, &twice);
		ck_assert_msg(rc == 0 && once.len == twice.len &&
				  memcmp(once.data, twice.data, once.len) == 0,
		    "%s: got %d and other bytes from what was taken once",
		    k->name, rc);
	}
	buf_release(&once);
	buf_release(&twice);
	free(exact);
}

START_TEST(a_truncated_record_is_damaged_or_valid)
{
	const struct record_kind *k = &record_kinds[_i];
	struct buf bytes = BUF_INIT;

	k->sample(&bytes);
	for (size_t len = 0; len < bytes.len; len++)
		check_hostile(k, bytes.data, len);
	buf_release(&bytes);
}
END_TEST

START_TEST(a_record_with_one_byte_changed_is_damaged_or_valid)
{
	const struct record_kind *k = &record_kinds[_i];
	struct buf bytes = BUF_INIT;

	k->sample(&bytes);
	for (size_t i = 0; i < bytes.len; i++) {
		const char was = bytes.data[i];

		for (int v = 0; v < 256; v++) {
			bytes.data[i] = (char)v;
			check_hostile(k, bytes.data, bytes.len);
		}
		bytes.data[i] = was;
	}
	buf_release(&bytes);
}
END_TEST

START_TEST(a_record_with_many_bytes_changed_is_damaged_or_valid)
{
	const struct record_kind *k = &record_kinds[_i];
	uint64_t seed = 42;

	for (int round = 0; round < 5000; round++) {
		struct buf bytes = BUF_INIT;

		k->sample(&bytes);
		for (int n = 0; n < 4; n++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			bytes.data[(seed >> 32) % bytes.len] =
			    (char)(seed >> 24 & 7);
		}
		check_hostile(k, bytes.data, bytes.len);
		buf_release(&bytes);
	}
}
END_TEST

START_TEST(a_surplus_of_bytes_is_damage)
{
	const struct record_kind *k = &record_kinds[_i];

	for (size_t surplus = 1; surplus < 5; surplus++) {
		struct buf bytes = BUF_INIT;
		struct buf again = BUF_INIT;
		int rc;

		k->sample(&bytes);
		buf_add(&bytes, "\xff\0\0\0", surplus);
		rc = k->recode(bytes.data, bytes.len, &again);
		ck_assert_msg(rc == -EBADMSG, "%s and %zu: got %d, want %d",
		    k->name, surplus, rc, -EBADMSG);
		buf_release(&bytes);
	}
}
END_TEST

/* Fields from tag 128 on are for readers of later versions. */
START_TEST(an_unknown_field_is_skipped_from_tag_128_on)
{
	static const struct {
		unsigned char tag;
		int want;
	} rows[] = {{0, -EBADMSG}, {17, -EBADMSG}, {31, -EBADMSG},
	    {32, -EBADMSG}, {127, -EBADMSG}, {128, 0}, {255, 0}};
	const struct record_kind *k = &record_kinds[_i];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const unsigned char field[] = {
		    rows[i].tag, 0, 0, 0, 3, 'x', 'y', 'z'};
		struct buf bytes = BUF_INIT;
		struct buf again = BUF_INIT;
		int rc;

		k->sample(&bytes);
		buf_add(&bytes, field, sizeof(field));
		rc = k->recode(bytes.data, bytes.len, &again);
		ck_assert_msg(rc == rows[i].want, "%s, tag %d: got %d, want %d",
		    k->name, rows[i].tag, rc, rows[i].want);
		buf_release(&bytes);
		buf_release(&again);
	}
}
END_TEST

Suite *
record_suite(void)
{
	const struct {
		const char *name;
		const TTest *test;
	} tests[] = {
	    {"round trip", what_is_encoded_is_decoded},
	    {"truncated", a_truncated_record_is_damaged_or_valid},
	    {"one byte", a_record_with_one_byte_changed_is_damaged_or_valid},
	    {"many bytes",
		a_record_with_many_bytes_changed_is_damaged_or_valid},
	    {"surplus", a_surplus_of_bytes_is_damage},
	    {"unknown", an_unknown_field_is_skipped_from_tag_128_on},
	};
	Suite *s = suite_create("record");

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		TCase *tc = tcase_create(tests[i].name);

		tcase_add_loop_test(tc, tests[i].test, 0, RECORD_KIND_COUNT);
		suite_add_tcase(s, tc);
	}
	return s;
}
