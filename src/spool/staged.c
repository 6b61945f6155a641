/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/futex.h"
#include "base/io.h"
#include "spool/record.h"
#include "spool/spool_internal.h"
#include "spool/staged.h"

/* The file: a header, the envelope as the spool stores it, and the text. */
static const char magic[16] = "mini-sendmail\0\2\1";

enum {
	/* 8 bytes, 0 until it is committed, and then the first of them, which
	 * are the highest, not all 0: an id is a time. */
	ID_AT = sizeof(magic),
	SEALED_LEN_AT = ID_AT + 8,
	TEXT_LEN_AT = SEALED_LEN_AT + 8,
	HEADER_LEN = TEXT_LEN_AT + 8,
	DIGITS = 16,
	NAME_LEN = DIGITS + 2, /* with .w */
	MAKE_TRIES = 8,
};

static const char withdrawn[] = ".w";

static const char *
format_name(uint64_t name, const char *suffix, char out[NAME_LEN + 1])
{
	snprintf(out, NAME_LEN + 1, "%016jx%s", (uintmax_t)name, suffix);
	return out;
}

bool
staged_parse_name(const char *file_name, uint64_t *name, bool *is_withdrawn)
{
	size_t len = strspn(file_name, "0123456789abcdef");
	uint64_t value = 0;

	if (len != DIGITS)
		return false;
	for (size_t i = 0; i < DIGITS; i++)
		value = value << 4 |
			(uint64_t)(file_name[i] > '9' ? file_name[i] - 'a' + 10
						      : file_name[i] - '0');
	*name = value;
	*is_withdrawn = strcmp(file_name + DIGITS, withdrawn) == 0;
	return *is_withdrawn || file_name[DIGITS] == '\0';
}

/* ---- the sender's side --------------------------------------------- */

/*
 * Until we have the flock the file looks like that of a dead sender: if it was
 * removed as such, or is about to be, this is -EAGAIN.
 */
static int
hold_as_ours(int fd)
{
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_nlink == 1 ? 0 : -EAGAIN;
}

/* Where a group shares the spool, any of it may be who commits. */
static int
share_with_group(int incoming_fd, int fd)
{
	struct stat st;

	if (fstat(incoming_fd, &st) < 0)
		return -errno;
	if (!(st.st_mode & S_IWGRP))
		return 0;
	return fchmod(fd, 0660) < 0 ? -errno : 0;
}

