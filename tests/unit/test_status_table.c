/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "flushctl/status_table.h"
#include "unit/suites.h"

enum { NOW = 1800000000 };

static struct status_style style;
static struct snapshot snapshot;
static struct buf out;

static void
setup(void)
{
	style = (struct status_style){.now_sec = NOW};
	snapshot = (struct snapshot){0};
	buf_init(&out);
}

static void
teardown(void)
{
	snapshot_release(&snapshot);
	buf_release(&out);
}

/* 1800000000 is 08:00 in London. */
#define AT_6S ", at 08:00"

#define SITE(name, state, counted, error)                                      \
	"{\"site\":\"" name "\",\"state\":\"" state "\",\"new\":3,"            \
	"\"deferred\":2,\"held\":1,\"failed\":0,\"oldest_age\":150,"           \
	"\"counted\":" counted ",\"last_error\":" error ","                    \
	"\"last_error_time\":1799999990,\"per_minute\":{\"sent\":40,"          \
	"\"arrived\":3,\"left\":48},"                                          \
	"\"relay_up\":true}\n"

#define QUIET(name, error)                                                     \
	"{\"site\":\"" name "\",\"state\":\"idle\",\"counted\":1,"             \
	"\"last_error\":" error ",\"last_error_time\":1800000000}\n"

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
	"\n  SITE     WAITING DEFERRED  HELD FAILED OLDEST SENT/MIN STATE\n"

static void
show(const char *answer)
{
	struct buf refusal = BUF_INIT;

	snapshot_release(&snapshot);
	buf_clear(&out);
	ck_assert_int_eq(
	    snapshot_parse(answer, strlen(answer), false, &snapshot, &refusal),
	    0);
	snapshot_sort(&snapshot);
	status_table_add(&out, &snapshot, &style);
}

static size_t
count_lines(void)
{
	size_t count = 0;

	for (const char *p = out.data; *p; p++)
		count += *p == '\n';
	return count;
}

/* As a terminal shows it, which does not show colours. */
static size_t
widest_line(void)
{
	size_t widest = 0;
	size_t seen = 0;
	bool is_colour = false;

	for (const char *p = out.data; *p; p++) {
		if (*p == '\033')
			is_colour = true;
		if (*p == '\n')
			seen = 0;
		else
			seen += !is_colour;
		if (*p == 'm')
			is_colour = false;
		if (seen > widest)
			widest = seen;
	}
	return widest;
}

START_TEST(an_operator_sees_relay_and_sites)
{
	show(SITE("a", "idle", "1", "null") SITE(
	    "b.example", "delayed", "1", "\"worker failed\"") RELAY_UP);
	ck_assert_str_eq(out.data,
	    "Relay 127.0.0.1:25 is up for 16m\n"
	    "connections 1 of 20, workers 2 of 32 (5 waiting)\n"
	    "10 waiting in 2 sites, 2 held, 1 site in error\n"
	    "6/min in, 96/min out: gone in 6s" AT_6S "\n\n"
	    "  SITE      WAITING DEFERRED  HELD FAILED OLDEST SENT/MIN STATE\n"
	    "! b.example       5        2     1      0     2m       40 "
	    "delayed\n"
	    "    10s ago: worker failed\n"
	    "! a               5        2     1      0     2m       40 idle\n");
}
END_TEST

START_TEST(a_site_s_user_sees_his_own)
{
	show(SITE("a", "idle", "1", "null"));
	ck_assert_str_eq(out.data,
	    "Relay is up\n"
	    "5 waiting in 1 site, 1 held\n"
	    "3/min in, 48/min out: gone in 6s" AT_6S "\n" HEADING
	    "! a              5        2     1      0     2m       40 idle\n");
}
END_TEST

START_TEST(what_comes_and_goes_has_columns)
{
	style.has_flow = true;
	show(SITE("a", "idle", "1", "null"));
	ck_assert_ptr_nonnull(strstr(out.data,
	    "  SITE     WAITING  HELD FAILED OLDEST IN/MIN OUT/MIN GONE IN "
	    "STATE\n"
	    "! a              5     1      0     2m      3      48      6s "
	    "idle\n"));
}
END_TEST

START_TEST(what_was_not_counted_is_not_said_to_be_nothing)
{
	show(SITE("a", "waiting", "null", "null"));
	ck_assert_ptr_nonnull(
	    strstr(out.data, "! a              -        -     -      -"));
}
END_TEST

START_TEST(an_outage_is_said_with_its_reason)
{
	show(RELAY_DOWN);
	ck_assert_str_eq(out.data,
	    "Relay 127.0.0.1:25 is down for 2m, asked again in 3s: "
	    "no\\x1b[0m\n"
	    "connections 1 of 20, workers 2 of 32 (5 waiting)\n"
	    "0 waiting in 0 sites\n"
	    "0/min in, 0/min out\n");
}
END_TEST

