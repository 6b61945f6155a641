/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "spool/create.h"
#include "spool/environment.h"
#include "spool/spool.h"

enum { MAP_LEN = 1 << 20 };

/* A spool under construction. */
struct draft {
	const char *name; /* of the directory to be, in the parent */
	char *draft_name; /* temporary, in the parent */
	int parent_fd;
	int dir_fd;
};

/* Split dir at its last slash; trailing slashes do not count. */
static int
split(const char *dir, char **parent, char **name)
{
	size_t len = strlen(dir);
	size_t start;

	while (len > 1 && dir[len - 1] == '/')
		len--;
	start = len;
	while (start > 0 && dir[start - 1] != '/')
		start--;
	if (start == len)
		return -EINVAL; /* "" or "/" */
	*name = alloc_copy(dir + start, len - start);
	*parent = start ? alloc_copy(dir, start) : alloc_copy(".", 1);
	return 0;
}

static bool
is_name(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

/*
 * Open the draft. The parent may belong to a site that exchanges what is in it
 * behind our back: only a directory that nobody else can have written to will
 * do, as we are going to write files into it by name.
 */
static int
open_draft(struct draft *w)
{
	struct stat st;

	w->dir_fd = openat(w->parent_fd, w->draft_name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (w->dir_fd < 0 || fstat(w->dir_fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return -EPERM;
	return 0;
}

static int
make_draft(struct draft *w)
{
	struct buf name = BUF_INIT;
	uint64_t unique;
	int rc;

	/* Not the pid: in a container it is that of the draft a crash left. */
	if (getrandom(&unique, sizeof(unique), 0) != sizeof(unique))
		return -EIO;
	buf_add_format(&name, ".%s.new.%016jx", w->name, (uintmax_t)unique);
	w->draft_name = buf_detach(&name);
	if (faccessat(w->parent_fd, w->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	if (mkdirat(w->parent_fd, w->draft_name, 0700) < 0)
		return -errno;
	rc = open_draft(w);
	if (rc < 0) {
		unlinkat(w->parent_fd, w->draft_name, AT_REMOVEDIR);
		if (w->dir_fd >= 0)
			close(w->dir_fd);
		w->dir_fd = -1; /* nothing of it is ours to remove */
	}
	return rc;
}

static int
write_records(struct environment *e, const struct spool_plan *plan,
    ino_t directory_inode, ino_t file_inode)
{
	const struct spool_identity identity = {
	    .directory_inode = directory_inode,
	    .file_inode = file_inode,
	    .site = alloc_copy(plan->site, strlen(plan->site))};
	const struct spool_counters counters = {0};
	struct buf bytes = BUF_INIT;
	int rc;

	record_encode_identity(&identity, &bytes);
	rc = environment_put(e, ENVIRONMENT_IDENTITY, &bytes);
	buf_clear(&bytes);
	record_encode_settings(&plan->settings, &bytes);
	if (rc == 0)
		rc = environment_put(e, ENVIRONMENT_SETTINGS, &bytes);
	buf_clear(&bytes);
	record_encode_counters(&counters, &bytes);
	if (rc == 0)
		rc = environment_put(e, ENVIRONMENT_COUNTERS, &bytes);
	buf_release(&bytes);
	free(identity.site);
	return rc;
}

static int
make_environment(const struct draft *w, const struct spool_plan *plan)
{
	struct environment e;
	struct stat dir;
	struct stat file;
	int rc;

	if (fstat(w->dir_fd, &dir) < 0 || fchdir(w->dir_fd) < 0)
		return -errno;
	rc = environment_open(&e, SPOOL_FILE, true, MAP_LEN);
	if (rc < 0)
		return rc;
	if (fstatat(w->dir_fd, SPOOL_FILE, &file, AT_SYMLINK_NOFOLLOW) < 0)
		rc = -errno;
	if (rc == 0)
		rc = write_records(&e, plan, dir.st_ino, file.st_ino);
	if (rc == 0)
		rc = environment_commit(&e);
	environment_close(&e);
	return rc;
}

/* Give an object to the owner and flush it; the last thing done to it. */
static int
finish(int fd, mode_t mode, const struct spool_plan *plan)
{
	if (fd < 0 || fchmod(fd, mode) < 0 ||
	    fchown(fd, plan->uid, plan->gid) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int
finish_at(int dir_fd, const char *name, int flags, mode_t mode,
    const struct spool_plan *plan)
{
	int fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	int rc = finish(fd, mode, plan);

	if (fd >= 0)
		close(fd);
	return rc;
}

static int
fill_draft(const struct draft *w, const struct spool_plan *plan)
{
	int rc = make_environment(w, plan);

	if (rc == 0 && mkdirat(w->dir_fd, SPOOL_INCOMING, 0700) < 0)
		rc = -errno;
	if (rc == 0)
		rc = finish_at(w->dir_fd, SPOOL_INCOMING, O_RDONLY, 0700, plan);
	if (rc == 0)
		rc = finish_at(w->dir_fd, SPOOL_WORKER_LOCK,
		    O_RDWR | O_CREAT | O_EXCL, 0600, plan);
	if (rc == 0)
		rc = finish_at(w->dir_fd, SPOOL_FILE, O_RDWR, 0600, plan);
	if (rc == 0)
		rc = finish(w->dir_fd, 0700, plan);
	return rc;
}

static void
remove_draft(const struct draft *w)
{
	unlinkat(w->dir_fd, SPOOL_FILE, 0);
	unlinkat(w->dir_fd, SPOOL_WORKER_LOCK, 0);
	unlinkat(w->dir_fd, SPOOL_INCOMING, AT_REMOVEDIR);
	unlinkat(w->parent_fd, w->draft_name, AT_REMOVEDIR);
}

int
spool_create_at(int parent_fd, const char *name, const struct spool_plan *plan)
{
	struct draft w = {.name = name, .parent_fd = parent_fd, .dir_fd = -1};
	int rc;

	if (!is_name(name))
		return -EINVAL;
	rc = make_draft(&w);
	if (rc == 0)
		rc = fill_draft(&w, plan);
	/* Somebody may have made it meanwhile: never replace anything. */
	if (rc == 0 && renameat2(w.parent_fd, w.draft_name, w.parent_fd, w.name,
			   RENAME_NOREPLACE) < 0)
		rc = -errno;
	if (rc < 0 && w.dir_fd >= 0)
		remove_draft(&w);
	if (rc == 0 && fsync(w.parent_fd) < 0)
		rc = -errno;
	if (w.dir_fd >= 0)
		close(w.dir_fd);
	free(w.draft_name);
	return rc;
}

int
spool_create(const char *dir, const struct spool_plan *plan)
{
	char *parent = NULL;
	char *name = NULL;
	int rc = split(dir, &parent, &name);
	int fd = -1;

	if (rc == 0) {
		fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = fd < 0 ? -errno : spool_create_at(fd, name, plan);
	}
	if (fd >= 0)
		close(fd);
	free(parent);
	free(name);
	return rc;
}