static int
make_file(struct staged *f)
{
	char name[NAME_LEN + 1];
	int rc;

	if (getrandom(&f->name, sizeof(f->name), 0) != sizeof(f->name))
		return -EIO;
	f->fd = openat(f->incoming_fd, format_name(f->name, "", name),
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return -errno;
	rc = hold_as_ours(f->fd);
	if (rc == 0)
		rc = share_with_group(f->incoming_fd, f->fd);
	if (rc < 0)
		staged_take_back(f);
	return rc;
}

/* Whoever reads knows by the lengths when all of it is there. */
static int
write_message(const struct staged *f, const struct spool_draft *d)
{
	unsigned char header[HEADER_LEN] = {0};
	struct buf bytes = BUF_INIT;
	int rc;

	memcpy(header, magic, sizeof(magic));
	bytes_put_be64(header + SEALED_LEN_AT, d->sealed.len);
	bytes_put_be64(header + TEXT_LEN_AT, d->envelope->text_len);
	buf_add(&bytes, header, sizeof(header));
	buf_add(&bytes, d->sealed.data, d->sealed.len);
	for (size_t i = 0; i < d->piece_count; i++)
		buf_add(&bytes, d->pieces[i].data, d->pieces[i].len);
	rc = io_write_all(f->fd, bytes.data, bytes.len);
	buf_release(&bytes);
	return rc;
}

int
staged_make(struct staged *f, int incoming_fd, const struct spool_draft *d)
{
	int rc = -EAGAIN;

	*f = (struct staged){.incoming_fd = incoming_fd, .fd = -1};
	if (d->envelope->text_len > STAGED_MAX ||
	    HEADER_LEN + d->sealed.len + d->envelope->text_len > STAGED_MAX)
		return -EFBIG;
	for (int i = 0; i < MAKE_TRIES && rc == -EAGAIN; i++)
		rc = make_file(f);
	if (rc == 0) {
		rc = write_message(f, d);
		if (rc < 0)
			staged_take_back(f);
	}
	return rc;
}

uint64_t
staged_id(const struct staged *f)
{
	unsigned char id[8];

	if (f->fd < 0 || pread(f->fd, id, sizeof(id), ID_AT) != sizeof(id))
		return 0;
	return bytes_get_be64(id);
}

void
staged_wait(struct staged *f, unsigned int us)
{
	if (!f->page)
		f->page = futex_map(f->fd);
	futex_wait(f->page, ID_AT, us);
}

/*
 * This rename and the unlink of who has committed cannot both succeed. He
 * writes the id before he unlinks: so if the name is gone and there is no id,
 * it was somebody else, who knows nothing of all this.
 */
int
staged_withdraw(struct staged *f)
{
	char from[NAME_LEN + 1];
	char to[NAME_LEN + 1];
	int rc = 0;

	if (staged_id(f) != 0)
		return 1;
	if (renameat(f->incoming_fd, format_name(f->name, "", from),
		f->incoming_fd, format_name(f->name, withdrawn, to)) < 0)
		rc = staged_id(f) != 0 ? 1 : -EINPROGRESS;
	return rc;
}

void
staged_take_back(struct staged *f)
{
	char name[NAME_LEN + 1];

	unlinkat(f->incoming_fd, format_name(f->name, "", name), 0);
	staged_close(f);
}

void
staged_close(struct staged *f)
{
	if (f->fd >= 0)
		close(f->fd);
	futex_unmap(f->page);
	f->fd = -1;
	f->page = NULL;
}

/* ---- the side of who commits, under the lock ----------------------- */

/* Only these say nothing about what is there. */
static bool
is_our_failure(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM || err == EIO ||
	       err == EROFS;
}

/* No sender's are a pipe, a link, or what has another name too: -ENOENT. */
static int
open_file(int incoming_fd, uint64_t name, struct stat *st)
{
	char text[NAME_LEN + 1];
	int fd = openat(incoming_fd, format_name(name, "", text),
	    O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return is_our_failure(errno) ? -errno : -ENOENT;
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode) || st->st_nlink > 1) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

/* A flock that can be had says that its holder is dead. */
static bool
is_sender_dead(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static int
read_file(int fd, size_t len, struct buf *out)
{
	ssize_t got;

	buf_reserve(out, len);
	got = pread(fd, out->data, len, 0);
	if (got < 0 || (size_t)got != len)
		return -ENOENT;
	out->len = len;
	return 0;
}

/* Point at what the file has behind its header, if that is all of it. */
static int
take_apart(struct staged_message *m)
{
	const char *bytes = m->bytes.data;
	const uint64_t rest = m->bytes.len - HEADER_LEN;
	uint64_t sealed_len;
	uint64_t text_len;

	if (memcmp(bytes, magic, sizeof(magic)) != 0)
		return -ENOENT;
	sealed_len = bytes_get_be64(bytes + SEALED_LEN_AT);
	text_len = bytes_get_be64(bytes + TEXT_LEN_AT);
	if (sealed_len > rest || text_len != rest - sealed_len ||
	    sealed_len < SPOOL_CHECKSUM_LEN)
		return -ENOENT;
	bytes += HEADER_LEN;
	m->sealed = (struct spool_piece){bytes, (size_t)sealed_len};
	m->text = (struct spool_piece){bytes + sealed_len, (size_t)text_len};
	return 0;
}

static int
read_message(int fd, const struct stat *st, struct staged_message *m)
{
	int rc;

	if (st->st_size < HEADER_LEN || st->st_size > STAGED_MAX)
		return -ENOENT;
	*m = (struct staged_message){.bytes = BUF_INIT};
	rc = read_file(fd, (size_t)st->st_size, &m->bytes);
	if (rc == 0)
		rc = take_apart(m);
	if (rc == 0)
		rc = record_decode_envelope(m->sealed.data,
		    m->sealed.len - SPOOL_CHECKSUM_LEN, &m->envelope);
	if (rc < 0)
		buf_release(&m->bytes);
	return rc < 0 ? -ENOENT : 0;
}

int
staged_read(int incoming_fd, uint64_t name, struct staged_message *m)
{
	char text[NAME_LEN + 1];
	struct stat st = {0};
	int rc = -ENOENT;
	int fd;

	fd = open_file(incoming_fd, name, &st);
	if (fd < 0)
		return -ENOENT;
	if (is_sender_dead(fd))
		unlinkat(incoming_fd, format_name(name, "", text), 0);
	else
		rc = read_message(fd, &st, m);
	close(fd);
	return rc;
}

void
staged_message_release(struct staged_message *m)
{
	envelope_release(&m->envelope);
	buf_release(&m->bytes);
}

static bool
exists(int incoming_fd, uint64_t name, const char *suffix)
{
	char text[NAME_LEN + 1];
	struct stat st;

	return fstatat(incoming_fd, format_name(name, suffix, text), &st,
		   AT_SYMLINK_NOFOLLOW) == 0;
}

bool
staged_is_waiting(int incoming_fd, uint64_t name)
{
	return exists(incoming_fd, name, "");
}

static void
wake_sender(int fd)
{
	const char *page = futex_map(fd);

	futex_wake(page, ID_AT);
	futex_unmap(page);
}

int
staged_acknowledge(int incoming_fd, uint64_t name, uint64_t id)
{
	unsigned char bytes[8];
	char text[NAME_LEN + 1];
	struct stat st = {0};
	int rc = 0;
	int fd;

	fd = open_file(incoming_fd, name, &st);
	if (fd == -ENOENT)
		return exists(incoming_fd, name, withdrawn);
	if (fd < 0)
		return fd;
	bytes_put_be64(bytes, id);
	if (pwrite(fd, bytes, sizeof(bytes), ID_AT) != sizeof(bytes))
		rc = -EIO;
	if (rc == 0 &&
	    unlinkat(incoming_fd, format_name(name, "", text), 0) < 0)
		rc = errno == ENOENT ? exists(incoming_fd, name, withdrawn)
				     : -errno;
	wake_sender(fd);
	close(fd);
	return rc;
}

void
staged_forget(int incoming_fd, uint64_t name)
{
	char text[NAME_LEN + 1];

	unlinkat(incoming_fd, format_name(name, withdrawn, text), 0);
}

void
staged_forget_all(int spool_fd)
{
	int fd = openat(spool_fd, SPOOL_INCOMING,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct dirent *entry;
	bool is_withdrawn;
	uint64_t name;
	DIR *dir;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (staged_parse_name(entry->d_name, &name, &is_withdrawn))
			unlinkat(fd, entry->d_name, 0);
	closedir(dir);
}
