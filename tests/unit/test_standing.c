/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "flushd/settled.h"
#include "flushd/standing.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

static struct standing standing;

static void
setup(void)
{
	standing = (struct standing){0};
}

/* ---- what a worker counts ------------------------------------------ */

static struct depth
read_depth(void)
{
	struct depth d;

	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(depth_read(fixture_spool, &d), 0);
	spool_abort(fixture_spool);
	return d;
}

START_TEST(an_empty_spool_has_no_depth)
{
	const struct depth d = read_depth();

	ck_assert_uint_eq(depth_waiting(&d), 0);
	ck_assert_uint_eq(d.bytes, 0);
	ck_assert_int_eq(d.oldest_ms, 0);
}
END_TEST

START_TEST(a_spool_s_depth_is_by_phase_with_the_oldest)
{
	const uint64_t first = fixture_put_one("1\n");
	const uint64_t second = fixture_put_one("2\n");
	struct depth d;

	fixture_put_one("3\n");
	fixture_put_one("4\n");
	fixture_begin(SPOOL_CHANGE);
	fixture_set(first, PHASE_HELD, 0);
	fixture_set(second, PHASE_DEFERRED, FIXTURE_NOW_MS);
	fixture_commit();
	d = read_depth();
	ck_assert_uint_eq(d.count[PHASE_NEW], 2);
	ck_assert_uint_eq(d.count[PHASE_DEFERRED], 1);
	ck_assert_uint_eq(d.count[PHASE_HELD], 1);
	ck_assert_uint_eq(d.count[PHASE_FAILED], 0);
	ck_assert_uint_eq(depth_waiting(&d), 3);
	ck_assert_uint_gt(d.bytes, 8);
	ck_assert_int_eq(d.oldest_ms, FIXTURE_NOW_MS);
}
END_TEST

START_TEST(a_depth_follows_what_is_done)
{
	struct depth d = {.count = {2, 0, 1, 0}};

	depth_move(&d, PHASE_NEW, PHASE_DEFERRED);
	depth_move(&d, PHASE_NEW, PHASE_COUNT);
	depth_move(&d, PHASE_NEW, PHASE_FAILED); /* there is none */
	ck_assert_uint_eq(d.count[PHASE_NEW], 0);
	ck_assert_uint_eq(d.count[PHASE_DEFERRED], 1);
	ck_assert_uint_eq(d.count[PHASE_HELD], 1);
	ck_assert_uint_eq(d.count[PHASE_FAILED], 1);
	ck_assert_uint_eq(depth_total(&d), 3);
}
END_TEST

START_TEST(outcomes_are_counted_by_what_they_mean)
{
	static char later[] = "451 later";
	static char never[] = "550 never";
	static char taken[] = "250 taken";
	static const struct smtp_result result = {
	    .outcomes = {SMTP_SENT, SMTP_DEFERRED, SMTP_FAILED, SMTP_AMBIGUOUS,
		SMTP_HELD, SMTP_UNTRIED, SMTP_SENT},
	    .replies = {taken, later, never, NULL, NULL, NULL, taken},
	    .recipient_count = 7};
	struct settled s = {0};

	settled_add(&s, &result);
	ck_assert_uint_eq(s.count[SETTLED_SENT], 2);
	ck_assert_uint_eq(s.count[SETTLED_DEFERRED], 2);
	ck_assert_uint_eq(s.count[SETTLED_FAILED], 2);
	ck_assert_str_eq(s.words, "550 never");
}
END_TEST

START_TEST(long_words_are_cut)
{
	static char words[1000];
	struct smtp_result result = {.recipient_count = 1};
	struct settled s = {0};

	memset(words, 'x', sizeof(words) - 1);
	result.outcomes[0] = SMTP_DEFERRED;
	result.replies[0] = words;
	settled_add(&s, &result);
	ck_assert_uint_eq(strlen(s.words), sizeof(s.words) - 1);
}
END_TEST

/* ---- what the supervisor takes ------------------------------------- */

START_TEST(what_a_worker_says_is_taken)
{
	const struct depth d = {
	    .count = {1, 2, 3, 4}, .bytes = 5, .oldest_ms = 6};
	const struct settled settled = {
	    .count = {7, 8, 9}, .words = "451 later"};

	for (int i = 0; i < 2; i++)
		standing_take(&standing, &d, &settled, 1000, 2000);
	ck_assert_int_eq(memcmp(&standing.depth, &d, sizeof(d)), 0);
	ck_assert_int_eq(standing.counted_ms, 2000);
	ck_assert_uint_eq(standing.meters[SETTLED_SENT].total, 14);
	ck_assert_uint_eq(standing.meters[SETTLED_FAILED].total, 18);
	ck_assert_str_eq(standing.error, "451 later");
	ck_assert_int_eq(standing.error_ms, 2000);
}
END_TEST

/* What a worker says one after the other, and what that makes of arrivals. */
static const struct {
	const char *name;
	uint64_t first, then, left, want;
} arrivals[] = {
    {"nothing happened", 5, 5, 0, 0},
    {"some came", 5, 8, 0, 3},
    {"some left", 5, 2, 3, 0},
    {"as many came as left", 5, 5, 4, 4},
    {"some came while all left", 5, 0, 7, 2},
    {"an operator removed some", 5, 1, 0, 0},
};

