/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "flushctl/errand.h"
#include "flushctl/filesystem.h"
#include "flushctl/jail_spool.h"
#include "flushctl/verb.h"
#include "spool/destroy.h"

enum {
	LOCK_MS = 30 * 1000,
	CPU_SEC = 20,
};

/* ---- the directory ------------------------------------------------- */

static bool
is_name(const char *name)
{
	return !strchr(name, '/') && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

/* The directory that path leads to; and the name in it, for free() whatever
 * comes out. */
static int
open_parent(const struct jail *j, const char *path, bool may_make,
    struct jail_dir *d, char **name)
{
	char *copy = alloc_copy(path, strlen(path));
	char *whole = alloc_copy(path, strlen(path));
	const char *base = basename(copy);
	int rc = -EISDIR;

	*name = alloc_copy(base, strlen(base));
	if (is_name(base))
		rc = jail_open_dir(j, dirname(whole), may_make, d);
	free(copy);
	free(whole);
	return rc;
}

/* With what flushd and mini_sendmail will not do. */
static int
check_spool(const struct jail *j, int fd, struct buf *why)
{
	struct stat dir;

	if (fstat(fd, &dir) < 0)
		return -errno;
	if (dir.st_uid != j->uid)
		buf_add_format(
		    why, "belongs to uid %u, not to %u", dir.st_uid, j->uid);
	else if (dir.st_mode & S_IWOTH)
		buf_add_format(why, "has mode %04o: anybody may write it",
		    dir.st_mode & 07777);
	else if ((dir.st_mode & S_IRWXU) != S_IRWXU)
		buf_add_format(why, "has mode %04o: its user may not use it",
		    dir.st_mode & 07777);
	return why->len > 0 ? -EPERM : 0;
}

static int
open_in(const struct jail *j, const struct jail_dir *d, const char *name,
    struct buf *why)
{
	int fd = openat(
	    d->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return -errno;
	rc = check_spool(j, fd, why);
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

int
jail_spool_open(const struct jail *j, const char *path, struct buf *why)
{
	struct jail_dir d;
	char *name;
	int rc = open_parent(j, path, false, &d, &name);

	if (rc == 0) {
		rc = open_in(j, &d, name, why);
		jail_dir_close(&d);
	}
	if (rc < 0 && rc != -ENOENT && why->len == 0)
		buf_add_str(why, jail_error(rc));
	free(name);
	return rc;
}

/* What is on another mount than the jail is not made at all. */
int
jail_spool_fits(const struct jail *j, struct buf *why)
{
	const char *name;
	struct statfs fs;

	if (fstatfs(j->fd, &fs) < 0) {
		buf_add_str(why, strerror(errno));
		return -errno;
	}
	name = filesystem_unfit((uint32_t)fs.f_type);
	if (!name)
		return 0;
	buf_add_format(why,
	    "would be on %s: what is flushed there may not be on a disk, and "
	    "locks may not hold",
	    name);
	return -ENOTSUP;
}

/* It leaves us in the spool, where nothing else is to be done by root. */
static int
create_and_return(int fd, const char *name, const struct spool_plan *plan)
{
	const int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (here < 0)
		return -errno;
	rc = spool_create_at(fd, name, plan);
	if (fchdir(here) < 0 && rc == 0)
		rc = -errno;
	close(here);
	return rc;
}

static int
make_in(
    const struct jail_dir *d, const char *name, const struct spool_plan *plan)
{
	int fd;
	int rc;

	if (d->is_elsewhere)
		return -EXDEV;
	fd = jail_dir_reopen(d);
	if (fd < 0)
		return fd;
	rc = create_and_return(fd, name, plan);
	close(fd);
	return rc;
}

int
jail_spool_make(const struct jail *j, const char *path,
    const struct spool_plan *plan, struct buf *why)
{
	struct jail_dir d;
	char *name;
	int rc = jail_spool_fits(j, why);

	if (rc < 0)
		return rc;
	rc = open_parent(j, path, true, &d, &name);
	if (rc == 0) {
		rc = make_in(&d, name, plan);
		jail_dir_close(&d);
	}
	if (rc < 0)
		buf_add_str(why, jail_error(rc));
	free(name);
	return rc;
}

int
jail_spool_unmake(const struct jail *j, const char *path)
{
	struct jail_dir d;
	char *name;
	int rc = open_parent(j, path, false, &d, &name);

	if (rc == 0) {
		if (unlinkat(d.fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			rc = -errno;
		else
			rc = jail_dir_sync(&d);
		jail_dir_close(&d);
	}
	free(name);
	return rc;
}

/* ---- in the spool: an errand --------------------------------------- */

struct report {
	int rc;
	struct jail_spool_depth depth;
};

struct task {
	enum jail_spool_order order;
	struct report *report; /* shared with the child */
};

static int
count_in(struct spool *s, struct jail_spool_depth *depth)
{
	struct spool_counters c;
	int rc = spool_get_counters(s, &c);

	if (rc < 0)
		return rc;
	depth->waiting = c.count[PHASE_NEW] + c.count[PHASE_DEFERRED];
	depth->kept = c.count[PHASE_HELD] + c.count[PHASE_FAILED];
	return 0;
}

static int
set_blocked(struct spool *s, bool is_blocked, struct jail_spool_depth *depth)
{
	struct spool_settings settings;
	int rc = spool_get_settings(s, &settings);

	if (rc < 0)
		return rc;
	depth->was_blocked = settings.is_blocked;
	settings.is_blocked = is_blocked;
	return spool_set_settings(s, &settings);
}

static int
count_and_set(struct spool *s, enum jail_spool_order order,
    struct jail_spool_depth *depth)
{
	const bool is_count = order == JAIL_SPOOL_COUNT;
	int rc = spool_begin(s, is_count ? SPOOL_READ : SPOOL_CHANGE, 0,
	    clock_boot_ms() + LOCK_MS);

	if (rc < 0)
		return rc;
	rc = count_in(s, depth);
	if (rc == 0 && !is_count)
		rc = set_blocked(s, order == JAIL_SPOOL_BLOCK, depth);
	if (rc == 0 && !is_count)
		return spool_commit(s);
	spool_abort(s);
	return rc;
}

static int
carry_out(
    int dir_fd, enum jail_spool_order order, struct jail_spool_depth *depth)
{
	struct spool *s;
	int rc;

	if (order == JAIL_SPOOL_DESTROY || order == JAIL_SPOOL_DESTROY_ALL)
		return spool_destroy(dir_fd, order == JAIL_SPOOL_DESTROY_ALL,
		    clock_boot_ms() + LOCK_MS);
	rc = spool_open_fd(dir_fd, &s);
	if (rc < 0)
		return rc;
	rc = count_and_set(s, order, depth);
	spool_close(s);
	return rc;
}

static int
run_task(const struct errand *e, struct spool *s, struct tally *tally)
{
	const struct task *task = e->context;
	struct report *report = task->report;

	(void)s;
	(void)tally;
	cpu_limit(CPU_SEC);
	report->rc = carry_out(ERRAND_DIR, task->order, &report->depth);
	return STATUS_DONE;
}

/* ---- and who waits for it ------------------------------------------ */

static int
run_child(int dir_fd, struct task *task)
{
	int rc = 0;
	const struct errand errand = {
	    .run = run_task, .context = task, .is_of_files = true, .end = &rc};
	struct tally ignored = {0};

	if (errand_run_in(&errand, dir_fd, &ignored) != STATUS_DONE)
		return rc < 0 ? rc : -EBADMSG;
	return task->report->rc > 0 ? -EBADMSG : task->report->rc;
}

int
jail_spool_order(
    int dir_fd, enum jail_spool_order order, struct jail_spool_depth *depth)
{
	struct report *report = mmap(NULL, sizeof(*report),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct task task = {.order = order, .report = report};
	int rc;

	if (report == MAP_FAILED)
		return -errno;
	report->rc = -EBADMSG; /* unless it comes to an end */
	clock_now();	       /* what it asks of /proc, it asks here */
	rc = run_child(dir_fd, &task);
	if (rc == 0)
		*depth = report->depth;
	munmap(report, sizeof(*report));
	return rc;
}

const char *
jail_spool_error(int error)
{
	switch (-error) {
	case ENOENT:
		return "is no spool: it has no " SPOOL_FILE;
	case EBADMSG:
		return "is damaged, or no spool";
	case EPERM:
		return "is no spool: its user cannot use it";
	case ENOTEMPTY:
		return "there is mail in it, or something else";
	case ETIMEDOUT:
		return "was locked for 30 seconds";
	default:
		return strerror(-error);
	}
}
