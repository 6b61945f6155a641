/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "site/refused_log.h"

enum { READ_LEN = 4096, NS_PER_SEC = 1000 * 1000 * 1000 };

static bool
is_same(const struct refused_file *a, const struct refused_file *b)
{
	return a->inode == b->inode && a->born_ns == b->born_ns;
}

int
refused_log_open(
    int dir_fd, const char *name, struct refused_file *file, off_t *len)
{
	const unsigned int wanted = STATX_BASIC_STATS | STATX_BTIME;
	struct statx st;
	int fd = openat(
	    dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? -EINVAL : -errno;
	if (statx(fd, "", AT_EMPTY_PATH, wanted, &st) < 0 ||
	    !S_ISREG(st.stx_mode) || st.stx_nlink != 1) {
		close(fd);
		return -EINVAL;
	}
	*file = (struct refused_file){st.stx_ino,
	    (uint64_t)st.stx_btime.tv_sec * NS_PER_SEC + st.stx_btime.tv_nsec};
	*len = (off_t)st.stx_size;
	return fd;
}

/* ---- lines --------------------------------------------------------- */

/* The empty ones between two senders are none. */
static uint64_t
count_lines(const char *data, size_t len, char *last)
{
	uint64_t count = 0;

	for (size_t i = 0; i < len; i++) {
		count += data[i] == '\n' && *last != '\n';
		*last = data[i];
	}
	return count;
}

/* Those that end behind *offset, which is moved to where the file ends. */
static uint64_t
count_from(int fd, off_t len, int64_t *offset)
{
	char piece[READ_LEN];
	char last = '\n';
	uint64_t count = 0;
	ssize_t n = 1;

	if (*offset < 0 || *offset > len)
		*offset = 0; /* it was emptied */
	if (*offset < len - REFUSED_LOG_MAX)
		*offset = len - REFUSED_LOG_MAX;
	/* What is before may be the beginning of a line. */
	if (*offset > 0 && pread(fd, &last, 1, *offset - 1) < 0)
		return 0;
	while (*offset < len && n > 0) {
		n = pread(fd, piece, sizeof(piece), *offset);
		if (n > 0) {
			count += count_lines(piece, (size_t)n, &last);
			*offset += n;
		}
	}
	return count;
}

/* ---- both files ---------------------------------------------------- */

/* What was appended to the counted one before it became the old one. */
static uint64_t
count_old(int dir_fd, const struct refused_mark *mark)
{
	int64_t offset = mark->offset;
	struct refused_file old = {0};
	uint64_t count = 0;
	off_t len = 0;
	int fd = refused_log_open(dir_fd, REFUSED_LOG_OLD, &old, &len);

	if (fd < 0)
		return 0;
	if (is_same(&old, &mark->file))
		count = count_from(fd, len, &offset);
	close(fd);
	return count;
}

uint64_t
refused_log_count(int dir_fd, struct refused_mark *mark)
{
	struct refused_mark next = {.is_set = 1};
	uint64_t count = 0;
	off_t len = 0;
	int fd = refused_log_open(dir_fd, REFUSED_LOG, &next.file, &len);

	if (fd < 0) {
		/* Perhaps it is just about to be made anew. */
		if (fd == -ENOENT)
			mark->is_set = 1;
		return 0;
	}
	if (is_same(&next.file, &mark->file))
		next.offset = mark->offset;
	else
		count = count_old(dir_fd, mark);
	if (mark->is_set)
		count += count_from(fd, len, &next.offset);
	else
		next.offset = len;
	close(fd);
	*mark = next;
	return count;
}
