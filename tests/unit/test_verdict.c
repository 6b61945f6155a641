/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "flushctl/verdict.h"
#include "unit/suites.h"

enum { NOW = 1800000000, MINUTE = 60, HOUR = 3600, NEVER = SNAPSHOT_NEVER };

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

/* A second site, "b", has nothing at all. */
static enum verdict
judge(const struct snapshot_site *site, const struct snapshot_relay *relay)
{
	struct snapshot_site sites[] = {
	    *site, {.name = "b",
		       .state = "idle",
		       .error = "",
		       .is_counted = true,
		       .oldest_age_sec = SNAPSHOT_NEVER}};
	const struct snapshot s = {.sites = sites,
	    .count = ARRAY_LEN(sites),
	    .has_relay = true,
	    .relay = *relay};

	buf_clear(&out);
	return verdict_add(&out, &s, &verdict_thresholds, NOW);
}

static const struct snapshot_relay relay_up = {
    .is_up = true, .since_sec = NOW - 9, .reason = ""};

static const struct {
	enum verdict want;
	struct snapshot_site site; /* "a" */
	const char *words;
} sites[] = {
    {VERDICT_OK, {.oldest_age_sec = NEVER}, "relay is up, 0 waiting"},
    {VERDICT_OK, {.count = {600, 400}}, "relay is up, 1000 waiting"},
    {VERDICT_WARNING, {.count = {600, 401}}, "1001 waiting (a: 1001)"},
    {VERDICT_WARNING, {.count = {10000}}, "10000 waiting"},
    {VERDICT_CRITICAL, {.count = {10001}}, "10001 waiting"},
    {VERDICT_OK, {.count = {1}, .oldest_age_sec = 15 * MINUTE}, "relay is up"},
    {VERDICT_WARNING, {.count = {1}, .oldest_age_sec = 15 * MINUTE + 1},
	"the oldest is 15m old (a)"},
    {VERDICT_WARNING, {.count = {0, 1}, .oldest_age_sec = 2 * HOUR},
	"the oldest is 2h old (a)"},
    {VERDICT_CRITICAL, {.count = {1}, .oldest_age_sec = 2 * HOUR + 1},
	"the oldest is 2h old (a)"},
    {VERDICT_WARNING, {.count = {0, 0, 1, 0}, .oldest_age_sec = 9 * HOUR},
	"MAIL WARNING: 1 held (a: 1) |"},
    {VERDICT_WARNING, {.count = {0, 0, 0, 3}, .oldest_age_sec = 9 * HOUR},
	"MAIL WARNING: 3 failed (a: 3) |"},
    {VERDICT_WARNING, {.count = {1, 0, 1, 0}, .oldest_age_sec = 9 * HOUR},
	"the oldest is 9h old (a), 1 held (a: 1)"},
    {VERDICT_WARNING, {.state = "delayed", .error = "the | is \033 damaged"},
	"1 site in error (a: the / is \\x1b damaged) |"},
};

START_TEST(a_site_is_judged)
{
	struct snapshot_site site = sites[_i].site;
	enum verdict got;

	site.name = "a";
	site.is_counted = true;
	if (!site.state)
		site.state = "idle";
	if (!site.error)
		site.error = "";
	got = judge(&site, &relay_up);
	ck_assert_msg(got == sites[_i].want, "got %s, want %s: %s",
	    verdict_names[got], verdict_names[sites[_i].want], out.data);
	ck_assert_msg(strstr(out.data, sites[_i].words), "got '%s', want '%s'",
	    out.data, sites[_i].words);
}
END_TEST

static const struct snapshot_site well = {.name = "a",
    .state = "idle",
    .error = "",
    .is_counted = true,
    .oldest_age_sec = SNAPSHOT_NEVER};

START_TEST(a_relay_that_is_down_is_critical_after_a_minute)
{
	struct snapshot_relay relay = {
	    .since_sec = NOW - 59, .reason = "Connection refused"};

	ck_assert_int_eq(judge(&well, &relay), VERDICT_WARNING);
	relay.since_sec = NOW - 60;
	ck_assert_int_eq(judge(&well, &relay), VERDICT_CRITICAL);
	ck_assert_ptr_nonnull(strstr(out.data,
	    "MAIL CRITICAL: relay is down for 60s (Connection refused) |"));
}
END_TEST

START_TEST(sites_that_are_all_in_error_are_critical)
{
	struct snapshot_site site = {.name = "a",
	    .state = "delayed",
	    .error = "x",
	    .oldest_age_sec = SNAPSHOT_NEVER};
	const struct snapshot s = {
	    .sites = &site, .count = 1, .has_relay = true, .relay = relay_up};

	ck_assert_int_eq(
	    verdict_add(&out, &s, &verdict_thresholds, NOW), VERDICT_CRITICAL);
}
END_TEST

START_TEST(the_worst_counts_and_all_is_said)
{
	const struct snapshot_site site = {.name = "a",
	    .state = "idle",
	    .error = "",
	    .is_counted = true,
	    .count = {20000, 0, 2, 3},
	    .oldest_age_sec = 60};

	ck_assert_int_eq(judge(&site, &relay_up), VERDICT_CRITICAL);
	ck_assert_str_eq(out.data,
	    "MAIL CRITICAL: 20000 waiting (a: 20000), 2 held (a: 2), "
	    "3 failed (a: 3) | waiting=20000;1000;10000;0 "
	    "oldest=60s;900;7200;0 held=2;0;;0 failed=3;0;;0 in_error=0;0;;0 "
	    "sites=2;;;0 in_per_minute=0;;;0 out_per_minute=0;;;0");
}
END_TEST

START_TEST(a_long_story_is_cut)
{
	char reason[4000];
	const struct snapshot_relay relay = {.reason = reason};

	memset(reason, 'x', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	judge(&well, &relay);
	ck_assert_uint_lt(out.len, 1000);
	ck_assert_ptr_nonnull(strstr(out.data, "xxx..."));
}
END_TEST

Suite *
verdict_suite(void)
{
	Suite *s = suite_create("verdict");
	TCase *t = tcase_create("verdict");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_site_is_judged, 0, (int)ARRAY_LEN(sites));
	tcase_add_test(t, a_relay_that_is_down_is_critical_after_a_minute);
	tcase_add_test(t, sites_that_are_all_in_error_are_critical);
	tcase_add_test(t, the_worst_counts_and_all_is_said);
	tcase_add_test(t, a_long_story_is_cut);
	suite_add_tcase(s, t);
	return s;
}
