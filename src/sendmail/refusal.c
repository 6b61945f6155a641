/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "sendmail/refusal.h"

enum {
	RECIPIENT_SHOWN_MAX = 200, /* bytes, as they are written */
	REASON_SHOWN_MAX = 640,
	NUMBERS_MAX = 120, /* bytes of all the rest */
};
_Static_assert(
    RECIPIENT_SHOWN_MAX + REASON_SHOWN_MAX + NUMBERS_MAX < REFUSAL_LINE_MAX,
    "a line fits");

/* ---- the line ------------------------------------------------------ */

/* A line in the making, with room for all that goes into it. */
struct line {
	char *text;
	size_t len;
};

static void add(struct line *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
add(struct line *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	l->len += (size_t)vsnprintf(
	    l->text + l->len, REFUSAL_LINE_MAX - l->len, fmt, ap);
	va_end(ap);
}

/*
 * Add text that a stranger may have written, at most max bytes of it as it
 * comes out. log_escape() does the same, but takes memory.
 */
static void
add_escaped(struct line *l, const char *text, size_t max)
{
	size_t left = max - strlen("...");

	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;
		const bool is_safe =
		    c >= 32 && c < 127 && c != '"' && c != '\\';
		const size_t len = is_safe ? 1 : 4;

		if (len > left) {
			add(l, "...");
			return;
		}
		left -= len;
		if (is_safe)
			add(l, "%c", c);
		else
			add(l, "\\x%02x", c);
	}
}

/*
 * Add words of ours, in which strangers' words are escaped already and stand
 * between quotes. Whatever they are, they end neither the value nor the line.
 */
static void
add_words(struct line *l, const char *words, size_t max)
{
	for (; *words && max > strlen("..."); words++, max--) {
		if (*words < 32 || *words > 126)
			add(l, "?");
		else
			add(l, "%c", *words == '"' ? '\'' : *words);
	}
	if (*words)
		add(l, "...");
}

size_t
refusal_format(const struct refusal *r, char *line)
{
	char date[CLOCK_TEXT_MAX];
	struct line l = {.text = line};

	add(&l, "%s uid=%ju exit=%d size=%" PRIu64 " to=\"",
	    clock_rfc3339(r->now_ms, date), (uintmax_t)r->uid, r->exit_code,
	    r->size);
	add_escaped(&l, r->recipient, RECIPIENT_SHOWN_MAX);
	add(&l, "\" reason=\"");
	add_words(&l, r->reason, REASON_SHOWN_MAX);
	add(&l, "\"\n");
	return l.len;
}

/* ---- the file ------------------------------------------------------ */

/*
 * A spool belongs to one user, or to one user and a group that he shares it
 * with; root trusts its own only.
 */
static bool
is_ours(const struct stat *dir)
{
	if (dir->st_mode & S_IWOTH)
		return false;
	if (dir->st_uid == geteuid())
		return true;
	return geteuid() != 0 && (dir->st_mode & S_IRWXG) == S_IRWXG;
}

/* Open the log, which is a file of this directory alone, or nothing. */
static int
open_log(int dir_fd, struct stat *st)
{
	const int flags =
	    O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	struct stat dir;
	mode_t mask, mode = 0600;
	int fd;

	if (fstat(dir_fd, &dir) < 0 || !is_ours(&dir))
		return -1;
	/* Those who share a spool share its log, whatever their umask. */
	if ((dir.st_mode & S_IRWXG) == S_IRWXG)
		mode = 0660;
	mask = umask(0);
	fd = openat(dir_fd, REFUSAL_FILE, flags, mode);
	umask(mask);
	if (fd < 0)
		return -1;
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode) || st->st_nlink != 1) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * Make the log the old one, unless somebody else has or is about to. Where the
 * name of the old one is taken, its content goes: the newest lines count.
 */
static void
make_old(int dir_fd, int fd, const struct stat *st)
{
	struct stat named;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (fstatat(dir_fd, REFUSAL_FILE, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    named.st_dev != st->st_dev || named.st_ino != st->st_ino ||
	    named.st_size <= REFUSAL_FILE_MAX)
		return;
	if (renameat(dir_fd, REFUSAL_FILE, dir_fd, REFUSAL_FILE_OLD) < 0 &&
	    ftruncate(fd, 0) < 0)
		return;
}

static void
append(int fd, const struct stat *st, const struct refusal *r)
{
	char text[1 + REFUSAL_LINE_MAX] = "\n";
	size_t len = refusal_format(r, text + 1);
	bool is_cut = false;
	ssize_t written;
	char last;

	if (st->st_size >= REFUSAL_FILE_STOP)
		return;
	/* A full disk may have cut the last line; do not go on in it. If
	 * another process is just writing it, this makes an empty line. */
	if (st->st_size > 0 && pread(fd, &last, 1, st->st_size - 1) == 1)
		is_cut = last != '\n';
	/* One call, so that the lines of others do not come in between. */
	written = write(fd, is_cut ? text : text + 1, len + is_cut);
	(void)written;
}

void
refusal_log(int dir_fd, const struct refusal *r)
{
	struct stat st;
	int fd;

	fd = open_log(dir_fd, &st);
	if (fd >= 0 && st.st_size > REFUSAL_FILE_MAX) {
		make_old(dir_fd, fd, &st);
		close(fd);
		fd = open_log(dir_fd, &st);
	}
	if (fd < 0)
		return;
	append(fd, &st, r);
	close(fd);
}
