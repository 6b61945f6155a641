/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/local.h"
#include "base/log.h"
#include "flushctl/registry.h"
#include "flushctl/verb.h"

enum { CONNECT_MS = 10 * 1000 };

static int
failed(const char *path, int rc)
{
	log_error("%s: %s", path, strerror(-rc));
	return STATUS_FAILED;
}

/* ---- the directory ------------------------------------------------- */

static int
make_directory(const char *path)
{
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* Open sites.d, which is made if need be. A descriptor or -errno. */
static int
open_sites(const char *config)
{
	struct buf path = BUF_INIT;
	int rc = make_directory(config);
	int fd = -1;

	buf_add_format(&path, "%s/" CONF_SITES_DIR, config);
	if (rc == 0)
		rc = make_directory(path.data);
	if (rc == 0) {
		fd = open(path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = fd < 0 ? -errno : fd;
	}
	buf_release(&path);
	return rc;
}

/* ---- the lock ------------------------------------------------------ */

/*
 * One for all configurations, as a jail can be in several; and a file of
 * root's, as a directory that anybody can read, anybody can lock.
 */
static const char lock_path[] = "/run/mini-sendmail-sites.lock";

static int lock_fd = -1;

static int
wait_for_lock(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	log_notice("waits for another 'flushctl site'");
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Whoever lets go removes the file: it may be another one by then. 1: it is. */
static int
is_gone(int fd)
{
	struct stat named;
	struct stat ours;

	if (fstat(fd, &ours) < 0)
		return -errno;
	if (lstat(lock_path, &named) < 0)
		return errno == ENOENT ? 1 : -errno;
	return named.st_dev != ours.st_dev || named.st_ino != ours.st_ino;
}

int
registry_lock(void)
{
	int rc = 1;

	while (rc == 1) {
		int fd = open(
		    lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd < 0)
			return failed(lock_path, -errno);
		rc = wait_for_lock(fd);
		if (rc == 0)
			rc = is_gone(fd);
		if (rc == 0)
			lock_fd = fd;
		else
			close(fd);
	}
	return rc < 0 ? failed(lock_path, rc) : STATUS_DONE;
}

void
registry_unlock(void)
{
	if (lock_fd < 0)
		return;
	unlink(lock_path);
	close(lock_fd);
	lock_fd = -1;
}

/* ---- a file -------------------------------------------------------- */

static void
add_text(struct buf *text, const struct registry_entry *e)
{
	buf_add_format(text,
	    "# Made by 'flushctl site add'; flushd.conf(5) says what else may "
	    "be here.\n"
	    "root = %s\n"
	    "user = %s\n",
	    e->root, e->user);
	if (e->domain)
		buf_add_format(text, "domain = %s\n", e->domain);
	if (strcmp(e->spool, CONF_SPOOL) != 0)
		buf_add_format(text, "spool = %s\n", e->spool);
}

static int
write_file(int dir_fd, const char *name, const struct buf *text)
{
	int fd;
	int rc;

	/* One who died has left it, and nobody else has the lock. */
	if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd =
	    openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	rc = io_write_all(fd, text->data, text->len);
	if (rc == 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0))
		rc = -errno;
	close(fd);
	return rc;
}

static bool
is_same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

/* A path may hold what the file's format has another meaning for. */
static int
check_reads_back(
    const char *config, const char *draft, const struct registry_entry *e)
{
	struct buf path = BUF_INIT;
	struct conf_values v;
	const char *spool;
	int rc;

	buf_add_format(&path, "%s/" CONF_SITES_DIR "/%s", config, draft);
	conf_values_init(&v);
	rc = conf_file_read(path.data, CONF_SITE, &v);
	spool = v.spool ? v.spool : CONF_SPOOL;
	if (rc == 0 &&
	    (!is_same(v.root, e->root) || !is_same(v.user, e->user) ||
		!is_same(spool, e->spool) ||
		!is_same(v.policy.domain, e->domain))) {
		log_error(
		    "%s: its name cannot stand in a file of sites.d", e->root);
		rc = -EINVAL;
	}
	conf_values_release(&v);
	buf_release(&path);
	return rc;
}

static int
put_in_place(int dir_fd, const char *draft, const char *name)
{
	if (renameat2(dir_fd, draft, dir_fd, name, RENAME_NOREPLACE) < 0)
		return -errno;
	return fsync(dir_fd) < 0 ? -errno : 0;
}

int
registry_add(const char *config, const struct registry_entry *e)
{
	struct buf name = BUF_INIT;
	struct buf draft = BUF_INIT;
	struct buf text = BUF_INIT;
	int fd = open_sites(config);
	int status = STATUS_DONE;
	int rc = fd < 0 ? fd : 0;

	buf_add_format(&name, "%s" CONF_SITE_SUFFIX, e->name);
	buf_add_format(&draft, ".%s.new", name.data);
	add_text(&text, e);
	if (rc == 0)
		rc = write_file(fd, draft.data, &text);
	if (rc == 0 && check_reads_back(config, draft.data, e) < 0)
		status = STATUS_FAILED;
	else if (rc == 0)
		rc = put_in_place(fd, draft.data, name.data);
	if (rc < 0)
		status = failed(name.data, rc);
	if (fd >= 0 && status != STATUS_DONE)
		unlinkat(fd, draft.data, 0);
	if (fd >= 0)
		close(fd);
	buf_release(&name);
	buf_release(&draft);
	buf_release(&text);
	return status;
}

int
registry_remove(const char *config, const char *name)
{
	struct buf file = BUF_INIT;
	int fd = open_sites(config);
	int rc = fd < 0 ? fd : 0;

	buf_add_format(&file, "%s" CONF_SITE_SUFFIX, name);
	if (rc == 0 && (unlinkat(fd, file.data, 0) < 0 || fsync(fd) < 0))
		rc = -errno;
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		failed(file.data, rc);
	buf_release(&file);
	return rc < 0 ? STATUS_FAILED : STATUS_DONE;
}

/* ---- who reads them ------------------------------------------------ */

/* While it is connected it lives: its number is nobody else's. */
static int
signal_peer(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	/* Who listens there is root, or it is not flushd; one in another
	 * container has no number here. */
	if (peer.uid != geteuid() || peer.pid <= 0)
		return -EPERM;
	return kill(peer.pid, SIGHUP) < 0 ? -errno : 0;
}

int
registry_reload(const char *socket)
{
	static const char idle[] =
	    "flushd does not run: it serves the sites when it is started\n";
	static const char done[] = "flushd: reads its configuration again\n";
	int fd = local_connect(socket, CONNECT_MS);
	int rc;

	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return verb_write(idle, strlen(idle));
	rc = fd < 0 ? fd : signal_peer(fd);
	if (fd >= 0)
		close(fd);
	if (rc == 0)
		return verb_write(done, strlen(done));
	log_error("%s: flushd cannot be told to read its configuration again: "
		  "%s",
	    socket, strerror(-rc));
	return STATUS_FAILED;
}
