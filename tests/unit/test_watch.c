/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flushd/watch.h"
#include "unit/suites.h"

enum { DIRS = 40, QUIET_USEC = 50 * 1000 };

static char base[] = "/tmp/watch-test.XXXXXX";
static sd_event *event;
static struct watch *watch;
static int dirs[DIRS];
static int ids[DIRS];
static int touched[DIRS];
static int noted[DIRS];
static int overflows;

static void
on_touched(void *context)
{
	touched[(int *)context - dirs]++;
}

static void
on_noted(void *context)
{
	noted[(int *)context - dirs]++;
}

static void
on_overflow(void *context)
{
	(void)context;
	overflows++;
}

static void
setup(void)
{
	char name[16];
	int base_fd;

	ck_assert_ptr_nonnull(mkdtemp(base));
	base_fd = open(base, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(sd_event_new(&event), 0);
	watch = watch_new(event, "data", on_overflow, NULL);
	ck_assert_ptr_nonnull(watch);
	for (int i = 0; i < DIRS; i++) {
		snprintf(name, sizeof(name), "%d", i);
		ck_assert_int_eq(mkdirat(base_fd, name, 0700), 0);
		dirs[i] = openat(base_fd, name, O_RDONLY | O_DIRECTORY);
		ids[i] =
		    watch_add(watch, dirs[i], on_touched, on_noted, &dirs[i]);
		ck_assert_int_gt(ids[i], 0);
	}
	close(base_fd);
}

static void
teardown(void)
{
	char command[64];

	watch_free(watch);
	sd_event_unref(event);
	snprintf(command, sizeof(command), "rm -r %s", base);
	ck_assert_int_eq(system(command), 0);
}

static void
write_file(int i, const char *name)
{
	int fd = openat(dirs[i], name, O_WRONLY | O_CREAT, 0600);

	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

/* All events that there are, and will be soon. */
static void
run(void)
{
	while (sd_event_run(event, QUIET_USEC) > 0)
		;
}

START_TEST(who_writes_into_the_file_is_heard)
{
	write_file(17, "data");
	run();
	for (int i = 0; i < DIRS; i++)
		ck_assert_int_eq(touched[i], i == 17);
}
END_TEST

START_TEST(other_files_are_noted_only)
{
	write_file(1, "other");
	write_file(1, "data.new");
	run();
	ck_assert_int_eq(touched[1], 0);
	ck_assert_int_eq(noted[1], 2);
	ck_assert_int_eq(noted[2], 0);
	write_file(1, "data");
	run();
	ck_assert_int_eq(noted[1], 2);
}
END_TEST

START_TEST(but_a_flood_of_them_does)
{
	for (int i = 0; i < 1000; i++) {
		/* Two in turn: the same event twice would be one. */
		write_file(1, "other");
		write_file(1, "another");
	}
	run();
	ck_assert_int_gt(touched[1], 0);
	ck_assert_int_eq(touched[2], 0);
	/* Watched anew, it starts from nothing. */
	watch_remove(watch, ids[1]);
	ids[1] = watch_add(watch, dirs[1], on_touched, on_noted, &dirs[1]);
	touched[1] = 0;
	write_file(1, "other");
	run();
	ck_assert_int_eq(touched[1], 0);
}
END_TEST

static void
rename_into_place(void)
{
	write_file(3, "new");
	renameat(dirs[3], "new", dirs[3], "data");
}

static void
remove_file(void)
{
	write_file(3, "data");
	run();
	touched[3] = 0;
	unlinkat(dirs[3], "data", 0);
}

static void
remove_directory(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/3", base);
	rmdir(path);
	/* It is there as long as somebody has it. */
	close(dirs[3]);
}

static void
rename_directory(void)
{
	char from[64];
	char to[64];

	snprintf(from, sizeof(from), "%s/3", base);
	snprintf(to, sizeof(to), "%s/moved", base);
	rename(from, to);
}

static void (*const changes[])(void) = {
    rename_into_place, remove_file, remove_directory, rename_directory};

START_TEST(a_file_or_directory_that_is_replaced_is_heard_of)
{
	changes[_i]();
	run();
	ck_assert_int_eq(touched[3], 1);
}
END_TEST

START_TEST(what_is_removed_is_silent_even_about_the_past)
{
	write_file(5, "data");
	watch_remove(watch, ids[5]);
	write_file(5, "data");
	run();
	ck_assert_int_eq(touched[5], 0);
	watch_remove(watch, ids[5]);
	watch_remove(watch, 0);
	ids[5] = watch_add(watch, dirs[5], on_touched, on_noted, &dirs[5]);
	ck_assert_int_gt(ids[5], 0);
	write_file(5, "data");
	run();
	ck_assert_int_eq(touched[5], 1);
}
END_TEST

START_TEST(a_directory_is_watched_once)
{
	ck_assert_int_eq(
	    watch_add(watch, dirs[2], on_touched, on_noted, &dirs[2]), -EEXIST);
	write_file(2, "data");
	run();
	ck_assert_int_eq(touched[2], 1);
}
END_TEST

static void
remove_all(void *context)
{
	on_touched(context);
	for (int i = 0; i < DIRS; i++)
		watch_remove(watch, ids[i]);
}

START_TEST(watches_may_be_removed_by_whoever_is_told)
{
	watch_remove(watch, ids[9]);
	ids[9] = watch_add(watch, dirs[9], remove_all, NULL, &dirs[9]);
	write_file(9, "data");
	write_file(10, "data");
	run();
	ck_assert_int_eq(touched[9], 1);
	ck_assert_int_eq(touched[10], 0);
}
END_TEST

static int
queue_max(void)
{
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	int max = 16384;

	if (f) {
		ck_assert_int_eq(fscanf(f, "%d", &max), 1);
		fclose(f);
	}
	return max;
}

START_TEST(that_events_were_lost_is_heard)
{
	const int count = queue_max() + 100;

	/* Two files, or the kernel makes one event of many. */
	for (int i = 0; i < count; i++)
		write_file(i % DIRS, i / DIRS % 2 ? "data" : "other");
	run();
	ck_assert_int_eq(overflows, 1);
}
END_TEST

Suite *
watch_suite(void)
{
	Suite *s = suite_create("watch");
	TCase *tc = tcase_create("watch");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, who_writes_into_the_file_is_heard);
	tcase_add_test(tc, other_files_are_noted_only);
	tcase_add_test(tc, but_a_flood_of_them_does);
	tcase_add_loop_test(tc,
	    a_file_or_directory_that_is_replaced_is_heard_of, 0,
	    (int)ARRAY_LEN(changes));
	tcase_add_test(tc, what_is_removed_is_silent_even_about_the_past);
	tcase_add_test(tc, a_directory_is_watched_once);
	tcase_add_test(tc, watches_may_be_removed_by_whoever_is_told);
	tcase_add_test(tc, that_events_were_lost_is_heard);
	suite_add_tcase(s, tc);
	return s;
}
