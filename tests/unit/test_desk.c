/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/local.h"
#include "flushd/desk.h"
#include "unit/suites.h"

/* ---- who and what -------------------------------------------------- */

static const struct {
	const char *name;
	uid_t uid;
	bool has_site;
	size_t guest_count;
	size_t his_count;
	enum desk_verdict want;
} callers[] = {
    {"root", 0, false, 0, 0, DESK_ADMIT},
    {"root in a crowd", 0, false, DESK_GUESTS_MAX, 64, DESK_ADMIT},
    {"a site's user", 1001, true, 0, 0, DESK_ADMIT},
    {"a stranger", 1001, false, 0, 0, DESK_STRANGER},
    {"a stranger in a crowd", 1001, false, DESK_GUESTS_MAX, 0, DESK_STRANGER},
    {"nobody's number", (uid_t)-1, false, 0, 0, DESK_STRANGER},
    {"his last place", 1001, true, 7, DESK_GUESTS_OF_USER_MAX - 1, DESK_ADMIT},
    {"one too many", 1001, true, 8, DESK_GUESTS_OF_USER_MAX, DESK_CROWDED},
    {"the last place", 1001, true, DESK_GUESTS_MAX - 1, 0, DESK_ADMIT},
    {"no place", 1001, true, DESK_GUESTS_MAX, 0, DESK_CROWDED},
};

START_TEST(who_may_be_answered)
{
	const enum desk_verdict got =
	    desk_judge(callers[_i].uid, callers[_i].has_site,
		callers[_i].guest_count, callers[_i].his_count);

	ck_assert_msg(got == callers[_i].want, "%s: got %d, want %d",
	    callers[_i].name, (int)got, (int)callers[_i].want);
}
END_TEST

#define TEN "0123456789"

static const struct {
	const char *words;
	enum desk_request want;
} requests[] = {
    {"", DESK_PARTIAL},
    {"stat", DESK_PARTIAL},
    {"status", DESK_PARTIAL},
    {"status\n", DESK_STATUS},
    {"status\nand more", DESK_STATUS},
    {"status \n", DESK_UNKNOWN},
    {"status\r\n", DESK_UNKNOWN},
    {"Status\n", DESK_UNKNOWN},
    {"statuses\n", DESK_UNKNOWN},
    {"\n", DESK_UNKNOWN},
    {"\nstatus\n", DESK_UNKNOWN},
    {TEN TEN TEN TEN TEN TEN "012", DESK_PARTIAL},
    {TEN TEN TEN TEN TEN TEN "0123", DESK_UNKNOWN},
};

START_TEST(what_is_asked_for)
{
	const char *words = requests[_i].words;
	const enum desk_request got = desk_parse(words, strlen(words));

	ck_assert_msg(got == requests[_i].want, "%s: got %d, want %d", words,
	    (int)got, (int)requests[_i].want);
}
END_TEST

START_TEST(a_nul_is_no_end)
{
	ck_assert_int_eq(desk_parse("status\0\n", 8), DESK_UNKNOWN);
}
END_TEST

/* ---- the socket ---------------------------------------------------- */

enum { PIECES = 100, CALLERS_MAX = 100 };

static char dir[] = "/tmp/desk-test.XXXXXX";
static char path[64];
static sd_event *event;
static struct desk *desk;
static int pieces_made;
static int callers_fds[CALLERS_MAX];

static bool
has_site(void *context, uid_t uid)
{
	(void)context;
	return uid == 0 || uid == geteuid();
}

/* A long answer: PIECES lines of DESK_PIECE_LEN bytes. */
static bool
answer(void *context, uid_t uid, char *at, struct buf *out)
{
	const int n = (int)strtol(at, NULL, 10);

	(void)context;
	ck_assert_uint_eq(uid, geteuid());
	pieces_made++;
	buf_add_format(out, "%0*d\n", DESK_PIECE_LEN - 1, n);
	snprintf(at, DESK_NAME_SIZE, "%d", n + 1);
	return n + 1 < PIECES;
}

