/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "base/privilege.h"

/* The overflow group of the kernel: it owns nothing. */
enum { NOGROUP = 65534 };

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
	return setuid(0) < 0 ? 0 : -EPERM;
}
