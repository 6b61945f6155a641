/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

enum { STRANGER = 54321 };

static char file[128];

static void
setup(void)
{
	fixture_setup();
	snprintf(file, sizeof(file), "%s", fixture_name("spool/" SPOOL_FILE));
}

/* Open the spool by its path, and begin; what the first failure is. */
static int
open_and_begin(const char *path, enum spool_access access)
{
	struct spool *s = NULL;
	int rc = spool_open(path, &s);

	if (rc == 0)
		rc = spool_begin(s, access, 0, clock_boot_ms() + 1000);
	spool_close(s);
	return rc;
}

/* ---- the directory ------------------------------------------------- */

static void
nothing(void)
{
}

static void
make_file(void)
{
	close(open(fixture_name("other"), O_CREAT | O_WRONLY, 0600));
}

static void
make_fifo(void)
{
	ck_assert_int_eq(mkfifo(fixture_name("other"), 0600), 0);
}

static void
make_symlink(void)
{
	ck_assert_int_eq(symlink("spool", fixture_name("other")), 0);
}

static void
make_directory(void)
{
	ck_assert_int_eq(mkdir(fixture_name("other"), 0700), 0);
}

static const struct {
	const char *name;
	void (*make)(void);
	int want;
} others[] = {
    {"missing", nothing, -ENOENT},
    {"a file", make_file, -ENOTDIR},
    {"a fifo", make_fifo, -ENOTDIR},
    {"a symlink to a spool", make_symlink, -ENOTDIR},
    {"a directory without a spool", make_directory, -ENOENT},
};

START_TEST(what_is_no_spool_directory_is_refused)
{
	int rc;

	others[_i].make();
	rc = open_and_begin(fixture_name("other"), SPOOL_WRITE);
	ck_assert_msg(rc == others[_i].want, "%s: got %d, want %d",
	    others[_i].name, rc, others[_i].want);
}
END_TEST

static const struct {
	mode_t mode;
	int want;
} modes[] = {{0700, 0}, {02770, 0}, {0755, 0}, {0777, -EPERM}, {0702, -EPERM},
    {01777, -EPERM}};

START_TEST(a_spool_that_all_may_write_is_refused)
{
	int rc;

	ck_assert_int_eq(chmod(fixture_path, modes[_i].mode), 0);
	rc = open_and_begin(fixture_path, SPOOL_WRITE);
	ck_assert_msg(rc == modes[_i].want, "mode %o: got %d, want %d",
	    modes[_i].mode, rc, modes[_i].want);
}
END_TEST

static int
open_as_is(void)
{
	return -open_and_begin(fixture_path, SPOOL_READ);
}

/* Of a spool that another owns: its mode, our group, what comes of it. */
static const struct {
	const char *name;
	mode_t mode;
	gid_t gid;
	int want;
} owners[] = {
    {"not ours to enter", 0700, 1, EACCES},
    {"readable by all", 0755, 1, EPERM},
    {"of our group, which may only read", 0750, STRANGER, EPERM},
    {"shared with our group", 02770, STRANGER, 0},
    {"shared with another group", 02770, 1, EACCES},
};

START_TEST(a_spool_of_another_user_is_refused)
{
	int rc;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(fixture_path, 1, owners[_i].gid), 0);
	ck_assert_int_eq(chmod(fixture_path, owners[_i].mode), 0);
	ck_assert_int_eq(chown(file, 1, owners[_i].gid), 0);
	ck_assert_int_eq(chmod(file, 0660), 0);
	rc = fixture_run_as(STRANGER, open_as_is);
	ck_assert_msg(rc == owners[_i].want, "%s: got %d, want %d",
	    owners[_i].name, rc, owners[_i].want);
	/* Root is another user too. */
	ck_assert_int_eq(fixture_run_as(0, open_as_is),
	    owners[_i].mode == 02770 ? 0 : EPERM);
}
END_TEST

/* ---- the file ------------------------------------------------------ */

static void
remove_file(void)
{
	ck_assert_int_eq(unlink(file), 0);
}

static void
empty_file(void)
{
	ck_assert_int_eq(truncate(file, 0), 0);
}

static void
zero_file(void)
{
	empty_file();
	ck_assert_int_eq(truncate(file, 65536), 0);
}

static void
cut_to_a_byte(void)
{
	ck_assert_int_eq(truncate(file, 1), 0);
}

static void
cut_in_first_page(void)
{
	ck_assert_int_eq(truncate(file, 100), 0);
}

static void
overwrite_start(void)
{
	int fd = open(file, O_WRONLY);

	for (int i = 0; i < 512; i++)
		ck_assert_int_eq(write(fd, "not an LMDB file", 16), 16);
	close(fd);
}

static void
replace_by_symlink(void)
{
	ck_assert_int_eq(rename(file, fixture_name("moved")), 0);
	ck_assert_int_eq(symlink("../moved", file), 0);
}

static void
replace_by_directory(void)
{
	remove_file();
	ck_assert_int_eq(mkdir(file, 0700), 0);
}

static void
replace_by_fifo(void)
{
	remove_file();
	ck_assert_int_eq(mkfifo(file, 0600), 0);
}

static void
link_twice(void)
{
	ck_assert_int_eq(link(file, fixture_name("linked")), 0);
}

