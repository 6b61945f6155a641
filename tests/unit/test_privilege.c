/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
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

static void
expect_well(int (*body)(void))
{
	pid_t pid;
	int status;

	if (geteuid() != 0)
		return; /* only root can */
	pid = fork();
	if (pid == 0)
		_exit(body());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, W_EXITCODE(0, 0));
}

START_TEST(root_becomes_somebody_for_good)
{
	expect_well(try_as_child);
}
END_TEST

START_TEST(becoming_root_is_refused)
{
	ck_assert_int_eq(privilege_become(0, 0), -EINVAL);
}
END_TEST

/* ---- capabilities -------------------------------------------------- */

/* Of the effective, permitted, inheritable, ambient and bounding ones. */
static bool
has_capabilities(void)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	int is_set;

	if (syscall(SYS_capget, &header, sets) < 0)
		return true;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (sets[i].effective || sets[i].permitted ||
		    sets[i].inheritable)
			return true;
	for (unsigned long cap = 0;
	     (is_set = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) >= 0; cap++)
		if (is_set ||
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0))
			return true;
	return false;
}

/* What becoming somebody does not take away. */
static int
make_inheritable(void)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, sets) < 0)
		return 1;
	sets[0].inheritable = sets[0].permitted;
	return syscall(SYS_capset, &header, sets) < 0 ? 1 : 0;
}

static int
renounce_as_somebody(void)
{
	if (make_inheritable() != 0 || !has_capabilities())
		return 1;
	if (privilege_bound() < 0 || privilege_become(SOMEBODY, SOME_GROUP) < 0)
		return 2;
	if (!has_capabilities())
		return 3; /* then this test shows nothing */
	if (privilege_renounce() < 0)
		return 4;
	return has_capabilities() ? 5 : 0;
}

START_TEST(somebody_has_no_capability_left)
{
	expect_well(renounce_as_somebody);
}
END_TEST

static int
renounce_as_root(void)
{
	if (privilege_bound() < 0 || privilege_renounce() < 0)
		return 1;
	if (has_capabilities())
		return 2;
	return setgroups(0, NULL) < 0 && chroot(".") < 0 ? 0 : 3;
}

START_TEST(nor_has_root)
{
	expect_well(renounce_as_root);
}
END_TEST

static int
bound_without_the_right_to(void)
{
	if (privilege_renounce() < 0 || privilege_bound() < 0)
		return 1;
	return has_capabilities() ? 0 : 2;
}

START_TEST(who_may_not_leaves_the_bounding_set_as_it_is)
{
	expect_well(bound_without_the_right_to);
}
END_TEST

Suite *
privilege_suite(void)
{
	Suite *s = suite_create("privilege");
	TCase *t = tcase_create("become");

	tcase_add_test(t, root_becomes_somebody_for_good);
	tcase_add_test(t, becoming_root_is_refused);
	tcase_add_test(t, somebody_has_no_capability_left);
	tcase_add_test(t, nor_has_root);
	tcase_add_test(t, who_may_not_leaves_the_bounding_set_as_it_is);
	suite_add_tcase(s, t);
	return s;
}
