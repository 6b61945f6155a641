/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "flushctl/exposition.h"
#include "unit/suites.h"

static struct buf out;

static void
setup(void)
{
	buf_init(&out);
}

static void
teardown(void)
{
	buf_release(&out);
}

static struct snapshot_site sites[] = {
    {.name = "a",
	.state = "idle",
	.error = "",
	.is_counted = true,
	.count = {1, 2, 3, 4},
	.bytes = 5,
	.oldest_age_sec = 6,
	.counted_sec = 7,
	.crashes = 8,
	.total = {11, 12, 13, 14, 15, 16},
	.commits = 2,
	.commit_us = 1000007},
    {.name = "b\"\\\nc",
	.state = "delayed",
	.error = "damaged",
	.oldest_age_sec = SNAPSHOT_NEVER},
};

static const struct snapshot snapshot = {.sites = sites,
    .count = ARRAY_LEN(sites),
    .has_relay = true,
    .relay = {.name = "127.0.0.1:25",
	.is_up = true,
	.since_sec = 1700000000,
	.reason = "",
	.connections = {1, 20, 3},
	.workers = {2, 32, 4},
	.version = "0.1",
	.started_sec = 1600000000}};

/* A whole line. */
static void
has_line(const char *line)
{
	const char *at = strstr(out.data, line);

	ck_assert_msg(at && (at == out.data || at[-1] == '\n') &&
			  at[strlen(line)] == '\n',
	    "there is no line '%s'", line);
}

START_TEST(a_site_has_its_samples)
{
	exposition_add(&out, &snapshot);
	has_line("mini_sendmail_messages{site=\"a\",state=\"deferred\"} 2");
	has_line("mini_sendmail_spool_bytes{site=\"a\"} 5");
	has_line("mini_sendmail_oldest_message_age_seconds{site=\"a\"} 6");
	has_line("# TYPE mini_sendmail_messages_submitted_total counter");
	has_line("mini_sendmail_messages_submitted_total{site=\"a\"} 11");
	has_line("mini_sendmail_messages_completed_total{site=\"a\"} 12");
	has_line("mini_sendmail_recipients_delivered_total{site=\"a\"} 13");
	has_line("mini_sendmail_recipients_deferred_total{site=\"a\"} 14");
	has_line("mini_sendmail_recipients_failed_total{site=\"a\"} 15");
	has_line("# TYPE mini_sendmail_submissions_refused_total counter");
	has_line("mini_sendmail_submissions_refused_total{site=\"a\"} 16");
	has_line("mini_sendmail_worker_failures_total{site=\"a\"} 8");
	has_line("mini_sendmail_site_in_error{site=\"a\"} 0");
	has_line("mini_sendmail_commit_duration_seconds_sum{site=\"a\"} "
		 "1.000007");
	has_line("mini_sendmail_commit_duration_seconds_count{site=\"a\"} 2");
}
END_TEST

START_TEST(the_relay_has_its_samples)
{
	exposition_add(&out, &snapshot);
	has_line("mini_sendmail_up 1");
	has_line("mini_sendmail_relay_up{relay=\"127.0.0.1:25\"} 1");
	has_line("mini_sendmail_relay_breaker_open 0");
	has_line("mini_sendmail_relay_connections 1");
	has_line("mini_sendmail_relay_connections_max 20");
	has_line("mini_sendmail_workers_waiting_sites 4");
	has_line("mini_sendmail_sites 2");
	has_line("mini_sendmail_start_time_seconds 1600000000");
	has_line("mini_sendmail_build_info{version=\"0.1\"} 1");
}
END_TEST

START_TEST(what_was_not_counted_has_no_sample)
{
	exposition_add(&out, &snapshot);
	has_line("mini_sendmail_site_in_error{site=\"b\\\"\\\\\\nc\"} 1");
	ck_assert_ptr_null(strstr(out.data, "messages{site=\"b"));
	ck_assert_ptr_null(strstr(out.data, "age_seconds{site=\"b"));
}
END_TEST

START_TEST(without_flushd_there_is_one_sample)
{
	exposition_add(&out, NULL);
	ck_assert_str_eq(out.data,
	    "# HELP mini_sendmail_up Whether flushd answers.\n"
	    "# TYPE mini_sendmail_up gauge\n"
	    "mini_sendmail_up 0\n");
}
END_TEST

START_TEST(a_label_cannot_end_its_value)
{
	exposition_add_label(&out, "\"} 1\nx{y=\"\\gr\xc3\xbc\xc3\x9f");
	ck_assert_str_eq(out.data, "\\\"} 1\\nx{y=\\\"\\\\gr\xc3\xbc\xc3\x9f");
}
END_TEST

Suite *
exposition_suite(void)
{
	Suite *s = suite_create("exposition");
	TCase *t = tcase_create("exposition");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_site_has_its_samples);
	tcase_add_test(t, the_relay_has_its_samples);
	tcase_add_test(t, what_was_not_counted_has_no_sample);
	tcase_add_test(t, without_flushd_there_is_one_sample);
	tcase_add_test(t, a_label_cannot_end_its_value);
	suite_add_tcase(s, t);
	return s;
}