/* An environment of LMDB, but not of ours. */
static void
replace_by_foreign(void)
{
	struct environment e;
	MDB_val k = {.mv_data = file, .mv_size = 3};
	MDB_val v = {.mv_data = file, .mv_size = 3};

	remove_file();
	ck_assert_int_eq(environment_open(&e, file, true, 1 << 20), 0);
	ck_assert_int_eq(mdb_put(e.txn, e.dbi, &k, &v, 0), 0);
	ck_assert_int_eq(environment_commit(&e), 0);
	environment_close(&e);
}

/* What a power cut leaves of an environment that was just being made. */
static void
replace_by_fresh(void)
{
	struct environment e;

	remove_file();
	ck_assert_int_eq(environment_open(&e, file, true, 1 << 20), 0);
	environment_close(&e);
}

static void
set_next_format(void)
{
	static const char identity[] = "mini-sendmail\0\0\2\1\0\0\0\x8"
				       "12345678\2\0\0\0\0";

	fixture_set_raw("\1", 1, identity, sizeof(identity) - 1);
}

static const struct {
	const char *name;
	void (*damage)(void);
	int want;
} files[] = {
    {"untouched", nothing, 0},
    {"missing", remove_file, -ENOENT},
    {"empty", empty_file, -EBADMSG},
    {"zeros", zero_file, -EBADMSG},
    {"cut to a byte", cut_to_a_byte, -EBADMSG},
    {"cut in the first page", cut_in_first_page, -EBADMSG},
    {"overwritten", overwrite_start, -EBADMSG},
    {"a symlink", replace_by_symlink, -EBADMSG},
    {"a directory", replace_by_directory, -EBADMSG},
    {"a fifo", replace_by_fifo, -EBADMSG},
    {"a second name for it", link_twice, -EBADMSG},
    {"foreign", replace_by_foreign, -EBADMSG},
    {"without any record", replace_by_fresh, -EBADMSG},
    {"of the next format", set_next_format, -EBADMSG},
};

static void
check_file_is_refused(int row, enum spool_access access)
{
	struct stat before = {0};
	struct stat after = {0};
	int rc;

	files[row].damage();
	(void)lstat(file, &before);
	rc = open_and_begin(fixture_path, access);
	ck_assert_msg(rc == files[row].want, "%s: got %d, want %d",
	    files[row].name, rc, files[row].want);
	(void)lstat(file, &after);
	ck_assert_msg(
	    before.st_size == after.st_size && before.st_ino == after.st_ino,
	    "%s: the file was changed", files[row].name);
}

START_TEST(a_file_that_is_no_spool_is_refused_to_readers)
{
	check_file_is_refused(_i, SPOOL_READ);
}
END_TEST

START_TEST(a_file_that_is_no_spool_is_refused_to_writers)
{
	check_file_is_refused(_i, SPOOL_WRITE);
}
END_TEST

START_TEST(a_file_damaged_after_open_is_refused_too)
{
	int rc;

	files[_i].damage();
	rc = spool_begin(fixture_spool, SPOOL_WRITE, 0, clock_boot_ms() + 1000);
	ck_assert_msg(rc == files[_i].want, "%s: got %d, want %d",
	    files[_i].name, rc, files[_i].want);
}
END_TEST

/* As flushd does with a worker. */
static void
die_with_the_lock(int dir_fd)
{
	struct spool *s;

	if (spool_open_fd(dir_fd, &s) == 0 &&
	    spool_begin(s, SPOOL_WRITE, 0, clock_boot_ms()) == 0)
		raise(SIGKILL);
	_exit(1);
}

START_TEST(the_lock_ends_with_its_process_whoever_has_the_directory)
{
	int fd = open(fixture_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int status;
	pid_t pid = fork();

	if (pid == 0)
		die_with_the_lock(fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(
	    spool_begin(fixture_spool, SPOOL_WRITE, 0, clock_boot_ms()), 0);
	spool_abort(fixture_spool);
	close(fd);
}
END_TEST

START_TEST(a_descriptor_must_be_that_of_a_directory)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct spool *s;

	ck_assert_int_eq(spool_open_fd(fd, &s), -ENOTDIR);
	close(fd);
}
END_TEST

Suite *
spool_open_suite(void)
{
	Suite *s = suite_create("spool_open");
	TCase *tc = tcase_create("spool_open");
	const int file_count = (int)ARRAY_LEN(files);

	tcase_add_checked_fixture(tc, setup, fixture_teardown);
	tcase_add_loop_test(tc, what_is_no_spool_directory_is_refused, 0,
	    (int)ARRAY_LEN(others));
	tcase_add_loop_test(tc, a_spool_that_all_may_write_is_refused, 0,
	    (int)ARRAY_LEN(modes));
	tcase_add_loop_test(
	    tc, a_spool_of_another_user_is_refused, 0, (int)ARRAY_LEN(owners));
	tcase_add_loop_test(
	    tc, a_file_that_is_no_spool_is_refused_to_readers, 0, file_count);
	tcase_add_loop_test(
	    tc, a_file_that_is_no_spool_is_refused_to_writers, 0, file_count);
	tcase_add_loop_test(
	    tc, a_file_damaged_after_open_is_refused_too, 0, file_count);
	tcase_add_test(
	    tc, the_lock_ends_with_its_process_whoever_has_the_directory);
	tcase_add_test(tc, a_descriptor_must_be_that_of_a_directory);
	suite_add_tcase(s, tc);
	return s;
}
