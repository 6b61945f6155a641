/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/privilege.h"
#include "unit/suites.h"

enum { SOMEBODY = 12345, SOME_GROUP = 23456 };

/* What is left to root's child that became somebody; 0 is well. */
static int
try_as_child(void)
{
	gid_t groups[1];
	const gid_t extra = 4;

	if (setgroups(1, &extra) < 0)
		return 1;
	if (privilege_become(SOMEBODY, SOME_GROUP) < 0)
		return 2;
	if (getuid() != SOMEBODY || geteuid() != SOMEBODY)
		return 3;
	if (getgid() != SOME_GROUP || getegid() != SOME_GROUP)
		return 4;
	if (getgroups(0, groups) != 0)
		return 5;
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
		return 6;
	return 0;
}

START_TEST(root_becomes_somebody_for_good)
{
	pid_t pid;
	int status;

	if (geteuid() != 0)
		return; /* only root can */
	pid = fork();
	if (pid == 0)
		_exit(try_as_child());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, W_EXITCODE(0, 0));
}
END_TEST

START_TEST(becoming_root_is_refused)
{
	ck_assert_int_eq(privilege_become(0, 0), -EINVAL);
}
END_TEST

Suite *
privilege_suite(void)
{
	Suite *s = suite_create("privilege");
	TCase *t = tcase_create("become");

	tcase_add_test(t, root_becomes_somebody_for_good);
	tcase_add_test(t, becoming_root_is_refused);
	suite_add_tcase(s, t);
	return s;
}
