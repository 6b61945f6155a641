/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "site/landlock.h"
#include "unit/suites.h"

enum { NONE_HERE = 77 };

static char base[] = "/tmp/landlock-test.XXXXXX";
static int dir_fd;

static void
setup(void)
{
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(base));
	ck_assert_int_eq(chdir(base), 0);
	ck_assert_int_eq(mkdir("inside", 0700), 0);
	for (int i = 0; i < 2; i++) {
		fd = open(i ? "inside/old" : "old", O_WRONLY | O_CREAT, 0600);
		ck_assert_int_ge(fd, 0);
		close(fd);
	}
	ck_assert_int_eq(chdir("inside"), 0);
	dir_fd = open(".", O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dir_fd, 0);
}

static void
teardown(void)
{
	char command[64];

	close(dir_fd);
	snprintf(command, sizeof(command), "rm -r %s", base);
	ck_assert_int_eq(system(command), 0);
}

static int
open_it(const char *path, int flags)
{
	int fd = openat(dir_fd, path, flags | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : close(fd);
}

/* What a worker does is let pass: 0. */
static int
work(void)
{
	if (open_it(".", O_RDONLY | O_DIRECTORY) < 0)
		return 1;
	if (open_it("old", O_RDWR) < 0)
		return 2;
	if (open_it("new", O_RDWR | O_CREAT) < 0)
		return 3;
	if (renameat2(dir_fd, "new", dir_fd, "old", RENAME_EXCHANGE) < 0)
		return 4;
	return unlinkat(dir_fd, "new", 0) < 0 ? 5 : 0;
}

/* And nothing else: 0. */
static int
stray(void)
{
	if (open_it("..", O_RDONLY | O_DIRECTORY) != -EACCES)
		return 11;
	if (open_it("../old", O_RDONLY) != -EACCES)
		return 12;
	if (open_it("/etc/passwd", O_RDONLY) != -EACCES)
		return 13;
	if (open_it("../new", O_RDWR | O_CREAT) != -EACCES)
		return 14;
	if (unlinkat(dir_fd, "../old", 0) == 0)
		return 15;
	if (renameat(dir_fd, "old", dir_fd, "../new") == 0)
		return 16;
	return symlinkat("/", dir_fd, "link") == 0 ? 17 : 0;
}

static int
run(void)
{
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 21;
	rc = landlock_enter(dir_fd);
	if (rc == -ENOSYS || rc == -EOPNOTSUPP)
		return NONE_HERE;
	if (rc < 0)
		return 22;
	rc = work();
	return rc ? rc : stray();
}

START_TEST(files_below_the_directory_are_all_there_is)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(run());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (status != W_EXITCODE(NONE_HERE, 0))
		ck_assert_int_eq(status, W_EXITCODE(0, 0));
}
END_TEST

Suite *
landlock_suite(void)
{
	Suite *s = suite_create("landlock");
	TCase *tc = tcase_create("landlock");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, files_below_the_directory_are_all_there_is);
	suite_add_tcase(s, tc);
	return s;
}
