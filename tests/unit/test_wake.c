/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "flushd/event.h"
#include "flushd/wake.h"
#include "unit/suites.h"

enum { OFF = -1, HOUR_MS = 3600 * 1000, NEVER = -2 };

static char base[] = "/tmp/wake-test.XXXXXX";
static sd_event *event;
static struct watch *watches;
static struct wake wake;
static int dir_fd;
static int calls;
static int64_t before_ms;

static void
on_up(void *context)
{
	(void)context;
	calls++;
}

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(base));
	dir_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(sd_event_new(&event), 0);
	watches = watch_new(event, "data", on_up, NULL);
	ck_assert_ptr_nonnull(watches);
	wake_init(&wake, event, watches, on_up, NULL);
	before_ms = clock_boot_ms();
}

static void
teardown(void)
{
	wake_release(&wake);
	watch_free(watches);
	sd_event_unref(event);
	unlinkat(dir_fd, "data", 0);
	unlinkat(dir_fd, "log", 0);
	close(dir_fd);
	ck_assert_int_eq(rmdir(base), 0);
}

/* The timer was set, since before_ms, to fire after so long, or it is OFF. */
static void
check_timer(int64_t want_ms)
{
	const int64_t after_ms = clock_boot_ms();
	int enabled;
	uint64_t usec;
	int64_t at_ms;

	ck_assert_int_ge(sd_event_source_get_enabled(wake.timer, &enabled), 0);
	ck_assert_int_eq(enabled != SD_EVENT_OFF, want_ms != OFF);
	if (want_ms == OFF)
		return;
	ck_assert_int_ge(sd_event_source_get_time(wake.timer, &usec), 0);
	at_ms = (int64_t)(usec / 1000);
	/* A due time was made from a clock that went on meanwhile. */
	ck_assert_int_ge(at_ms, 2 * before_ms - after_ms + want_ms - 1);
	ck_assert_int_le(at_ms, after_ms + want_ms);
}