static int
open_desk(void)
{
	const struct desk_host host = {has_site, answer, NULL};

	desk = NULL;
	return desk_new(event, path, &host, &desk);
}

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/run/status", dir);
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert(freopen("/dev/null", "w", stderr) != NULL);
	ck_assert_int_eq(open_desk(), 0);
}

static void
teardown(void)
{
	char command[64];

	desk_free(desk);
	sd_event_unref(event);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* Let the loop do what there is to do without time passing. */
static void
work(void)
{
	while (sd_event_run(event, 0) > 0)
		;
}

static int
call(const char *words)
{
	const int fd = local_connect(path, 1000);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	if (words)
		ck_assert_int_eq(send(fd, words, strlen(words), MSG_NOSIGNAL),
		    (ssize_t)strlen(words));
	return fd;
}

static size_t
count_fds(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* What has come so far; *is_over if that was all. */
static size_t
hear(int fd, char *first, size_t size, bool *is_over)
{
	char bytes[65536];
	size_t sum = 0;
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		if (sum == 0)
			snprintf(first, size, "%.*s", (int)n, bytes);
		sum += (size_t)n;
	}
	*is_over = n == 0 || errno == ECONNRESET;
	return sum;
}

START_TEST(a_long_answer_arrives_whole)
{
	char first[8];
	bool is_over = false;
	size_t sum = 0;
	int fd = call("status\n");

	for (int n = 0; n < 1000 && !is_over; n++) {
		work();
		sum += hear(fd, first, sizeof(first), &is_over);
	}
	ck_assert(is_over);
	ck_assert_uint_eq(sum, (size_t)PIECES * DESK_PIECE_LEN);
	close(fd);
}
END_TEST

START_TEST(who_does_not_read_has_no_more_made_for_him)
{
	char first[8];
	bool is_over;
	int deaf = call("status\n");
	int other;

	work();
	/* What the kernel takes, and a piece. */
	ck_assert_int_lt(pieces_made, PIECES / 2);
	other = call("stop\n");
	work();
	ck_assert_uint_gt(hear(other, first, sizeof(first), &is_over), 0);
	ck_assert(is_over);
	close(other);
	close(deaf);
}
END_TEST

START_TEST(a_request_may_come_in_pieces)
{
	char first[8];
	bool is_over;
	int fd = call("sta");

	work();
	ck_assert_uint_eq(hear(fd, first, sizeof(first), &is_over), 0);
	ck_assert(!is_over);
	ck_assert_int_eq(write(fd, "tus\n", 4), 4);
	work();
	ck_assert_uint_gt(hear(fd, first, sizeof(first), &is_over), 0);
	close(fd);
}
END_TEST

START_TEST(who_leaves_leaves_nothing_behind)
{
	static const char *const words[] = {NULL, "sta", "status\n"};
	const size_t before = count_fds();
	int fd;

	for (int n = 0; n < 100; n++) {
		fd = call(words[_i]);
		if (n % 2)
			work();
		close(fd);
		work();
	}
	ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(there_is_no_room_for_more_than_so_many)
{
	const size_t max =
	    geteuid() == 0 ? DESK_CLIENTS_MAX : DESK_GUESTS_OF_USER_MAX;
	const size_t before = count_fds();
	int fd;

	for (size_t i = 0; i < CALLERS_MAX; i++)
		callers_fds[i] = call(NULL);
	work();
	ck_assert_uint_eq(count_fds(), before + CALLERS_MAX + max);
	for (size_t i = 0; i < CALLERS_MAX; i++)
		close(callers_fds[i]);
	work();
	fd = call("stop\n");
	work();
	ck_assert_int_gt(read(fd, path, 1), 0);
	close(fd);
}
END_TEST

START_TEST(who_is_silent_is_hung_up_on)
{
	const int64_t end_ms = clock_boot_ms() + 2 * DESK_TIMEOUT_MS;
	char first[8];
	bool is_over = false;
	int fd = call(NULL);

	while (!is_over && clock_boot_ms() < end_ms) {
		ck_assert_int_ge(sd_event_run(event, 100000), 0);
		hear(fd, first, sizeof(first), &is_over);
	}
	ck_assert(is_over);
	close(fd);
}
END_TEST

/* ---- its path ------------------------------------------------------ */

static int
reopen(void)
{
	struct desk *before = desk;
	const int rc = open_desk();

	desk_free(before);
	return rc;
}

START_TEST(the_socket_is_open_to_all_in_a_directory_that_is_root_s)
{
	struct stat st;
	char run[64];

	snprintf(run, sizeof(run), "%s/run", dir);
	ck_assert_int_eq(stat(run, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0666);
	ck_assert(S_ISSOCK(st.st_mode));
}
END_TEST

START_TEST(where_somebody_listens_nobody_else_does)
{
	ck_assert_int_eq(reopen(), -EADDRINUSE);
	ck_assert_ptr_null(desk);
}
END_TEST

START_TEST(a_socket_that_was_left_behind_is_replaced)
{
	char aside[sizeof(path) + 8];
	int fd;

	/* As if it had been killed. */
	snprintf(aside, sizeof(aside), "%s.aside", path);
	ck_assert_int_eq(rename(path, aside), 0);
	desk_free(desk);
	ck_assert_int_eq(rename(aside, path), 0);
	ck_assert_int_eq(local_connect(path, 1000), -ECONNREFUSED);
	ck_assert_int_eq(open_desk(), 0);
	fd = local_connect(path, 1000);
	ck_assert_int_ge(fd, 0);
	close(fd);
}
END_TEST

START_TEST(what_is_no_socket_is_not_replaced)
{
	struct stat st;

	desk_free(desk);
	if (_i == 0)
		close(open(path, O_CREAT | O_WRONLY, 0600));
	else
		ck_assert_int_eq(symlink("/nowhere", path), 0);
	ck_assert_int_eq(open_desk(), -EEXIST);
	ck_assert_ptr_null(desk);
	ck_assert_int_eq(lstat(path, &st), 0);
}
END_TEST

START_TEST(a_path_that_is_too_long_is_refused)
{
	char longer[200];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(local_listen(longer), -ENAMETOOLONG);
	ck_assert_int_eq(local_connect(longer, 1000), -ENAMETOOLONG);
}
END_TEST

Suite *
desk_suite(void)
{
	Suite *s = suite_create("desk");
	TCase *t = tcase_create("pure");

	tcase_add_loop_test(t, who_may_be_answered, 0, (int)ARRAY_LEN(callers));
	tcase_add_loop_test(t, what_is_asked_for, 0, (int)ARRAY_LEN(requests));
	tcase_add_test(t, a_nul_is_no_end);
	suite_add_tcase(s, t);
	t = tcase_create("socket");
	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_long_answer_arrives_whole);
	tcase_add_test(t, who_does_not_read_has_no_more_made_for_him);
	tcase_add_test(t, a_request_may_come_in_pieces);
	tcase_add_loop_test(t, who_leaves_leaves_nothing_behind, 0, 3);
	tcase_add_test(t, there_is_no_room_for_more_than_so_many);
	tcase_add_test(t, who_is_silent_is_hung_up_on);
	tcase_add_test(
	    t, the_socket_is_open_to_all_in_a_directory_that_is_root_s);
	tcase_add_test(t, where_somebody_listens_nobody_else_does);
	tcase_add_test(t, a_socket_that_was_left_behind_is_replaced);
	tcase_add_loop_test(t, what_is_no_socket_is_not_replaced, 0, 2);
	tcase_add_test(t, a_path_that_is_too_long_is_refused);
	suite_add_tcase(s, t);
	return s;
}