START_TEST(arrivals_are_what_is_there_and_what_left)
{
	const struct depth first = {.count = {arrivals[_i].first}};
	const struct depth then = {.count = {0, 0, arrivals[_i].then}};
	const struct settled s = {.left = arrivals[_i].left};

	standing_take(&standing, &first, &(struct settled){0}, 1000, 2000);
	standing_take(&standing, &then, &s, 1000, 2000);
	ck_assert_msg(standing.arrived.total == arrivals[_i].want,
	    "%s: got %ju, want %ju", arrivals[_i].name,
	    (uintmax_t)standing.arrived.total, (uintmax_t)arrivals[_i].want);
	ck_assert_uint_eq(standing.left.total, arrivals[_i].left);
}
END_TEST

START_TEST(what_was_there_at_first_has_not_arrived)
{
	const struct depth d = {.count = {1000}};

	standing_take(&standing, &d, &(struct settled){0}, 1000, 2000);
	ck_assert_uint_eq(standing.arrived.total, 0);
}
END_TEST

START_TEST(commits_add_up)
{
	const struct settled s = {.commits = 3, .commit_us = 12000};

	for (int i = 0; i < 2; i++)
		standing_take(&standing, NULL, &s, 1000, 2000);
	ck_assert_uint_eq(standing.commits, 6);
	ck_assert_uint_eq(standing.commit_us, 24000);
}
END_TEST

START_TEST(who_has_not_counted_may_say_why)
{
	const struct depth d = {.count = {1}};
	const struct settled why = {.words = "the spool is damaged"};

	standing_take(&standing, &d, &(struct settled){0}, 1000, 2000);
	standing_take(&standing, NULL, &why, 1000, 3000);
	ck_assert_uint_eq(standing.depth.count[PHASE_NEW], 1);
	ck_assert_int_eq(standing.counted_ms, 2000);
	ck_assert_str_eq(standing.error, "the spool is damaged");
}
END_TEST

START_TEST(an_error_lasts_until_the_next)
{
	const struct depth d = {0};
	const struct settled well = {.count = {1}};

	standing_note(&standing, 1000, "%d wrong", 1);
	standing_take(&standing, &d, &well, 1000, 2000);
	ck_assert_str_eq(standing.error, "1 wrong");
	ck_assert_int_eq(standing.error_ms, 1000);
}
END_TEST

/* A hostile site's worker may say anything. */
START_TEST(made_up_numbers_can_be_added)
{
	struct depth d;
	struct settled settled;
	uint64_t sum = 0;

	memset(&d, 0xff, sizeof(d));
	memset(&settled, 0xff, sizeof(settled));
	d.oldest_ms = INT64_MIN;
	for (int64_t n = 0; n < 1000; n++) {
		standing_take(&standing, &d, &settled, n, n);
		standing_refused(&standing, UINT64_MAX, n);
	}
	for (int n = 0; n < 1000000; n++) {
		ck_assert_uint_ge(sum + depth_waiting(&standing.depth), sum);
		sum += depth_waiting(&standing.depth);
	}
	ck_assert_uint_le(standing.depth.bytes, INT64_MAX);
	ck_assert_int_ge(standing.depth.oldest_ms, 0);
	ck_assert_uint_le(standing.meters[SETTLED_SENT].total, INT64_MAX);
	ck_assert_uint_le(standing.arrived.total, INT64_MAX);
	ck_assert_uint_le(standing.left.total, INT64_MAX);
	ck_assert_uint_le(standing.refused.total, INT64_MAX);
	ck_assert_uint_le(standing.commits, INT64_MAX);
	ck_assert_uint_le(standing.commit_us, INT64_MAX);
	ck_assert_uint_lt(strlen(standing.error), sizeof(standing.error));
}
END_TEST

START_TEST(an_error_is_printable_and_cut)
{
	char words[1000];

	memset(words, '\033', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	standing_note(&standing, 1, "%s", words);
	ck_assert_uint_lt(strlen(standing.error), sizeof(standing.error));
	ck_assert_uint_gt(strlen(standing.error), 100);
	for (const char *p = standing.error; *p; p++)
		ck_assert(*p >= 32 && *p < 127);
}
END_TEST

Suite *
standing_suite(void)
{
	Suite *s = suite_create("standing");
	TCase *t = tcase_create("spool");

	tcase_add_checked_fixture(t, fixture_setup, fixture_teardown);
	tcase_add_test(t, an_empty_spool_has_no_depth);
	tcase_add_test(t, a_spool_s_depth_is_by_phase_with_the_oldest);
	suite_add_tcase(s, t);
	t = tcase_create("standing");
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_depth_follows_what_is_done);
	tcase_add_test(t, outcomes_are_counted_by_what_they_mean);
	tcase_add_test(t, long_words_are_cut);
	tcase_add_test(t, what_a_worker_says_is_taken);
	tcase_add_loop_test(t, arrivals_are_what_is_there_and_what_left, 0,
	    (int)ARRAY_LEN(arrivals));
	tcase_add_test(t, what_was_there_at_first_has_not_arrived);
	tcase_add_test(t, commits_add_up);
	tcase_add_test(t, who_has_not_counted_may_say_why);
	tcase_add_test(t, an_error_lasts_until_the_next);
	tcase_add_test(t, made_up_numbers_can_be_added);
	tcase_add_test(t, an_error_is_printable_and_cut);
	suite_add_tcase(s, t);
	return s;
}
