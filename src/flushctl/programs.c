/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "flushctl/programs.h"

enum { PROGRAM_MAX = 64 << 20 }; /* bytes; with a sanitizer it has 5 MiB */

/* Another sendmail may be beside flushctl: the first of these is ours. */
static const char *const places[] = {"../libexec/mini-sendmail/", ""};

/* The directory of this program, with a slash. */
static int
own_directory(struct buf *dir)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));
	char *slash;

	if (len < 0)
		return -errno;
	slash = memrchr(path, '/', (size_t)len);
	if (!slash || len == (ssize_t)sizeof(path))
		return -ENAMETOOLONG;
	buf_add(dir, path, (size_t)(slash - path) + 1);
	return 0;
}

static int
read_file(const char *path, struct buf *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return -errno;
	rc = io_read_all(fd, PROGRAM_MAX, bytes);
	close(fd);
	return rc;
}

static int
read_program(const char *dir, const char *name, struct buf *bytes)
{
	struct buf path = BUF_INIT;
	int rc = -ENOENT;

	for (size_t i = 0; i < ARRAY_LEN(places) && rc == -ENOENT; i++) {
		buf_clear(&path);
		buf_add_format(&path, "%s%s%s", dir, places[i], name);
		rc = read_file(path.data, bytes);
	}
	if (rc < 0)
		log_error("%s: %s", path.data, strerror(-rc));
	buf_release(&path);
	return rc;
}

int
programs_read(struct programs *p)
{
	struct buf dir = BUF_INIT;
	int rc = own_directory(&dir);

	*p = (struct programs){BUF_INIT, BUF_INIT};
	if (rc < 0)
		log_error("/proc/self/exe: %s", strerror(-rc));
	else
		rc = read_program(dir.data, "mini_sendmail", &p->sendmail);
	if (rc == 0)
		rc = read_program(dir.data, "jailsh", &p->shell);
	buf_release(&dir);
	if (rc < 0)
		programs_release(p);
	return rc;
}

void
programs_release(struct programs *p)
{
	buf_release(&p->sendmail);
	buf_release(&p->shell);
}
