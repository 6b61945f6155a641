/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "flushctl/status_table.h"
#include "unit/suites.h"

enum { NOW = 1800000000 };

static struct status_style style;
static struct buf out;

static void
setup(void)
{
	style = (struct status_style){.now_sec = NOW};
	buf_init(&out);
}

static void
teardown(void)
{
	buf_release(&out);
}

#define SITE(name, state, counted, error)                                      \
	"{\"site\":\"" name "\",\"state\":\"" state "\",\"new\":3,"            \
	"\"deferred\":2,\"held\":1,\"failed\":0,\"oldest_age\":150,"           \
	"\"counted\":" counted ",\"last_error\":" error ","                    \
	"\"last_error_time\":1799999990,\"per_minute\":{\"sent\":40},"         \
	"\"relay_up\":true}\n"

#define PLACES                                                                 \
	"\"connections\":{\"used\":1,\"max\":20,\"waiting\":0},"               \
	"\"workers\":{\"used\":2,\"max\":32,\"waiting\":5}}\n"
#define RELAY_UP                                                               \
	"{\"relay\":\"127.0.0.1:25\",\"state\":\"up\","                        \
	"\"since\":1799999000,\"reason\":null,\"next_probe\":null," PLACES
#define RELAY_DOWN                                                             \
	"{\"relay\":\"127.0.0.1:25\",\"state\":\"down\","                      \
	"\"since\":1799999880,\"reason\":\"no\\u001b[0m\","                    \
	"\"next_probe\":1800000003," PLACES

#define HEADING                                                                \
	"SITE     WAITING DEFERRED   HELD FAILED OLDEST SENT/MIN STATE\n"

static int
add(const char *answer)
{
	return status_table_add(&out, answer, strlen(answer), &style);
}

START_TEST(an_operator_sees_sites_and_relay)
{
	style.wants_relay = true;
	ck_assert_int_eq(add(SITE("a", "idle", "1", "null") SITE("b.example",
			     "delayed", "1", "\"worker failed\"") RELAY_UP),
	    0);
	ck_assert_str_eq(out.data,
	    "SITE      WAITING DEFERRED   HELD FAILED OLDEST SENT/MIN STATE\n"
	    "a               5        2      1      0     2m       40 idle\n"
	    "b.example       5        2      1      0     2m       40 delayed\n"
	    "  10s ago: worker failed\n"
	    "-- 10 waiting in 2 sites\n"
	    "Relay 127.0.0.1:25 is up for 16m\n"
	    "connections 1 of 20, workers 2 of 32 (5 waiting)\n");
}
END_TEST

START_TEST(a_site_s_user_sees_his_own)
{
	ck_assert_int_eq(add(SITE("a", "idle", "1", "null")), 0);
	ck_assert_str_eq(out.data,
	    HEADING "a              5        2      1      0     2m       40 "
		    "idle\n"
		    "-- 5 waiting in 1 site\nRelay is up\n");
}
END_TEST

START_TEST(what_was_not_counted_is_not_said_to_be_nothing)
{
	ck_assert_int_eq(add(SITE("a", "waiting", "null", "null")), 0);
	ck_assert_ptr_nonnull(
	    strstr(out.data, "a              -        -      -      -"));
}
END_TEST

START_TEST(an_outage_is_said_with_its_reason)
{
	ck_assert_int_eq(add(RELAY_DOWN), 0);
	ck_assert_str_eq(out.data,
	    "-- 0 waiting in 0 sites\n"
	    "Relay 127.0.0.1:25 is down for 2m, asked again in 3s: "
	    "no\\x1b[0m\n"
	    "connections 1 of 20, workers 2 of 32 (5 waiting)\n");
}
END_TEST

START_TEST(colours_are_for_terminals)
{
	ck_assert_int_eq(add(SITE("a", "delayed", "1", "null") RELAY_DOWN), 0);
	ck_assert_ptr_null(strchr(out.data, '\033'));
	buf_clear(&out);
	style.has_colours = true;
	ck_assert_int_eq(add(SITE("a", "delayed", "1", "null") RELAY_DOWN), 0);
	ck_assert_ptr_nonnull(strstr(out.data, "\033[31mdelayed\033[0m"));
	ck_assert_ptr_nonnull(strstr(out.data, "\033[31mdown\033[0m"));
	ck_assert_ptr_nonnull(strstr(out.data, "\033[33m        2\033[0m"));
}
END_TEST

START_TEST(no_line_of_a_site_is_wider_than_the_terminal)
{
	char *line;
	char *rest = NULL;

	style.width = 80;
	style.has_colours = false;
	ck_assert_int_eq(add(SITE("a", "delayed", "1",
			     "\"a long story that goes on and on and on and on "
			     "and on and on and on and on\"")),
	    0);
	for (line = strtok_r(out.data, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		ck_assert_uint_le(strlen(line), 80);
}
END_TEST

START_TEST(a_refusal_is_said)
{
	ck_assert_int_eq(add("{\"error\":\"not \\u0007allowed\"}\n"), -EPERM);
	ck_assert_str_eq(out.data, "not \\x07allowed");
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
    "{\"site\":7}\n",
    "{\"site\":\"a\"",
    "HTTP/1.1 200 OK\n",
};

START_TEST(what_is_no_answer_is_not_shown)
{
	ck_assert_int_eq(add(broken[_i]), -EBADMSG);
	ck_assert_str_eq(out.data, "");
}
END_TEST

START_TEST(without_its_last_line_root_s_answer_is_not_whole)
{
	style.wants_relay = true;
	ck_assert_int_eq(add(SITE("a", "idle", "1", "null")), -EBADMSG);
}
END_TEST

/* Keys that are missing, or of another kind. */
START_TEST(a_later_flushd_may_say_it_otherwise)
{
	ck_assert_int_eq(
	    add("{\"site\":\"a\",\"new\":\"many\",\"counted\":1,\"more\":1}\n"),
	    0);
	ck_assert_ptr_nonnull(strstr(out.data, "a              0        0"));
}
END_TEST

static const struct {
	int64_t sec;
	const char *want;
} durations[] = {{-5, "0s"}, {0, "0s"}, {119, "119s"}, {120, "2m"},
    {7199, "119m"}, {7200, "2h"}, {172799, "47h"}, {172800, "2d"},
    {INT64_C(86400) * 400, "400d"}};

START_TEST(a_duration_is_in_its_greatest_unit)
{
	status_table_add_duration(&out, durations[_i].sec);
	ck_assert_str_eq(out.data, durations[_i].want);
}
END_TEST

Suite *
status_table_suite(void)
{
	Suite *s = suite_create("status_table");
	TCase *t = tcase_create("status_table");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_operator_sees_sites_and_relay);
	tcase_add_test(t, a_site_s_user_sees_his_own);
	tcase_add_test(t, what_was_not_counted_is_not_said_to_be_nothing);
	tcase_add_test(t, an_outage_is_said_with_its_reason);
	tcase_add_test(t, colours_are_for_terminals);
	tcase_add_test(t, no_line_of_a_site_is_wider_than_the_terminal);
	tcase_add_test(t, a_refusal_is_said);
	tcase_add_loop_test(
	    t, what_is_no_answer_is_not_shown, 0, (int)ARRAY_LEN(broken));
	tcase_add_test(t, without_its_last_line_root_s_answer_is_not_whole);
	tcase_add_test(t, a_later_flushd_may_say_it_otherwise);
	tcase_add_loop_test(t, a_duration_is_in_its_greatest_unit, 0,
	    (int)ARRAY_LEN(durations));
	suite_add_tcase(s, t);
	return s;
}
