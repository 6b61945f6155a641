/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

/* As it is, and with the domain "d.test". */
static const struct {
	const char *address;
	const char *qualified;
} bare[] = {
    {"root", "root@d.test"},
    {"first.last", "first.last@d.test"},
    {"user+tag=a@b.test", "user+tag=a@b.test"},
    {"\"a@b\"", "\"a@b\"@d.test"},
    {"\"a\\\"@b\"", "\"a\\\"@b\"@d.test"},
    {"\"a@b\"@c.test", "\"a@b\"@c.test"},
    {"@a.test,@b.test:user@c.test", "@a.test,@b.test:user@c.test"},
    {"user@[192.0.2.1]", "user@[192.0.2.1]"},
    {"host!user", "host!user"},
    {"user%host", "user%host"},
};

START_TEST(an_address_without_a_domain_gets_one)
{
	struct envelope e;
	const char *address = bare[_i].address;

	envelope_init(&e);
	envelope_set_sender(&e, address, strlen(address));
	envelope_add_recipient(&e, "x@y", 3);
	envelope_add_recipient(&e, address, strlen(address));
	envelope_qualify(&e, "d.test");
	ck_assert_str_eq(e.sender, bare[_i].qualified);
	ck_assert_str_eq(e.recipients[0].address, "x@y");
	ck_assert_str_eq(e.recipients[1].address, bare[_i].qualified);
	envelope_release(&e);
}
END_TEST

START_TEST(nobody_and_what_is_too_long_get_none)
{
	char address[ENVELOPE_ADDRESS_MAX];
	struct envelope e;

	memset(address, 'x', sizeof(address));
	envelope_init(&e);
	envelope_add_recipient(&e, address, sizeof(address) - 6);
	envelope_add_recipient(&e, address, sizeof(address) - 7);
	envelope_qualify(&e, "d.test");
	ck_assert_str_eq(e.sender, "");
	ck_assert_uint_eq(strlen(e.recipients[0].address), sizeof(address) - 6);
	ck_assert_uint_eq(strlen(e.recipients[1].address), sizeof(address));
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
		ck_assert_str_eq(e.recipients[i].address, address);
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

START_TEST(parameters_belong_to_the_recipient_that_was_added)
{
	struct recipient *r;
	struct envelope e;

	envelope_init(&e);
	envelope_add_recipient(&e, "a@x", 3);
	r = envelope_add_recipient(&e, "b@x", 3);
	ck_assert_int_eq(recipient_set_notify(r, NOTIFY_NEVER), 0);
	r = envelope_add_recipient(&e, "a@x", 3);
	ck_assert_int_eq(recipient_set_original(r, "rfc822;o@x", 10), 0);
	ck_assert_int_eq(recipient_set_original(r, "rfc822;p@x", 10), 0);
	ck_assert_uint_eq(e.recipient_count, 2);
	ck_assert_uint_eq(e.recipients[0].notify, 0);
	ck_assert_str_eq(e.recipients[0].original, "rfc822;p@x");
	ck_assert_uint_eq(e.recipients[1].notify, NOTIFY_NEVER);
	ck_assert_ptr_null(e.recipients[1].original);
	envelope_release(&e);
}
END_TEST

START_TEST(invalid_parameters_change_nothing)
{
	struct recipient *r;
	struct envelope e;

	envelope_init(&e);
	r = envelope_add_recipient(&e, "a@x", 3);
	ck_assert_int_eq(envelope_set_envid(&e, "first", 5), 0);
	ck_assert_int_eq(recipient_set_notify(r, NOTIFY_DELAY), 0);
	ck_assert_int_eq(envelope_set_envid(&e, "two\nlines", 9), -EINVAL);
	ck_assert_int_eq(recipient_set_notify(r, 3), -EINVAL);
	ck_assert_int_eq(recipient_set_original(r, "a@x", 3), -EINVAL);
	ck_assert_str_eq(e.envid, "first");
	ck_assert_uint_eq(r->notify, NOTIFY_DELAY);
	ck_assert_ptr_null(r->original);
	envelope_release(&e);
}
END_TEST

START_TEST(copied_parameters_replace_what_is_given_only)
{
	struct recipient *r, *from_r;
	struct envelope e, from;

	envelope_init(&e);
	envelope_init(&from);
	r = envelope_add_recipient(&e, "a@x", 3);
	from_r = envelope_add_recipient(&from, "b@x", 3);
	ck_assert_int_eq(envelope_set_envid(&e, "old", 3), 0);
	ck_assert_int_eq(recipient_set_original(r, "a;old", 5), 0);
	e.ret = RET_HDRS;
	r->notify = NOTIFY_DELAY;
	envelope_copy_parameters(&e, &from);
	recipient_copy_parameters(r, from_r);
	ck_assert_str_eq(e.envid, "old");
	ck_assert_str_eq(r->original, "a;old");
	ck_assert_int_eq(e.ret, RET_HDRS);
	ck_assert_uint_eq(r->notify, NOTIFY_DELAY);
	ck_assert(!e.is_smtputf8);
	ck_assert_int_eq(envelope_set_envid(&from, "new", 3), 0);
	ck_assert_int_eq(recipient_set_original(from_r, "a;new", 5), 0);
	from.ret = RET_FULL;
	from.body = BODY_7BIT;
	from.is_smtputf8 = true;
	from_r->notify = NOTIFY_NEVER;
	envelope_copy_parameters(&e, &from);
	recipient_copy_parameters(r, from_r);
	ck_assert_str_eq(e.envid, "new");
	ck_assert_str_eq(r->original, "a;new");
	ck_assert_int_eq(e.ret, RET_FULL);
	ck_assert_int_eq(e.body, BODY_7BIT);
	ck_assert_uint_eq(r->notify, NOTIFY_NEVER);
	ck_assert(e.is_smtputf8);
	ck_assert_str_eq(r->address, "a@x");
	envelope_release(&e);
	envelope_release(&from);
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
	tcase_add_loop_test(
	    t, an_address_without_a_domain_gets_one, 0, (int)ARRAY_LEN(bare));
	tcase_add_test(t, nobody_and_what_is_too_long_get_none);
	tcase_add_test(t, recipients_keep_their_order);
	tcase_add_test(t, same_recipient_counts_once);
	tcase_add_test(t, other_spellings_are_other_recipients);
	tcase_add_test(t, recipients_of_one_hash_are_two);
	tcase_add_test(t, parameters_belong_to_the_recipient_that_was_added);
	tcase_add_test(t, invalid_parameters_change_nothing);
	tcase_add_test(t, copied_parameters_replace_what_is_given_only);
	suite_add_tcase(s, t);
	return s;
}
