/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "sendmail/failure.h"

enum { DIR_SHOWN_MAX = 200 };

/* ---- errors of the spool ------------------------------------------- */

static const struct {
	int err;
	int code;
	const char *what;
} meanings[] = {
    {ENOENT, EX_OSFILE, "there is no spool here"},
    {ENOTDIR, EX_OSFILE, "there is no spool here: not a directory"},
    {ENAMETOOLONG, EX_OSFILE, "there is no spool here: name too long"},
    {EACCES, EX_NOPERM, "permission denied"},
    {EPERM, EX_CONFIG,
	"the spool belongs to another user, or all may write to it"},
    {ELOOP, EX_CONFIG, "the spool is behind a symbolic link"},
    {EBADMSG, EX_CONFIG, "the spool is damaged or of another format"},
    {ENOSPC, EX_CANTCREAT, "the disk, or a quota on it, is full"},
    {EDQUOT, EX_CANTCREAT, "the spool is full"},
    {EFBIG, EX_CANTCREAT, "the spool's file may not grow"},
    {EROFS, EX_CANTCREAT, "the file system is read-only"},
    {ETIMEDOUT, EX_CANTCREAT, "the spool was busy for 30 seconds"},
    {EINPROGRESS, EX_IOERR, "the message may have been stored or not"},
    {EIO, EX_CANTCREAT,
	"the disk is full or failed, or the spool's file may not grow"},
    {EMSGSIZE, EX_UNAVAILABLE, "the message is too long for this site"},
    {E2BIG, EX_UNAVAILABLE, "more recipients than this site may have"},
    {EAGAIN, EX_UNAVAILABLE, "more than this site may send within an hour"},
    {ECANCELED, EX_UNAVAILABLE, "this site may not send mail now"},
    {ENOMEM, EX_OSERR, "out of memory"},
    {EMFILE, EX_OSERR, "too many open files"},
    {ENFILE, EX_OSERR, "too many open files"},
};

int
failure_exit_code(int err, const char **what)
{
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
		if (meanings[i].err == -err) {
			*what = meanings[i].what;
			return meanings[i].code;
		}
	}
	*what = strerror(-err);
	return EX_SOFTWARE;
}

static void
add_dir(struct buf *why, const char *dir)
{
	log_escape(why, dir, strlen(dir), DIR_SHOWN_MAX);
	buf_add_str(why, ": ");
}

int
failure_of_spool(const char *dir, int err, struct buf *why)
{
	const char *what;
	int code = failure_exit_code(err, &what);

	add_dir(why, dir);
	buf_add_str(why, what);
	return code;
}

/* ---- limits -------------------------------------------------------- */

/* Exact where that can still be read, else in units of 1024. */
static void
add_size(struct buf *why, uint64_t bytes)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	uint64_t tenths;
	size_t unit = 0;

	if (bytes < 10240) {
		buf_add_format(
		    why, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
		return;
	}
	for (bytes /= 1024 / 16; bytes >= 1024 * 16; bytes /= 1024)
		unit++;
	tenths = bytes * 10 / 16;
	buf_add_format(why, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10,
	    tenths % 10, units[unit]);
}

static void
say_quota(struct buf *why, const struct submit_result *r, uint64_t text_len)
{
	uint64_t count = 0;

	for (int i = 0; i < PHASE_COUNT; i++)
		count += r->counters.count[i];
	buf_add_format(why, "the spool is full: %" PRIu64 " message%s of ",
	    count, count == 1 ? "" : "s");
	add_size(why, r->counters.bytes);
	buf_add_format(why, " wait%s, this one has ", count == 1 ? "s" : "");
	add_size(why, text_len);
	buf_add_str(why, ", and ");
	add_size(why, r->settings.quota_bytes);
	buf_add_str(why, " is all they may have");
}

static void
say_relay(struct buf *why, const struct submit_result *r)
{
	buf_add_format(why,
	    "the message has %" PRIu64 " bytes when it is sent, and ",
	    r->relay_bytes);
	buf_add_format(why,
	    r->settings.is_relay_known ? "the relay takes at most %" PRIu64
				       : "a relay that was not yet asked may "
					 "take no more than %" PRIu64,
	    r->settings.relay_bytes_max);
}

int
failure_of_limit(const char *dir, const struct submit_result *r,
    uint64_t text_len, size_t recipient_count, struct buf *why)
{
	switch (r->limit) {
	case SUBMIT_MESSAGE_BYTES:
		buf_add_format(why,
		    "the message has %" PRIu64
		    " bytes, and this site may send at most %" PRIu64,
		    text_len, r->settings.message_bytes_max);
		return EX_UNAVAILABLE;
	case SUBMIT_RELAY_BYTES:
		say_relay(why, r);
		return EX_UNAVAILABLE;
	case SUBMIT_RECIPIENTS:
		buf_add_format(why,
		    "%zu recipients, and a message may have at most %" PRIu64,
		    recipient_count, r->settings.recipients_max);
		return EX_UNAVAILABLE;
	case SUBMIT_QUOTA:
		add_dir(why, dir);
		say_quota(why, r, text_len);
		return EX_CANTCREAT;
	case SUBMIT_RATE:
		buf_add_str(
		    why, "this site has sent as much as it may within an hour");
		return EX_UNAVAILABLE;
	case SUBMIT_BLOCKED:
	case SUBMIT_WITHIN_LIMITS:
		break;
	}
	buf_add_str(why, "this site is blocked: it may not send mail now");
	return EX_UNAVAILABLE;
}
