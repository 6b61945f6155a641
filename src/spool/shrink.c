/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "spool/spool_internal.h"

enum {
	/* Shorter files are not worth it... */
	FILE_LEN_MIN = 1 << 20,
	/* ...nor those of which more than one part in this is in use. */
	UNUSED_MIN = 4,
	/* What is copied under the lock is written in no time. */
	COPIED_MAX = 2 << 20,
	/* A message's records and its share of the tree, at most. */
	PER_MESSAGE = 8192,
	MAP_SLACK = 1 << 20,
};

#define NEW_FILE SPOOL_FILE ".new"

/* What the new file will hold, or more. */
static uint64_t
used_len(const struct spool_counters *c)
{
	uint64_t len = c->bytes;

	for (int i = 0; i < PHASE_COUNT; i++)
		len += c->count[i] * PER_MESSAGE;
	return len;
}

bool
spool_is_oversized(const struct spool *s)
{
	const uint64_t file_len = (uint64_t)s->file.st_size;
	const uint64_t used = used_len(&s->counters);

	return file_len > FILE_LEN_MIN && used <= COPIED_MAX &&
	       used <= file_len / UNUSED_MIN && s->copied_to_id == 0;
}

/* The owner and group are what those of a new file of ours are. */
static int
copy_mode(const struct spool *s, struct stat *st)
{
	int fd = openat(s->dir_fd, NEW_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (fchmod(fd, s->file.st_mode & 0777) < 0 || fstat(fd, st) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* Make the new file, durably, but for its name. */
static int
write_new_file(struct spool *s)
{
	struct environment new;
	struct stat st = {0};
	int rc;

	/* On a disk that is full this is where the new file finds its place:
	 * the old one has pages enough that are free. */
	environment_unreserve(&s->environment);
	/* A worker that died here has left one. */
	if (unlinkat(s->dir_fd, NEW_FILE, 0) < 0 && errno != ENOENT)
		return -errno;
	rc = environment_open(
	    &new, NEW_FILE, true, (size_t)COPIED_MAX * 2 + MAP_SLACK);
	if (rc < 0)
		return rc;
	rc = copy_mode(s, &st);
	if (rc == 0)
		rc = environment_copy(&s->environment, &new);
	if (rc == 0)
		rc = spool_put_origin(s, &new, st.st_ino, 0);
	if (rc == 0)
		rc = environment_commit(&new);
	environment_close(&new);
	return rc;
}

static int
exchange(const struct spool *s)
{
	return renameat2(s->dir_fd, NEW_FILE, s->dir_fd, SPOOL_FILE,
		   RENAME_EXCHANGE) < 0
		   ? -errno
		   : 0;
}

/*
 * Until the directory is flushed nobody may write into the new file: after a
 * power cut it could be the old one that has the name.
 */
static int
replace(const struct spool *s)
{
	int rc = exchange(s);

	if (rc == 0 && fsync(s->dir_fd) < 0) {
		rc = -errno;
		if (exchange(s) < 0 || fsync(s->dir_fd) < 0)
			return rc; /* nothing else can be done */
	}
	return rc;
}

void
spool_discard_new(struct spool *s)
{
	unlinkat(s->dir_fd, NEW_FILE, 0);
}

int
spool_shrink(struct spool *s)
{
	int rc = 0;

	if (spool_is_oversized(s)) {
		rc = write_new_file(s);
		if (rc == 0)
			rc = replace(s);
		spool_discard_new(s);
		if (rc == 0)
			rc = 1;
	}
	spool_abort(s);
	return rc;
}
