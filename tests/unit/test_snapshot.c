/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/local.h"
#include "flushctl/ask.h"
#include "flushctl/snapshot.h"
#include "unit/suites.h"

static struct snapshot snapshot;
static struct buf refusal;

static void
setup(void)
{
	snapshot = (struct snapshot){0};
	buf_init(&refusal);
}

static void
teardown(void)
{
	snapshot_release(&snapshot);
	buf_release(&refusal);
}

static int
parse(const char *answer, bool is_root)
{
	return snapshot_parse(
	    answer, strlen(answer), is_root, &snapshot, &refusal);
}

/* ---- the answer ---------------------------------------------------- */

START_TEST(a_refusal_is_said)
{
	ck_assert_int_eq(
	    parse("{\"error\":\"not \\u0007allowed\"}\n", true), -EPERM);
	ck_assert_str_eq(refusal.data, "not \\x07allowed");
}
END_TEST

static const char *const broken[] = {
    "",
    "\n",
    "{}\n",
    "[]\n",
    "\"site\"\n",
    "{\"site\":\"a\"}",
    "{\"site\":\"a\"}\n{\"site\":",
    "{\"site\":\"a\"}\n{\"site\":7}\n",
    "{\"site\":\"\"}\n",
    "{\"site\":\"a\"",
    "HTTP/1.1 200 OK\n",
};

START_TEST(what_is_no_answer_is_not_taken)
{
	ck_assert_int_eq(parse(broken[_i], false), -EBADMSG);
	ck_assert_uint_eq(snapshot.count, 0);
	ck_assert_str_eq(refusal.data, "");
}
END_TEST

START_TEST(without_its_last_line_root_s_answer_is_not_whole)
{
	ck_assert_int_eq(parse("{\"site\":\"a\"}\n", true), -EBADMSG);
	ck_assert_int_eq(parse("{\"site\":\"a\"}\n", false), 0);
}
END_TEST

