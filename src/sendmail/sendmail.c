/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/privilege.h"
#include "mail/queue_id.h"
#include "mail/text.h"
#include "sendmail/compose.h"
#include "sendmail/guard.h"
#include "sendmail/identity.h"
#include "sendmail/options.h"
#include "sendmail/sendmail.h"
#include "spool/submit.h"

enum {
	INPUT_BYTES_MAX = 50 * 1024 * 1024,
	LOCK_TIMEOUT_MS = 30 * 1000,
	SPOOL_TIMEOUT_SEC = 60, /* all we ever do with the spool */
	DIR_SHOWN_MAX = 200,
};

static const char spool_default[] = "/var/spool/mini-sendmail";

/* ---- what we say --------------------------------------------------------- */

/* Print one line. Nothing can be done if nobody listens. */
static void say(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void
say(const char *fmt, ...)
{
	struct buf line = BUF_INIT;
	va_list ap;

	buf_add_str(&line, "mini_sendmail: ");
	va_start(ap, fmt);
	buf_add_vformat(&line, fmt, ap);
	va_end(ap);
	buf_add_char(&line, '\n');
	if (io_write_all(STDERR_FILENO, line.data, line.len) < 0)
		buf_clear(&line);
	buf_release(&line);
}

/* Say what is wrong with the spool. */
static int
fail_spool(const char *dir, int code, const char *what)
{
	struct buf shown = BUF_INIT;

	log_escape(&shown, dir, strlen(dir), DIR_SHOWN_MAX);
	say("%s: %s", shown.data, what);
	buf_release(&shown);
	return code;
}

NORETURN static void
out_of_memory(void)
{
	static const char line[] = "mini_sendmail: out of memory\n";
	ssize_t written;

	guard_end(); /* it may keep standard error shut */
	written = write(STDERR_FILENO, line, sizeof(line) - 1);
	(void)written;
	_exit(EX_OSERR);
}

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
    {ENOSPC, EX_CANTCREAT, "the disk is full"},
    {EDQUOT, EX_CANTCREAT, "the spool is full"},
    {EFBIG, EX_CANTCREAT, "the spool's file may not grow"},
    {EROFS, EX_CANTCREAT, "the file system is read-only"},
    {ETIMEDOUT, EX_CANTCREAT, "the spool was busy for 30 seconds"},
    {EINPROGRESS, EX_IOERR, "the message may have been stored or not"},
    {EIO, EX_CANTCREAT, "the disk is full or failed"},
    {EMSGSIZE, EX_UNAVAILABLE, "the message is too long for this site"},
    {E2BIG, EX_UNAVAILABLE, "more recipients than this site may have"},
    {ECANCELED, EX_UNAVAILABLE, "this site may not send mail now"},
    {ENOMEM, EX_OSERR, "out of memory"},
    {EMFILE, EX_OSERR, "too many open files"},
    {ENFILE, EX_OSERR, "too many open files"},
};

int
sendmail_exit_code(int err, const char **what)
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

/* ---- who we are ---------------------------------------------------------- */

/*
 * As root on a spool of somebody else (the cron of a jail), become that user.
 * If the directory is exchanged behind our back, open_spool() sees that it is
 * not ours.
 */
static int
become_owner(const char *dir)
{
	struct stat st;

	if (geteuid() != 0 || lstat(dir, &st) < 0 || st.st_uid == 0)
		return 0;
	return privilege_become(st.st_uid, st.st_gid);
}

static uint64_t
random_number(void)
{
	uint64_t number;

	/* It keeps two messages of one process and millisecond apart: without
	 * chance, time below the millisecond does. */
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) !=
	    sizeof(number)) {
		struct timespec ts = {0};

		clock_gettime(CLOCK_REALTIME, &ts);
		number = (uint64_t)ts.tv_nsec;
	}
	return number;
}

/* ---- one message --------------------------------------------------------- */

/* Read the message and make it canonical. */
static int
read_text(const struct options *o, struct buf *text)
{
	enum text_dots dots =
	    o->is_dot_literal ? TEXT_DOTS_LITERAL : TEXT_DOTS_END;
	int err = io_read_all(STDIN_FILENO, INPUT_BYTES_MAX, text);

	if (err == -EMSGSIZE) {
		say("the message is longer than %d bytes", INPUT_BYTES_MAX);
		return EX_UNAVAILABLE;
	}
	if (err < 0) {
		say("cannot read standard input: %s", strerror(-err));
		return EX_SOFTWARE;
	}
	if (text_canonicalize(text->data, &text->len, dots) < 0) {
		say("the message contains a NUL byte");
		return EX_DATAERR;
	}
	return 0;
}

