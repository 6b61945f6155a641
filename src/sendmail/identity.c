/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sendmail/identity.h"

enum { FILE_BYTES_MAX = 1024 * 1024 };

/* Read the start of a regular file; anything else reads as empty. */
static void
read_file(const char *path, struct buf *b)
{
	/* Whoever owns the jail may have put a fifo there: do not hang. */
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		do {
			buf_reserve(b, 4096);
			n = read(fd, b->data + b->len, 4096);
			if (n > 0)
				b->len += (size_t)n;
		} while (n > 0 && b->len < FILE_BYTES_MAX);
		b->data[b->len] = '\0';
	}
	close(fd);
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

/* ---- the host ------------------------------------------------------------ */

/* Letters, digits, - and _ in labels of 1 to 63 bytes, joined by dots. */
static bool
is_host(const char *host, size_t len)
{
	size_t label = 0;

	if (len == 0 || len > IDENTITY_HOST_MAX || host[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (host[i] == '.') {
			if (label == 0 || host[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!is_alnum(host[i]) && host[i] != '-' && host[i] != '_')
			return false;
		if ((label == 0 && host[i] == '-') || ++label > 63)
			return false;
	}
	return label > 0;
}

/* Take the host from the first line of text, if it is one. */
static bool
take_host(struct buf *host, const char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strcspn(text, "\r\n");
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	if (!is_host(text, len))
		return false;
	buf_add(host, text, len);
	return true;
}

static void
read_host(struct buf *host, const struct identity_sources *from)
{
	struct buf file = BUF_INIT;

	read_file(from->mailname, &file);
	if (!take_host(host, file.data) && !take_host(host, from->hostname))
		buf_add_str(host, "localhost");
	buf_release(&file);
}

/* ---- the user ------------------------------------------------------------ */

enum { PASSWD_NAME, PASSWD_UID = 2, PASSWD_GECOS = 4, PASSWD_FIELDS = 5 };

struct view {
	const char *data;
	size_t len;
};

/* Cut a line of passwd(5) into its first fields. */
static bool
split_line(const char *line, const char *end, struct view *fields)
{
	for (size_t i = 0; i < PASSWD_FIELDS; i++) {
		const char *colon = memchr(line, ':', (size_t)(end - line));

		if (!colon)
			return false;
		fields[i] = (struct view){line, (size_t)(colon - line)};
		line = colon + 1;
	}
	return true;
}

static bool
is_number(const struct view *text, uint64_t number)
{
	uint64_t value = 0;

	if (text->len == 0 || text->len > 10)
		return false;
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] < '0' || text->data[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text->data[i] - '0');
	}
	return value == number;
}

static bool
is_user(const struct view *name)
{
	if (name->len == 0 || name->len > IDENTITY_USER_MAX ||
	    name->data[0] == '-' || name->data[0] == '.' ||
	    name->data[name->len - 1] == '.')
		return false;
	for (size_t i = 0; i < name->len; i++) {
		char c = name->data[i];

		if (!is_alnum(c) && !strchr("-_.", c))
			return false;
		if (c == '.' && name->data[i - 1] == '.')
			return false;
	}
	return true;
}

static char
to_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* The full name is what stands before a comma; & is the user's own name. */
static void
take_name(struct identity *id, const struct view *gecos)
{
	for (size_t i = 0; i < gecos->len && gecos->data[i] != ','; i++) {
		char c = gecos->data[i];

		if (c == '&') {
			buf_add_char(&id->name, to_upper(id->user.data[0]));
			buf_add_str(&id->name, id->user.data + 1);
		} else {
			buf_add_char(&id->name, c);
		}
		if ((unsigned char)c < 32 || c == 127 ||
		    id->name.len > IDENTITY_NAME_MAX) {
			buf_clear(&id->name);
			return;
		}
	}
}

static void
read_user(struct identity *id, uid_t uid, const char *path)
{
	struct view fields[PASSWD_FIELDS];
	struct buf file = BUF_INIT;
	const char *line, *end;

	read_file(path, &file);
	for (line = file.data; *line; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		if (!split_line(line, end, fields) ||
		    !is_number(&fields[PASSWD_UID], uid) ||
		    !is_user(&fields[PASSWD_NAME]))
			continue;
		buf_add(&id->user, fields[PASSWD_NAME].data,
		    fields[PASSWD_NAME].len);
		take_name(id, &fields[PASSWD_GECOS]);
		break;
	}
	if (id->user.len == 0)
		buf_add_format(&id->user, "uid%ju", (uintmax_t)uid);
	buf_release(&file);
}

void
identity_read(
    struct identity *id, uid_t uid, const struct identity_sources *from)
{
	*id = (struct identity){BUF_INIT, BUF_INIT, BUF_INIT};
	read_user(id, uid, from->passwd);
	read_host(&id->host, from);
}

void
identity_release(struct identity *id)
{
	buf_release(&id->user);
	buf_release(&id->host);
	buf_release(&id->name);
}