/* Somebody does, and it is heard of. */
static void
write_file(const char *name)
{
	close(openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	while (sd_event_run(event, 0) > 0)
		;
}

/* What the timer waits for is over. */
static void
let_time_pass(void)
{
	ck_assert_int_ge(sd_event_source_set_time(wake.timer, 0), 0);
	/* A watch that was removed is an event too. */
	while (sd_event_run(event, 0) > 0)
		;
}

static const struct {
	int in_ms;
	bool is_polled;
	int want_ms;
} dues[] = {
    {-HOUR_MS, false, 0},
    {0, false, 0},
    {2000, false, 2000},
    {HOUR_MS, false, 600 * 1000},
    {NEVER, false, OFF},
    {-HOUR_MS, true, 0},
    {2000, true, 2000},
    {HOUR_MS, true, 10 * 1000},
    {NEVER, true, 10 * 1000},
};

START_TEST(who_is_due_is_called_then_and_not_too_late)
{
	if (dues[_i].is_polled)
		ck_assert_int_gt(
		    watch_add(watches, dir_fd, on_up, NULL, NULL), 0);
	wake_watch(&wake, "a", dir_fd);
	wake_at(&wake, dues[_i].in_ms == NEVER
			   ? INT64_MAX
			   : clock_wall_ms() + dues[_i].in_ms);
	check_timer(dues[_i].want_ms);
}
END_TEST

START_TEST(after_each_crash_it_waits_twice_as_long_up_to_a_minute)
{
	static const int wants_sec[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};

	for (size_t i = 0; i < ARRAY_LEN(wants_sec); i++) {
		before_ms = clock_boot_ms();
		ck_assert_int_eq(wake_back_off(&wake), wants_sec[i] * 1000);
		check_timer(wants_sec[i] * 1000);
	}
	wake_forgive(&wake);
	ck_assert_int_eq(wake_back_off(&wake), 1000);
}
END_TEST

START_TEST(only_time_ends_a_delay)
{
	wake_watch(&wake, "a", dir_fd);
	wake_delay(&wake, 5000);
	ck_assert(!wake_ask(&wake, true));
	ck_assert(wake.is_wanted);
	check_timer(5000);
	let_time_pass();
	ck_assert_int_eq(calls, 1);
	ck_assert(wake_ask(&wake, true));
}
END_TEST

START_TEST(or_forgiveness)
{
	wake_delay(&wake, 5000);
	wake_forgive(&wake);
	ck_assert(wake_ask(&wake, true));
}
END_TEST

START_TEST(three_in_a_row_in_vain_are_followed_by_one_a_second)
{
	for (int i = 0; i < 3; i++) {
		before_ms = clock_boot_ms();
		ck_assert(wake_ask(&wake, true));
		wake_begin(&wake);
	}
	ck_assert(!wake_ask(&wake, true));
	ck_assert(wake.is_wanted);
	check_timer(1000);
	wake.empty_runs = 0;
	ck_assert(wake_ask(&wake, true));
}
END_TEST

START_TEST(while_the_relay_is_down_it_counts_once_in_ten_seconds)
{
	wake_begin(&wake);
	ck_assert(!wake_ask(&wake, false));
	check_timer(10 * 1000);
	ck_assert(wake_ask(&wake, true));
}
END_TEST

/* What is due then, and when that is if something was noted. */
static const struct {
	int in_ms;
	int want_ms;
} noted[] = {{NEVER, 10 * 1000}, {HOUR_MS, 10 * 1000}, {2000, 2000}};

START_TEST(what_is_noted_beside_the_queue_waits_ten_seconds_at_most)
{
	wake_watch(&wake, "a", dir_fd);
	wake_at(&wake, noted[_i].in_ms == NEVER
			   ? INT64_MAX
			   : clock_wall_ms() + noted[_i].in_ms);
	write_file("log");
	ck_assert_int_eq(calls, 0);
	check_timer(noted[_i].want_ms);
	let_time_pass();
	ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(more_of_it_does_not_wait_longer)
{
	wake_watch(&wake, "a", dir_fd);
	wake_at(&wake, INT64_MAX);
	write_file("log");
	event_timer_set(wake.timer, 1000);
	before_ms = clock_boot_ms();
	write_file("log");
	check_timer(1000);
}
END_TEST

START_TEST(what_comes_into_the_queue_does_not_wait)
{
	wake_watch(&wake, "a", dir_fd);
	wake_at(&wake, INT64_MAX);
	write_file("data");
	ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(a_worker_that_starts_ends_what_would_wake_it)
{
	wake_watch(&wake, "a", dir_fd);
	wake_at(&wake, clock_wall_ms() + 2000);
	wake.is_wanted = wake.is_wanted_again = true;
	wake_begin(&wake);
	check_timer(OFF);
	ck_assert_int_eq(wake.watch, 0);
	ck_assert(!wake.is_wanted);
	ck_assert(!wake.is_wanted_again);
}
END_TEST

Suite *
wake_suite(void)
{
	Suite *s = suite_create("wake");
	TCase *tc = tcase_create("wake");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, who_is_due_is_called_then_and_not_too_late, 0,
	    (int)ARRAY_LEN(dues));
	tcase_add_test(
	    tc, after_each_crash_it_waits_twice_as_long_up_to_a_minute);
	tcase_add_test(tc, only_time_ends_a_delay);
	tcase_add_test(tc, or_forgiveness);
	tcase_add_test(tc, three_in_a_row_in_vain_are_followed_by_one_a_second);
	tcase_add_test(
	    tc, while_the_relay_is_down_it_counts_once_in_ten_seconds);
	tcase_add_loop_test(tc,
	    what_is_noted_beside_the_queue_waits_ten_seconds_at_most, 0,
	    (int)ARRAY_LEN(noted));
	tcase_add_test(tc, more_of_it_does_not_wait_longer);
	tcase_add_test(tc, what_comes_into_the_queue_does_not_wait);
	tcase_add_test(tc, a_worker_that_starts_ends_what_would_wake_it);
	suite_add_tcase(s, tc);
	return s;
}