/* As root only what is root's: a hostile file must not be read as root. */
static int
open_spool(const char *dir, struct spool **spool)
{
	int fd = spool_open_dir(dir);
	struct stat st;
	int err = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (geteuid() == 0 && st.st_uid != 0)
		err = -EPERM;
	if (err == 0)
		return spool_open_fd(fd, spool);
	close(fd);
	return err;
}

static int
store(const char *dir, const struct options *o, const struct composed *m)
{
	struct spool *spool = NULL;
	char text[QUEUE_ID_TEXT_MAX];
	const char *what;
	int code;
	uint64_t id = 0;
	int err;

	guard_begin(dir, SPOOL_TIMEOUT_SEC);
	err = open_spool(dir, &spool);
	if (err == 0) {
		err = spool_submit(spool, &m->envelope, m->pieces,
		    m->piece_count, m->envelope.submitted_ms,
		    clock_boot_ms() + LOCK_TIMEOUT_MS, &id);
		spool_close(spool);
	}
	guard_end();
	if (err < 0) {
		code = sendmail_exit_code(err, &what);
		return fail_spool(dir, code, what);
	}
	if (o->is_verbose)
		say("queued as %s", queue_id_format(id, text));
	return 0;
}

static int
compose_and_store(
    const char *dir, const struct options *o, uid_t uid, const struct buf *text)
{
	char hostname[HOST_NAME_MAX + 1] = "";
	struct identity_sources from = {
	    "/etc/passwd", "/etc/mailname", hostname};
	struct identity identity;
	struct composed message;
	struct buf why = BUF_INIT;
	int code;

	/* Cut or missing, it is no host and the next source is asked. */
	if (gethostname(hostname, sizeof(hostname) - 1) < 0)
		hostname[0] = '\0';
	identity_read(&identity, uid, &from);
	code = compose(
	    &(struct compose_input){
		.text = text->data,
		.len = text->len,
		.options = o,
		.identity = &identity,
		.submitter = {.uid = uid, .pid = (uint32_t)getpid()},
		.now_ms = clock_wall_ms(),
		.random = random_number(),
	    },
	    &message, &why);
	if (code)
		say("%s", why.data);
	else
		code = store(dir, o, &message);
	compose_release(&message);
	identity_release(&identity);
	buf_release(&why);
	return code;
}

static int
submit(const char *dir, const struct options *o, uid_t uid)
{
	struct buf text = BUF_INIT;
	int code = read_text(o, &text);

	if (code == 0)
		code = compose_and_store(dir, o, uid, &text);
	buf_release(&text);
	return code;
}

/* ---- the program --------------------------------------------------------- */

/* Read what the caller still has to say, lest it dies of SIGPIPE. */
static void
drain_input(void)
{
	struct buf nothing = BUF_INIT;

	if (!isatty(STDIN_FILENO) && io_read_all(STDIN_FILENO, 0, &nothing) < 0)
		buf_clear(&nothing);
}

static int
print(const char *text)
{
	return io_write_all(STDOUT_FILENO, text, strlen(text)) < 0 ? EX_SOFTWARE
								   : 0;
}

static int
run(const char *dir, const struct options *o, uid_t uid, int owner_err)
{
	switch (o->mode) {
	case OPTIONS_VERSION:
		return print("mini_sendmail " VERSION "\n");
	case OPTIONS_HELP:
		return print(options_help);
	case OPTIONS_NOTHING:
		drain_input();
		return 0;
	case OPTIONS_SUBMIT:
		break;
	}
	if (owner_err < 0) {
		drain_input();
		return fail_spool(
		    dir, EX_NOPERM, "cannot become the owner of the spool");
	}
	return submit(dir, o, uid);
}

int
sendmail_main(int argc, char **argv)
{
	const char *dir = secure_getenv("MINI_SENDMAIL_SPOOL");
	struct buf why = BUF_INIT;
	struct options options;
	uid_t uid = getuid();
	sigset_t none;
	int owner_err, code;

	if (!dir || !*dir)
		dir = spool_default;
	owner_err = become_owner(dir);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alloc_on_failure(out_of_memory);
	if (io_secure_standard_fds() < 0)
		return EX_OSERR;
	io_close_from(STDERR_FILENO + 1);
	code = options_parse(&options, argc, argv, &why);
	if (code) {
		say("%s", why.data);
		drain_input();
	} else {
		code = run(dir, &options, uid, owner_err);
	}
	options_release(&options);
	buf_release(&why);
	return code;
}
