/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/privilege.h"
#include "site/landlock.h"
#include "site/sandbox.h"
#include "site/syscalls.h"

enum {
	NOBODY = 65534, /* the overflow ids of the kernel: they own nothing */
	/* Many times what a worker needs; but a hostile spool can make LMDB
	 * ask for all there is. */
	MEMORY_MAX = 256 << 20,
	FDS_MAX = 64, /* twice what a worker ever has */
	MASK = 0077,
};

/* ---- users and roots ----------------------------------------------- */

static bool
is_same_dir(const struct stat *st, const char *path)
{
	struct stat other;

	return stat(path, &other) == 0 && other.st_dev == st->st_dev &&
	       other.st_ino == st->st_ino;
}

/* The directory that we are in becomes all there is. */
static int
enter_root(const struct stat *st)
{
	if (chroot(".") < 0)
		return -errno;
	return is_same_dir(st, "/") && is_same_dir(st, "..") ? 0 : -EPERM;
}

/* Root stays root only for a spool of his own. */
static int
become(uid_t uid, gid_t gid)
{
	int rc = privilege_bound();

	if (rc < 0)
		return rc;
	if (uid != 0)
		return privilege_become(uid, gid);
	/* In a user namespace there may be no right to. */
	return setgroups(0, NULL) < 0 && errno != EPERM ? -errno : 0;
}

/* ---- the process --------------------------------------------------- */

/* Not more than max of it, ever. */
static int
limit(__rlimit_resource_t resource, rlim_t max)
{
	struct rlimit got;
	struct rlimit wanted;

	if (getrlimit(resource, &got) < 0)
		return -errno;
	wanted.rlim_max = got.rlim_max < max ? got.rlim_max : max;
	wanted.rlim_cur = wanted.rlim_max;
	if (setrlimit(resource, &wanted) < 0 || getrlimit(resource, &got) < 0)
		return -errno;
	return got.rlim_cur <= max && got.rlim_max <= max ? 0 : -EPERM;
}

static int
limit_all(void)
{
	static const struct {
		__rlimit_resource_t resource;
		rlim_t max;
	} limits[] = {
	    {RLIMIT_CORE, 0},
	    {RLIMIT_NPROC, 0},
	    {RLIMIT_NOFILE, FDS_MAX},
	};
	int rc = 0;

	memory_limit(MEMORY_MAX);
	for (size_t i = 0; i < ARRAY_LEN(limits) && rc == 0; i++)
		rc = limit(limits[i].resource, limits[i].max);
	return rc;
}

/*
 * Whoever becomes another user loses the signal, so it comes last. A worker
 * takes it for an order to stop, which an open dot may delay.
 */
static int
separate(void)
{
	int signal = 0;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0)
		return -errno;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
	    prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0) < 0 || signal != SIGTERM)
		return -EPERM;
	return 0;
}

/* Whoever cannot have a chroot, where the kernel has something like it. */
static int
confine(int dir_fd)
{
	int rc = landlock_enter(dir_fd);

	return rc == -ENOSYS || rc == -EOPNOTSUPP ? 0 : rc;
}

/* dir_fd: below it are all files that it may open, or -1. */
static int
restrict_process(enum syscalls list, int dir_fd)
{
	int rc = privilege_renounce();

	umask(MASK);
	/* The way out of a chroot is another one. */
	if (rc == 0 && chroot(".") == 0)
		rc = -EPERM;
	if (rc == 0)
		rc = separate();
	if (rc == 0)
		rc = limit_all();
	if (rc == 0 && dir_fd >= 0)
		rc = confine(dir_fd);
	if (rc == 0)
		rc = syscalls_restrict(list);
	return rc;
}

/* libsystemd spreads its timers by it, and keeps it. */
static void
learn_boot_id(void)
{
	sd_id128_t id;

	if (sd_id128_get_boot(&id) < 0)
		return; /* it can do without */
}

/* ---- sandboxes ----------------------------------------------------- */

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
	const bool is_root = geteuid() == 0;
	struct stat st;
	int rc = 0;

	learn_boot_id();
	if (fstat(dir_fd, &st) < 0 || fchdir(dir_fd) < 0)
		return report(-errno);
	if (is_root) {
		rc = enter_root(&st);
		if (rc == 0)
			rc = become(st.st_uid, st.st_gid);
	}
	if (rc == 0)
		rc =
		    restrict_process(SYSCALLS_OF_WORKER, is_root ? -1 : dir_fd);
	return report(rc);
}

bool
sandbox_enter_nothing(void)
{
	int rc = 0;

	learn_boot_id();
	if (geteuid() == 0)
		rc = become(NOBODY, NOBODY);
	if (rc == 0)
		rc = restrict_process(SYSCALLS_OF_PROBER, -1);
	return report(rc);
}
