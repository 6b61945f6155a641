/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/privilege.h"

enum {
	NOGROUP = 65534, /* the kernel's overflow group: it owns nothing */
	CAPS_MAX = 64,	 /* bits in a set of capabilities */
};

/* None of what was can be had again. */
static int
check_is_for_good(void)
{
	const uid_t same_uid = (uid_t)-1;
	const gid_t same_gid = (gid_t)-1;

	if (getgroups(0, NULL) != 0 || setuid(0) == 0 ||
	    setresuid(same_uid, 0, same_uid) == 0 ||
	    setresgid(same_gid, 0, same_gid) == 0 || setgroups(0, NULL) == 0)
		return -EPERM;
	return 0;
}

int
privilege_become(uid_t uid, gid_t gid)
{
	uid_t real_uid, effective_uid, saved_uid;
	gid_t real_gid, effective_gid, saved_gid;

	if (uid == 0)
		return -EINVAL;
	if (gid == 0)
		gid = NOGROUP;
	/* Groups first: afterwards there is no right to change them. */
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		return -errno;
	if (getresuid(&real_uid, &effective_uid, &saved_uid) < 0 ||
	    getresgid(&real_gid, &effective_gid, &saved_gid) < 0)
		return -errno;
	if (real_uid != uid || effective_uid != uid || saved_uid != uid ||
	    real_gid != gid || effective_gid != gid || saved_gid != gid)
		return -EPERM;
	return check_is_for_good();
}

/* ---- capabilities -------------------------------------------------- */

/* libc has neither call: libcap does, but little else that we want. */
static int
get_capabilities(struct __user_cap_data_struct *sets)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &header, sets) < 0 ? -errno : 0;
}

static int
clear_capabilities(void)
{
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {
	    {0}};
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int
check_has_none(void)
{
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	int rc = get_capabilities(sets);

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3 && rc == 0; i++)
		if (sets[i].effective || sets[i].permitted ||
		    sets[i].inheritable)
			rc = -EPERM;
	return rc;
}

int
privilege_bound(void)
{
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	int rc = get_capabilities(sets);

	if (rc < 0)
		return rc;
	if (!(sets[0].effective & (1U << CAP_SETPCAP)))
		return 0;
	/* The kernel may know more of them than its headers here. */
	for (unsigned long cap = 0; cap < CAPS_MAX; cap++)
		if (prctl(PR_CAPBSET_READ, cap) > 0 &&
		    (prctl(PR_CAPBSET_DROP, cap) < 0 ||
			prctl(PR_CAPBSET_READ, cap) != 0))
			return -EPERM;
	return 0;
}

int
privilege_renounce(void)
{
	int rc;

	/* What is not inheritable cannot be ambient either. */
	rc = clear_capabilities();
	return rc == 0 ? check_has_none() : rc;
}
