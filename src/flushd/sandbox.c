/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/privilege.h"
#include "flushd/sandbox.h"

enum {
	NOBODY = 65534, /* the overflow ids of the kernel: they own nothing */
	/* Many times what a worker needs; but a hostile spool can make LMDB
	 * ask for all there is. */
	MEMORY_MAX = 256 << 20,
};

static int
restrict_process(void)
{
	const struct rlimit none = {0};

	memory_limit(MEMORY_MAX);
	if (setrlimit(RLIMIT_CORE, &none) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static bool
report(int rc)
{
	if (rc < 0)
		log_error("cannot drop privileges: %s", strerror(-rc));
	return rc == 0;
}

bool
sandbox_enter_spool(int dir_fd)
{
	struct stat st;
	int rc = 0;

	if (fstat(dir_fd, &st) < 0 || fchdir(dir_fd) < 0)
		return report(-errno);
	if (geteuid() == 0) {
		if (chroot(".") < 0)
			return report(-errno);
		if (st.st_uid != 0)
			rc = privilege_become(st.st_uid, st.st_gid);
	}
	return report(rc == 0 ? restrict_process() : rc);
}

bool
sandbox_enter_nothing(void)
{
	int rc = 0;

	if (geteuid() == 0)
		rc = privilege_become(NOBODY, NOBODY);
	return report(rc == 0 ? restrict_process() : rc);
}
