/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/io.h"
#include "sendmail/refusal.h"
#include "unit/suites.h"

enum { NOW_SEC = 1795348800 }; /* 2026-11-22T12:00:00Z */

static char dir[64];
static int dir_fd;

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/refusal-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir_fd, 0);
}

static void
teardown(void)
{
	close(dir_fd);
	ck_assert_int_eq(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static struct refusal
refusal(const char *recipient, const char *reason)
{
	return (struct refusal){
	    .now_ms = NOW_SEC * INT64_C(1000),
	    .uid = 33,
	    .exit_code = 69,
	    .size = 1234,
	    .recipient = recipient,
	    .reason = reason,
	};
}

static void
log_one(const char *reason)
{
	const struct refusal r = refusal("x@y", reason);

	refusal_log(dir_fd, &r);
}

/* Append what a file in the directory has; false if there is none. */
static bool
read_log(const char *name, struct buf *content)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return false;
	ck_assert_int_eq(io_read_all(fd, 1 << 20, content), 0);
	close(fd);
	return true;
}

static off_t
file_len(const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, 0) < 0 ? -1 : st.st_size;
}

static void
write_file(const char *name, const char *content, size_t len)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(io_write_all(fd, content, len), 0);
	close(fd);
}

/* A log of so many bytes, in lines. */
static void
fill_log(size_t len)
{
	struct buf content = BUF_INIT;

	for (size_t i = 1; i <= len; i++)
		buf_add_char(&content, i % 64 == 0 || i == len ? '\n' : 'o');
	write_file(REFUSAL_FILE, content.data, content.len);
	buf_release(&content);
}

static size_t
count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		/* An empty one comes of looking while another writes. */
		count += text[0] != '\n' && text[1] == '\n';
	return count;
}

/* ---- the line ------------------------------------------------------ */

#define HEAD "2026-11-22T12:00:00Z uid=33 exit=69 size=1234 "

static const struct {
	const char *name;
	const char *recipient;
	const char *reason;
	const char *want;
} lines[] = {
    {"plain", "x@y", "why not", HEAD "to=\"x@y\" reason=\"why not\"\n"},
    {"nothing known", "", "", HEAD "to=\"\" reason=\"\"\n"},
    {"line ends", "x\n2026-11-22T12:00:00Z uid=0", "a\r\nb",
	HEAD "to=\"x\\x0a2026-11-22T12:00:00Z uid=0\" reason=\"a??b\"\n"},
    {"quotes", "\" exit=0 \"", "say \"no\"",
	HEAD "to=\"\\x22 exit=0 \\x22\" reason=\"say 'no'\"\n"},
    {"terminal sequences", "\033[2J", "\x9b\x31\x41\x7f\b",
	HEAD "to=\"\\x1b[2J\" reason=\"?1A??\"\n"},
    {"8 bit", "\xc3\xb6@y", "\xff\xfe",
	HEAD "to=\"\\xc3\\xb6@y\" reason=\"??\"\n"},
    {"formats", "%s%n@y", "%s%n", HEAD "to=\"%s%n@y\" reason=\"%s%n\"\n"},
    {"escaped once", "\\x41", "address \\x0a",
	HEAD "to=\"\\x5cx41\" reason=\"address \\x0a\"\n"},
};

START_TEST(a_line_is_one_line_whatever_is_in_it)
{
	const struct refusal r = refusal(lines[_i].recipient, lines[_i].reason);
	char line[REFUSAL_LINE_MAX];
	size_t len = refusal_format(&r, line);

	ck_assert_msg(len == strlen(lines[_i].want) &&
			  memcmp(line, lines[_i].want, len) == 0,
	    "%s: got %.*s, want %s", lines[_i].name, (int)len, line,
	    lines[_i].want);
}
END_TEST

