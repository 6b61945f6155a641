/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>

#include "mail/envelope.h"
#include "unit/suites.h"

START_TEST(new_envelope_is_from_nobody_to_nobody)
{
	struct envelope e;

	envelope_init(&e);
	ck_assert_str_eq(e.sender, "");
	ck_assert_uint_eq(e.recipient_count, 0);
	envelope_release(&e);
	ck_assert_ptr_null(e.sender);
}
END_TEST

START_TEST(released_envelope_can_be_released_again)
{
	struct envelope e;

	envelope_init(&e);
	envelope_release(&e);
	envelope_release(&e);
}
END_TEST

START_TEST(last_sender_counts)
{
	struct envelope e;

	envelope_init(&e);
	envelope_set_sender(&e, "a@x", 3);
	envelope_set_sender(&e, "b@yz", 3);
	ck_assert_str_eq(e.sender, "b@y");
	envelope_release(&e);
}
END_TEST

START_TEST(recipients_keep_their_order)
{
	struct envelope e;
	char address[16];

	envelope_init(&e);
	for (int i = 0; i < 100; i++) {
		int len = snprintf(address, sizeof(address), "u%d@x", i);

		envelope_add_recipient(&e, address, (size_t)len);
	}
	ck_assert_uint_eq(e.recipient_count, 100);
	for (int i = 0; i < 100; i++) {
		snprintf(address, sizeof(address), "u%d@x", i);
		ck_assert_str_eq(e.recipients[i], address);
	}
	envelope_release(&e);
}
END_TEST

START_TEST(same_recipient_counts_once)
{
	struct envelope e;

	envelope_init(&e);
	envelope_add_recipient(&e, "a@x", 3);
	envelope_add_recipient(&e, "b@x", 3);
	envelope_add_recipient(&e, "a@x", 3);
	ck_assert_uint_eq(e.recipient_count, 2);
	envelope_release(&e);
}
END_TEST

START_TEST(other_spellings_are_other_recipients)
{
	struct envelope e;

	envelope_init(&e);
	envelope_add_recipient(&e, "a@x", 3);
	envelope_add_recipient(&e, "A@x", 3);
	envelope_add_recipient(&e, "a@xy", 4);
	envelope_add_recipient(&e, "a@", 2);
	ck_assert_uint_eq(e.recipient_count, 4);
	envelope_release(&e);
}
END_TEST

START_TEST(recipients_of_one_hash_are_two)
{
	struct envelope e;

	envelope_init(&e);
	envelope_add_recipient(&e, "declinate", 9);
	envelope_add_recipient(&e, "macallums", 9);
	ck_assert_uint_eq(e.recipient_count, 2);
	ck_assert_uint_eq(e.hashes[0], e.hashes[1]);
	envelope_release(&e);
}
END_TEST

Suite *
envelope_suite(void)
{
	Suite *s = suite_create("envelope");
	TCase *t = tcase_create("envelope");

	tcase_add_test(t, new_envelope_is_from_nobody_to_nobody);
	tcase_add_test(t, released_envelope_can_be_released_again);
	tcase_add_test(t, last_sender_counts);
	tcase_add_test(t, recipients_keep_their_order);
	tcase_add_test(t, same_recipient_counts_once);
	tcase_add_test(t, other_spellings_are_other_recipients);
	tcase_add_test(t, recipients_of_one_hash_are_two);
	suite_add_tcase(s, t);
	return s;
}