START_TEST(many_sites_are_all_there)
{
	struct buf answer = BUF_INIT;

	for (int i = 0; i < 1000; i++)
		buf_add_format(
		    &answer, "{\"site\":\"s%d\",\"new\":%d}\n", i, i);
	ck_assert_int_eq(parse(answer.data, false), 0);
	ck_assert_uint_eq(snapshot.count, 1000);
	for (size_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(snapshot.sites[i].count[PHASE_NEW], i);
	buf_release(&answer);
}
END_TEST

START_TEST(numbers_are_none_or_more)
{
	ck_assert_int_eq(parse("{\"site\":\"a\",\"new\":-5,\"bytes\":1.5,"
			       "\"crashes\":\"7\",\"oldest_age\":-1}\n",
			     false),
	    0);
	ck_assert_uint_eq(snapshot.sites[0].count[PHASE_NEW], 0);
	ck_assert_uint_eq(snapshot.sites[0].bytes, 0);
	ck_assert_uint_eq(snapshot.sites[0].crashes, 0);
	ck_assert_int_eq(snapshot.sites[0].oldest_age_sec, 0);
}
END_TEST

START_TEST(one_site_can_be_chosen_with_its_line)
{
	ck_assert_int_eq(
	    parse("{\"site\":\"a\"}\n{\"site\":\"b\"}\n", false), 0);
	ck_assert(!snapshot_choose(&snapshot, "c"));
	ck_assert_uint_eq(snapshot.count, 2);
	ck_assert(snapshot_choose(&snapshot, "b"));
	ck_assert_uint_eq(snapshot.count, 1);
	ck_assert_str_eq(snapshot.sites[0].line, "{\"site\":\"b\"}\n");
	ck_assert_uint_eq(snapshot.sites[0].line_len, 13);
}
END_TEST

/* ---- sites --------------------------------------------------------- */

START_TEST(those_in_trouble_come_first)
{
	static const char *const want[] = {
	    "unknown", "delayed", "held", "failed", "most", "more", "a", "b"};

	ck_assert_int_eq(
	    parse("{\"site\":\"b\",\"counted\":1}\n"
		  "{\"site\":\"more\",\"counted\":1,\"new\":2}\n"
		  "{\"site\":\"a\",\"counted\":1}\n"
		  "{\"site\":\"failed\",\"counted\":1,\"failed\":1}\n"
		  "{\"site\":\"held\",\"counted\":1,\"new\":1,\"held\":1}\n"
		  "{\"site\":\"most\",\"counted\":1,\"new\":2,"
		  "\"deferred\":1,\"last_error\":\"x\"}\n"
		  "{\"site\":\"delayed\",\"counted\":1,"
		  "\"state\":\"delayed\"}\n"
		  "{\"site\":\"unknown\",\"new\":1,\"last_error\":\"x\"}\n",
		false),
	    0);
	snapshot_sort(&snapshot);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		ck_assert_str_eq(snapshot.sites[i].name, want[i]);
}
END_TEST

START_TEST(all_of_them_add_up)
{
	struct snapshot_sum sum;

	ck_assert_int_eq(
	    parse("{\"site\":\"a\",\"counted\":1,\"new\":1,\"deferred\":2,"
		  "\"oldest_age\":5,\"per_minute\":{\"left\":3}}\n"
		  "{\"site\":\"b\",\"counted\":1,\"held\":4,\"failed\":5,"
		  "\"oldest_age\":null,\"state\":\"delayed\","
		  "\"per_minute\":{\"left\":4,\"arrived\":1}}\n",
		false),
	    0);
	sum = snapshot_add_up(&snapshot);
	ck_assert_uint_eq(sum.waiting, 3);
	ck_assert_uint_eq(sum.count[PHASE_HELD], 4);
	ck_assert_uint_eq(sum.count[PHASE_FAILED], 5);
	ck_assert_uint_eq(sum.per_minute[COUNTED_LEFT], 7);
	ck_assert_uint_eq(sum.per_minute[COUNTED_ARRIVED], 1);
	ck_assert_int_eq(sum.oldest_age_sec, 5);
	ck_assert_uint_eq(sum.in_error, 1);
}
END_TEST

/* ---- a flushd that says nothing ------------------------------------ */

static char path[64];
static int listener;

static void
setup_socket(void)
{
	setup();
	snprintf(path, sizeof(path), "/tmp/unit.%d.socket", (int)getpid());
	listener = local_listen(path);
	ck_assert_int_ge(listener, 0);
}

static void
teardown_socket(void)
{
	close(listener);
	unlink(path);
	teardown();
}

START_TEST(who_never_answers_is_not_waited_for)
{
	const int64_t begin_ms = clock_boot_ms();

	ck_assert_int_eq(ask_flushd(path, 50, &refusal), -ETIMEDOUT);
	ck_assert_int_lt(clock_boot_ms() - begin_ms, 5000);
}
END_TEST

START_TEST(nor_is_a_place_among_those_who_wait)
{
	const int64_t begin_ms = clock_boot_ms();
	int fd = 0;

	for (int i = 0; fd >= 0 && i < 1000; i++)
		fd = local_connect(path, 50);
	ck_assert_int_eq(fd, -ETIMEDOUT);
	ck_assert_int_eq(ask_flushd(path, 50, &refusal), -ETIMEDOUT);
	ck_assert_int_lt(clock_boot_ms() - begin_ms, 5000);
}
END_TEST

START_TEST(where_nobody_listens_is_known_at_once)
{
	close(listener);
	ck_assert_int_eq(ask_flushd(path, 60000, &refusal), -ECONNREFUSED);
	unlink(path);
	ck_assert_int_eq(ask_flushd(path, 60000, &refusal), -ENOENT);
	listener = local_listen(path);
}
END_TEST

Suite *
snapshot_suite(void)
{
	Suite *s = suite_create("snapshot");
	TCase *t = tcase_create("pure");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_refusal_is_said);
	tcase_add_loop_test(
	    t, what_is_no_answer_is_not_taken, 0, (int)ARRAY_LEN(broken));
	tcase_add_test(t, without_its_last_line_root_s_answer_is_not_whole);
	tcase_add_test(t, many_sites_are_all_there);
	tcase_add_test(t, numbers_are_none_or_more);
	tcase_add_test(t, one_site_can_be_chosen_with_its_line);
	tcase_add_test(t, those_in_trouble_come_first);
	tcase_add_test(t, all_of_them_add_up);
	suite_add_tcase(s, t);
	t = tcase_create("socket");
	tcase_add_checked_fixture(t, setup_socket, teardown_socket);
	tcase_add_test(t, who_never_answers_is_not_waited_for);
	tcase_add_test(t, nor_is_a_place_among_those_who_wait);
	tcase_add_test(t, where_nobody_listens_is_known_at_once);
	suite_add_tcase(s, t);
	return s;
}