/* Long of plain bytes, and of those that become four. */
START_TEST(a_line_is_never_too_long)
{
	const char *const fill = _i == 0 ? "x" : "\n";
	struct refusal r = refusal("", "");
	char line[REFUSAL_LINE_MAX];
	char text[5000];
	size_t len;

	memset(text, *fill, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	r.recipient = text;
	r.reason = text;
	r.now_ms = INT64_MIN;
	r.size = UINT64_MAX;
	r.uid = UINT32_MAX;
	r.exit_code = -2147483647;
	len = refusal_format(&r, line);
	ck_assert_uint_lt(len, REFUSAL_LINE_MAX);
	ck_assert_uint_gt(len, 500);
	ck_assert_int_eq(line[len - 1], '\n');
	ck_assert_ptr_null(memchr(line, '\n', len - 1));
	ck_assert_ptr_nonnull(strstr(line, "...\" reason=\""));
	ck_assert_ptr_nonnull(strstr(line, "...\"\n"));
}
END_TEST

/* ---- the file ------------------------------------------------------ */

START_TEST(lines_are_appended_to_a_file_of_our_own)
{
	struct buf got = BUF_INIT;
	struct stat st;

	umask(0);
	log_one("first");
	log_one("second");
	ck_assert(read_log(REFUSAL_FILE, &got));
	ck_assert_str_eq(got.data, HEAD "to=\"x@y\" reason=\"first\"\n" HEAD
					"to=\"x@y\" reason=\"second\"\n");
	ck_assert_int_eq(fstatat(dir_fd, REFUSAL_FILE, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(file_len(REFUSAL_FILE_OLD), -1);
	buf_release(&got);
}
END_TEST

START_TEST(who_shares_a_spool_shares_the_log)
{
	struct stat st;

	ck_assert_int_eq(fchmod(dir_fd, 02770), 0);
	umask(077);
	log_one("why");
	ck_assert_int_eq(fstatat(dir_fd, REFUSAL_FILE, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	ck_assert_uint_eq(umask(0), 077);
}
END_TEST

START_TEST(a_line_that_was_cut_gets_its_end)
{
	struct buf got = BUF_INIT;

	write_file(REFUSAL_FILE, "half a li", 9);
	log_one("why");
	ck_assert(read_log(REFUSAL_FILE, &got));
	ck_assert_str_eq(
	    got.data, "half a li\n" HEAD "to=\"x@y\" reason=\"why\"\n");
	buf_release(&got);
}
END_TEST

START_TEST(a_full_log_becomes_the_old_one)
{
	struct buf got = BUF_INIT;

	write_file(REFUSAL_FILE_OLD, "goes\n", 5);
	fill_log(REFUSAL_FILE_MAX);
	log_one("still fits");
	ck_assert_int_eq(file_len(REFUSAL_FILE_OLD), 5);
	log_one("first of the new");
	ck_assert_int_gt(file_len(REFUSAL_FILE_OLD), REFUSAL_FILE_MAX);
	ck_assert(read_log(REFUSAL_FILE, &got));
	ck_assert_str_eq(
	    got.data, HEAD "to=\"x@y\" reason=\"first of the new\"\n");
	buf_release(&got);
}
END_TEST

START_TEST(whatever_is_logged_the_files_stay_small)
{
	char reason[2000];

	memset(reason, '\n', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	for (int i = 0; i < 1000; i++)
		log_one(reason);
	ck_assert_int_le(
	    file_len(REFUSAL_FILE), REFUSAL_FILE_MAX + REFUSAL_LINE_MAX);
	ck_assert_int_le(
	    file_len(REFUSAL_FILE_OLD), REFUSAL_FILE_MAX + REFUSAL_LINE_MAX);
	ck_assert_int_gt(file_len(REFUSAL_FILE_OLD), REFUSAL_FILE_MAX);
}
END_TEST

START_TEST(where_no_old_one_can_be_the_newest_lines_count)
{
	struct buf got = BUF_INIT;

	ck_assert_int_eq(mkdirat(dir_fd, REFUSAL_FILE_OLD, 0700), 0);
	fill_log(REFUSAL_FILE_MAX + 1);
	log_one("newest");
	ck_assert(read_log(REFUSAL_FILE, &got));
	ck_assert_str_eq(got.data, HEAD "to=\"x@y\" reason=\"newest\"\n");
	buf_release(&got);
}
END_TEST

/* Whoever makes the log the old one may be stopped meanwhile. */
START_TEST(a_stuck_change_of_files_stops_nobody_but_the_growth)
{
	int holder;

	fill_log(REFUSAL_FILE_MAX + 1);
	holder = openat(dir_fd, REFUSAL_FILE, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(holder, LOCK_EX), 0);
	log_one("one more");
	ck_assert_int_gt(file_len(REFUSAL_FILE), REFUSAL_FILE_MAX + 10);
	ck_assert_int_eq(file_len(REFUSAL_FILE_OLD), -1);
	for (int i = 0; i < 1000; i++)
		log_one("and another");
	ck_assert_int_le(
	    file_len(REFUSAL_FILE), REFUSAL_FILE_STOP + REFUSAL_LINE_MAX);
	close(holder);
	log_one("goes on");
	ck_assert_int_lt(file_len(REFUSAL_FILE), 200);
}
END_TEST

/* No more than there is room for if he who renames the file sleeps meanwhile.
 */
enum { WRITERS = 10, LINES_EACH = 10, LINE_LEN = 180, EARLIER = 20 };
_Static_assert((WRITERS * LINES_EACH - EARLIER) * LINE_LEN <
		   REFUSAL_FILE_STOP - REFUSAL_FILE_MAX,
    "lines may be dropped");

static void
log_many(int writer)
{
	char reason[128];

	for (int i = 0; i < LINES_EACH; i++) {
		snprintf(reason, sizeof(reason), "writer %d line %d. %080d",
		    writer, i, 0);
		log_one(reason);
	}
}

/* The files change in the middle of it. */
START_TEST(of_many_writers_no_line_is_lost_or_torn)
{
	struct buf got = BUF_INIT;
	pid_t pids[WRITERS];
	char want[64];
	int status;

	fill_log(REFUSAL_FILE_MAX - EARLIER * LINE_LEN);
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0) {
			log_many(i);
			_exit(0);
		}
	}
	for (int i = 0; i < WRITERS; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert(read_log(REFUSAL_FILE_OLD, &got));
	ck_assert(read_log(REFUSAL_FILE, &got));
	ck_assert_uint_eq(count_lines(got.data),
	    WRITERS * LINES_EACH +
		(REFUSAL_FILE_MAX - EARLIER * LINE_LEN + 63) / 64);
	for (int i = 0; i < WRITERS * LINES_EACH; i++) {
		snprintf(want, sizeof(want), " reason=\"writer %d line %d. ",
		    i % WRITERS, i / WRITERS);
		ck_assert_msg(strstr(got.data, want), "no%s", want);
	}
	buf_release(&got);
}
END_TEST

/* ---- what is no log ------------------------------------------------ */

static void
make_directory(void)
{
	ck_assert_int_eq(mkdirat(dir_fd, REFUSAL_FILE, 0700), 0);
}

static void
make_fifo(void)
{
	ck_assert_int_eq(mkfifoat(dir_fd, REFUSAL_FILE, 0600), 0);
}

static void
make_link(void)
{
	write_file("target", "", 0);
	ck_assert_int_eq(symlinkat("target", dir_fd, REFUSAL_FILE), 0);
}

static void
make_dangling_link(void)
{
	ck_assert_int_eq(symlinkat("target", dir_fd, REFUSAL_FILE), 0);
}

static void
make_hard_link(void)
{
	write_file("target", "", 0);
	ck_assert_int_eq(linkat(dir_fd, "target", dir_fd, REFUSAL_FILE, 0), 0);
}

/* Whoever opens the file waits until the lease is given back. */
static void
make_lease(void)
{
	int fd;

	signal(SIGIO, SIG_IGN);
	write_file(REFUSAL_FILE, "", 0);
	fd = openat(dir_fd, REFUSAL_FILE, O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
}

static void
make_directory_of_all(void)
{
	ck_assert_int_eq(fchmod(dir_fd, 0777), 0);
}

static void
limit_files(void)
{
	const struct rlimit nothing = {0, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &nothing), 0);
}

static void
limit_descriptors(rlim_t count)
{
	const struct rlimit limit = {count, 1024};

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void
forbid_descriptors(void)
{
	limit_descriptors(0);
}

static const struct {
	const char *name;
	void (*make)(void);
} obstacles[] = {
    {"a directory", make_directory},
    {"a fifo", make_fifo},
    {"a symbolic link", make_link},
    {"a symbolic link to nothing", make_dangling_link},
    {"a file of two names", make_hard_link},
    {"a file under a lease", make_lease},
    {"a directory that all may write to", make_directory_of_all},
    {"a full disk", limit_files},
    {"no descriptor", forbid_descriptors},
};

/* It neither waits, see the time limit of the test, nor writes anywhere. */
START_TEST(an_obstacle_is_left_alone)
{
	struct stat st;

	obstacles[_i].make();
	log_one("why");
	limit_descriptors(1024);
	ck_assert_msg(file_len("target") <= 0, "%s", obstacles[_i].name);
	if (fstatat(dir_fd, REFUSAL_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0)
		ck_assert_msg(!S_ISREG(st.st_mode) || st.st_size == 0, "%s",
		    obstacles[_i].name);
}
END_TEST

START_TEST(without_a_directory_nothing_happens)
{
	const struct refusal r = refusal("x@y", "why");

	refusal_log(-EACCES, &r);
	refusal_log(STDERR_FILENO, &r);
}
END_TEST

/* A directory of another user, as root: nothing is written as root. */
START_TEST(root_writes_into_no_spool_of_others)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(fchmod(dir_fd, _i == 0 ? 0700 : 02770), 0);
	ck_assert_int_eq(fchown(dir_fd, 12345, 0), 0);
	log_one("why");
	ck_assert_int_eq(file_len(REFUSAL_FILE), -1);
}
END_TEST

Suite *
refusal_suite(void)
{
	Suite *s = suite_create("refusal");
	TCase *tc = tcase_create("refusal");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, a_line_is_one_line_whatever_is_in_it, 0, (int)ARRAY_LEN(lines));
	tcase_add_loop_test(tc, a_line_is_never_too_long, 0, 2);
	tcase_add_test(tc, lines_are_appended_to_a_file_of_our_own);
	tcase_add_test(tc, who_shares_a_spool_shares_the_log);
	tcase_add_test(tc, a_line_that_was_cut_gets_its_end);
	tcase_add_test(tc, a_full_log_becomes_the_old_one);
	tcase_add_test(tc, whatever_is_logged_the_files_stay_small);
	tcase_add_test(tc, where_no_old_one_can_be_the_newest_lines_count);
	tcase_add_test(tc, a_stuck_change_of_files_stops_nobody_but_the_growth);
	tcase_add_test(tc, of_many_writers_no_line_is_lost_or_torn);
	tcase_add_loop_test(
	    tc, an_obstacle_is_left_alone, 0, (int)ARRAY_LEN(obstacles));
	tcase_add_test(tc, without_a_directory_nothing_happens);
	tcase_add_loop_test(tc, root_writes_into_no_spool_of_others, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
