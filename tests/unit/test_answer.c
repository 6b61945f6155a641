/* SPDX-License-Identifier: ISC */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "flushd/answer.h"
#include "unit/suites.h"

static const struct answer_time now = {
    .boot_ms = 5000000, .wall_ms = INT64_C(1800000000000)};

static char name[] = "site1";
static char root[] = "/srv/site1";
static char user[] = "www1";

static struct site site;
static struct standing standing;
static struct answer_site a;
static struct buf out;
static json_t *o;

static void
setup(void)
{
	site = (struct site){
	    .name = name, .root = root, .user = user, .uid = 1001};
	standing = (struct standing){.depth = {.count = {1, 2, 3, 4},
					 .bytes = 5000,
					 .oldest_ms = now.wall_ms - 90500},
	    .counted_ms = now.wall_ms - 7000,
	    .crashes = 2};
	a = (struct answer_site){.site = &site,
	    .standing = &standing,
	    .state = ANSWER_WORKING,
	    .next_due_ms = now.wall_ms + 60000,
	    .is_relay_up = true};
	buf_init(&out);
}

static void
teardown(void)
{
	json_decref(o);
	buf_release(&out);
}

/* One line that is JSON, and printable ASCII. */
static void
parse(void)
{
	ck_assert_uint_gt(out.len, 0);
	ck_assert_ptr_eq(
	    memchr(out.data, '\n', out.len), out.data + out.len - 1);
	for (size_t i = 0; i + 1 < out.len; i++)
		ck_assert(out.data[i] >= 32 && out.data[i] < 127);
	o = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	ck_assert(json_is_object(o));
}

static void
parse_site(void)
{
	answer_add_site(&out, &a, &now);
	parse();
}

static json_int_t
number(const char *key)
{
	ck_assert_msg(
	    json_is_integer(json_object_get(o, key)), "%s is no number", key);
	return json_integer_value(json_object_get(o, key));
}

static json_int_t
number_in(const char *key, const char *inner)
{
	return json_integer_value(
	    json_object_get(json_object_get(o, key), inner));
}

static const char *
text(const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	ck_assert_msg(s != NULL, "%s is no text", key);
	return s;
}

static bool
is_null(const char *key)
{
	return json_is_null(json_object_get(o, key));
}

START_TEST(a_site_is_said_whole)
{
	meter_add(&standing.meters[SETTLED_SENT], 9, now.boot_ms - 120000);
	meter_add(&standing.meters[SETTLED_SENT], 6, now.boot_ms - 1000);
	meter_add(&standing.meters[SETTLED_FAILED], 1, now.boot_ms - 1000);
	meter_add(&standing.arrived, 8, now.boot_ms - 1000);
	meter_add(&standing.left, 4, now.boot_ms - 120000);
	meter_add(&standing.refused, 3, now.boot_ms - 120000);
	meter_add(&standing.refused, 2, now.boot_ms - 1000);
	standing.commits = 5;
	standing.commit_us = 6000;
	standing_note(&standing, now.wall_ms - 3000, "worker failed");
	parse_site();
	ck_assert_str_eq(text("site"), "site1");
	ck_assert_str_eq(text("root"), "/srv/site1");
	ck_assert_str_eq(text("user"), "www1");
	ck_assert_int_eq(number("uid"), 1001);
	ck_assert_str_eq(text("state"), "working");
	ck_assert_int_eq(number("new"), 1);
	ck_assert_int_eq(number("deferred"), 2);
	ck_assert_int_eq(number("held"), 3);
	ck_assert_int_eq(number("failed"), 4);
	ck_assert_int_eq(number("bytes"), 5000);
	ck_assert_int_eq(number("oldest_age"), 90);
	ck_assert_int_eq(number("counted"), 1800000000 - 7);
	ck_assert_int_eq(number("next_due"), 1800000000 + 60);
	ck_assert_str_eq(text("last_error"), "worker failed");
	ck_assert_int_eq(number("last_error_time"), 1800000000 - 3);
	ck_assert_int_eq(number("crashes"), 2);
	ck_assert_int_eq(number_in("total", "sent"), 15);
	ck_assert_int_eq(number_in("per_minute", "sent"), 6);
	ck_assert_int_eq(number_in("total", "failed"), 1);
	ck_assert_int_eq(number_in("per_minute", "arrived"), 8);
	ck_assert_int_eq(number_in("total", "left"), 4);
	ck_assert_int_eq(number_in("per_minute", "left"), 0);
	ck_assert_int_eq(number_in("total", "refused"), 5);
	ck_assert_int_eq(number_in("per_minute", "refused"), 2);
	ck_assert_int_eq(number_in("commits", "count"), 5);
	ck_assert_int_eq(number_in("commits", "usec"), 6000);
	ck_assert_int_eq(number_in("total", "deferred"), 0);
	ck_assert(json_is_true(json_object_get(o, "relay_up")));
}
END_TEST