START_TEST(old_errors_are_shown_when_asked_for)
{
	style.now_sec = NOW + 7200;
	show(QUIET("a", "\"worker failed\""));
	ck_assert_ptr_null(strstr(out.data, "worker failed"));
	style.has_all_errors = true;
	show(QUIET("a", "\"worker failed\""));
	ck_assert_ptr_nonnull(strstr(out.data, "2h ago: worker failed"));
}
END_TEST

START_TEST(colours_are_for_terminals)
{
	show(SITE("a", "delayed", "1", "null") RELAY_DOWN);
	ck_assert_ptr_null(strchr(out.data, '\033'));
	style.has_colours = true;
	show(SITE("a", "delayed", "1", "null") RELAY_DOWN);
	ck_assert_ptr_nonnull(strstr(out.data, "\033[31mdelayed\033[0m"));
	ck_assert_ptr_nonnull(strstr(out.data, "\033[31mdown\033[0m"));
	ck_assert_ptr_nonnull(strstr(out.data, "\033[33m        2\033[0m"));
}
END_TEST

#define TEN  "abcdefghij"
#define HUGE "\"new\":4000000000000,\"held\":4000000000000,"
#define LONG_SITE                                                              \
	"{\"site\":\"" TEN TEN TEN TEN TEN TEN TEN                             \
	"\",\"state\":\"stopping\"," HUGE                                      \
	"\"counted\":1,\"oldest_age\":8000000000,\"relay_up\":true,"           \
	"\"last_error\":\"" TEN TEN TEN TEN TEN TEN TEN TEN TEN "\","          \
	"\"per_minute\":{\"sent\":4000000000,\"arrived\":4000000000,"          \
	"\"left\":5000000000}}\n"

START_TEST(no_line_is_wider_than_the_terminal)
{
	const size_t widths[] = {1, 20, 60, 80, 81, 132};

	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		style.width = widths[i];
		style.has_flow = _i & 1;
		style.has_colours = _i & 2;
		show(LONG_SITE LONG_SITE RELAY_DOWN);
		ck_assert_uint_le(widest_line(), widths[i]);
	}
}
END_TEST

START_TEST(at_80_columns_nothing_is_lost)
{
	style.width = 80;
	style.has_flow = _i & 1;
	show(LONG_SITE RELAY_UP);
	ck_assert_ptr_nonnull(strstr(out.data, ".. "));
	ck_assert_ptr_nonnull(strstr(out.data, " stopping\n"));
}
END_TEST

START_TEST(no_more_lines_than_there_is_room_for)
{
	for (size_t height = 1; height < 16; height++) {
		style.height = height;
		show(SITE("a", "idle", "1", "\"x\"") SITE("b", "delayed", "1",
		    "\"x\"") SITE("c", "idle", "1", "null") RELAY_UP);
		ck_assert_uint_le(count_lines(), height);
		if (height == 9) {
			ck_assert_ptr_nonnull(strstr(out.data, "! b"));
			ck_assert_ptr_nonnull(
			    strstr(out.data, "  ... and 2 more\n"));
		}
	}
	ck_assert_ptr_nonnull(strstr(out.data, "! c"));
}
END_TEST

/* Keys that are missing, or of another kind. */
START_TEST(a_later_flushd_may_say_it_otherwise)
{
	show("{\"site\":\"a\",\"new\":\"many\",\"counted\":1,\"more\":1}\n");
	ck_assert_ptr_nonnull(strstr(out.data, "  a              0        0"));
}
END_TEST

static const struct {
	uint64_t n;
	int width;
	const char *want;
} numbers[] = {{0, 4, "0"}, {9999, 4, "9999"}, {10000, 4, "10k"},
    {9999999, 4, "9M"}, {9999999, 5, "9999k"}, {1000000, 7, "1000000"},
    {UINT64_MAX, 4, "18E"}, {UINT64_MAX, 7, "18446P"}};

START_TEST(a_number_fits_its_column)
{
	status_table_add_number(&out, numbers[_i].n, numbers[_i].width);
	ck_assert_str_eq(out.data, numbers[_i].want);
}
END_TEST

Suite *
status_table_suite(void)
{
	Suite *s = suite_create("status_table");
	TCase *t = tcase_create("status_table");

	setenv("TZ", "UTC0", 1);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_operator_sees_relay_and_sites);
	tcase_add_test(t, a_site_s_user_sees_his_own);
	tcase_add_test(t, what_comes_and_goes_has_columns);
	tcase_add_test(t, what_was_not_counted_is_not_said_to_be_nothing);
	tcase_add_test(t, an_outage_is_said_with_its_reason);
	tcase_add_test(t, old_errors_are_shown_when_asked_for);
	tcase_add_test(t, colours_are_for_terminals);
	tcase_add_loop_test(t, no_line_is_wider_than_the_terminal, 0, 4);
	tcase_add_loop_test(t, at_80_columns_nothing_is_lost, 0, 2);
	tcase_add_test(t, no_more_lines_than_there_is_room_for);
	tcase_add_test(t, a_later_flushd_may_say_it_otherwise);
	tcase_add_loop_test(
	    t, a_number_fits_its_column, 0, (int)ARRAY_LEN(numbers));
	suite_add_tcase(s, t);
	return s;
}