START_TEST(what_is_not_known_is_null)
{
	standing = (struct standing){0};
	a.next_due_ms = INT64_MAX;
	parse_site();
	ck_assert(is_null("oldest_age"));
	ck_assert(is_null("counted"));
	ck_assert(is_null("next_due"));
	ck_assert(is_null("last_error"));
	ck_assert(is_null("last_error_time"));
}
END_TEST

START_TEST(a_clock_that_was_put_back_makes_nothing_young)
{
	standing.depth.oldest_ms = now.wall_ms + 1000000;
	parse_site();
	ck_assert_int_eq(number("oldest_age"), 0);
}
END_TEST

static const char *const hostile[] = {
    "\"}\n{\"site\":\"other\"",
    "\\u0000\\",
    "\033[31m\a\b\r\n\t\x7f",
    "\xff\xfe\xc0\x80",
    "\xed\xa0\x80",
    "gr\xc3\xbc\xc3\x9f",
};

START_TEST(whatever_the_words_a_line_is_valid)
{
	char copy[64];

	snprintf(copy, sizeof(copy), "%s", hostile[_i]);
	site.root = copy;
	snprintf(standing.error, sizeof(standing.error), "%s", hostile[_i]);
	parse_site();
	ck_assert_uint_gt(strlen(text("root")), 0);
	ck_assert_uint_gt(strlen(text("last_error")), 0);
	ck_assert_str_eq(text("site"), "site1");
}
END_TEST

START_TEST(the_largest_numbers_fit)
{
	memset(&standing.depth, 0xff, sizeof(standing.depth));
	standing.depth.oldest_ms = 1;
	standing.crashes = UINT64_MAX;
	parse_site();
	ck_assert_int_eq(number("held"), INT64_MAX);
	ck_assert_int_eq(number("crashes"), INT64_MAX);
}
END_TEST

START_TEST(a_relay_that_is_down_says_why_and_until_when)
{
	const struct answer_relay relay = {.name = "127.0.0.1:25",
	    .since_ms = now.boot_ms - 42000,
	    .reason = "no \"mail\"\n\xff",
	    .next_probe_ms = now.boot_ms + 1000,
	    .connections = {1, 20, 3},
	    .workers = {2, 32, 4},
	    .site_count = 7,
	    .waiting = 8,
	    .started_ms = now.boot_ms - 60000};

	answer_add_relay(&out, &relay, &now);
	parse();
	ck_assert_str_eq(text("relay"), "127.0.0.1:25");
	ck_assert_str_eq(text("state"), "down");
	ck_assert_int_eq(number("since"), 1800000000 - 42);
	ck_assert_int_eq(number("next_probe"), 1800000000 + 1);
	ck_assert_ptr_nonnull(strstr(text("reason"), "mail"));
	ck_assert_int_eq(number_in("connections", "used"), 1);
	ck_assert_int_eq(number_in("connections", "max"), 20);
	ck_assert_int_eq(number_in("connections", "waiting"), 3);
	ck_assert_int_eq(number_in("workers", "used"), 2);
	ck_assert_int_eq(number("sites"), 7);
	ck_assert_int_eq(number("waiting"), 8);
	ck_assert_str_eq(text("version"), VERSION);
	ck_assert_int_eq(number("started"), 1800000000 - 60);
}
END_TEST

START_TEST(a_relay_that_is_up_has_no_reason)
{
	const struct answer_relay relay = {.name = "127.0.0.1:25",
	    .is_up = true,
	    .since_ms = now.boot_ms,
	    .reason = "long ago",
	    .next_probe_ms = 1};

	answer_add_relay(&out, &relay, &now);
	parse();
	ck_assert_str_eq(text("state"), "up");
	ck_assert(is_null("reason"));
	ck_assert(is_null("next_probe"));
}
END_TEST

START_TEST(a_refusal_is_an_error)
{
	answer_add_error(&out, "not allowed");
	parse();
	ck_assert_str_eq(text("error"), "not allowed");
}
END_TEST

Suite *
answer_suite(void)
{
	Suite *s = suite_create("answer");
	TCase *t = tcase_create("answer");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_site_is_said_whole);
	tcase_add_test(t, what_is_not_known_is_null);
	tcase_add_test(t, a_clock_that_was_put_back_makes_nothing_young);
	tcase_add_loop_test(
	    t, whatever_the_words_a_line_is_valid, 0, (int)ARRAY_LEN(hostile));
	tcase_add_test(t, the_largest_numbers_fit);
	tcase_add_test(t, a_relay_that_is_down_says_why_and_until_when);
	tcase_add_test(t, a_relay_that_is_up_has_no_reason);
	tcase_add_test(t, a_refusal_is_an_error);
	suite_add_tcase(s, t);
	return s;
}
