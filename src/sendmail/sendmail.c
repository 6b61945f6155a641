/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/io.h"
#include "mail/queue_id.h"
#include "mail/text.h"
#include "sendmail/caller.h"
#include "sendmail/compose.h"
#include "sendmail/failure.h"
#include "sendmail/guard.h"
#include "sendmail/identity.h"
#include "sendmail/input.h"
#include "sendmail/mailq.h"
#include "sendmail/options.h"
#include "sendmail/refusal.h"
#include "sendmail/sendmail.h"
#include "sendmail/session.h"
#include "sendmail/visit.h"

enum {
	/* Up to here nobody is asked how long a message may be. */
	SMALL_BYTES_MAX = 1024 * 1024,
};

static const char spool_default[] = "/var/spool/mini-sendmail";

/* The one submission of this process; what ends it early looks here too. */
static struct {
	struct visit visit;
	struct submitter caller; /* before we became the owner */
	struct options options;
	struct buf text;
	struct server_limits limits; /* of a session */
	struct composed message;
	uint64_t input_bytes;  /* what came on standard input */
	const char *recipient; /* the first that is known */
	struct buf why;	       /* it is refused: one line without its end */
	bool is_list;	       /* what fails then is no refused mail */
} own = {
    .visit.dir_fd = -EBADF,
    .text = BUF_INIT,
    .recipient = "",
    .why = BUF_INIT,
};

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

/* Take down for the operator that, and why, we end with this code. */
static void
log_refusal(int code, const char *why)
{
	if (own.is_list)
		return;
	refusal_log(own.visit.dir_fd, &(struct refusal){
					  .now_ms = clock_wall_ms(),
					  .uid = own.caller.uid,
					  .exit_code = code,
					  .size = own.input_bytes,
					  .recipient = own.recipient,
					  .reason = why,
				      });
}

NORETURN static void
out_of_memory(void)
{
	static const char line[] = "mini_sendmail: out of memory\n";
	ssize_t written;

	guard_end(); /* it may keep standard error shut */
	written = write(STDERR_FILENO, line, sizeof(line) - 1);
	(void)written;
	if (own.input_bytes == 0)
		own.input_bytes = own.text.len; /* in the middle of reading */
	log_refusal(EX_OSERR, "out of memory");
	_exit(EX_OSERR);
}

static void
note_recipient(const struct envelope *e)
{
	if (e->recipient_count > 0)
		own.recipient = e->recipients[0].address;
}

static int
print(const char *text)
{
	int err = io_write_all(STDOUT_FILENO, text, strlen(text));

	if (err == 0)
		return 0;
	buf_add_format(
	    &own.why, "cannot write to standard output: %s", strerror(-err));
	return EX_SOFTWARE;
}

/* ---- standard input ------------------------------------------------------ */

static int
read_up_to(size_t limit)
{
	int err = input_read(own.options.is_dot_literal, limit, &own.text);

	own.input_bytes = own.text.len;
	return err;
}

/* Why a visit to the spool came back with err. */
static int
refuse_visit(int err, const struct submit_result *r)
{
	const struct envelope *e = &own.message.envelope;

	if (r->limit == SUBMIT_WITHIN_LIMITS)
		return failure_of_spool(own.visit.dir, err, &own.why);
	return failure_of_limit(
	    own.visit.dir, r, e->text_len, e->recipient_count, &own.why);
}

static int
refuse_length(struct submit_result *seen)
{
	buf_release(&own.text);
	input_drain(&own.input_bytes);
	seen->limit = SUBMIT_MESSAGE_BYTES;
	return failure_of_limit(
	    own.visit.dir, seen, own.input_bytes, 0, &own.why);
}

/* Read the message, a large one only as far as this site may send it. */
static int
read_input(void)
{
	struct submit_result seen;
	int err = read_up_to(SMALL_BYTES_MAX);

	if (err == -EMSGSIZE) {
		err = visit_look(&own.visit, &seen);
		if (err < 0)
			return refuse_visit(err, &seen);
		err = read_up_to(seen.settings.message_bytes_max);
		if (err == -EMSGSIZE)
			return refuse_length(&seen);
	}
	if (err < 0) {
		buf_add_format(
		    &own.why, "cannot read standard input: %s", strerror(-err));
		return EX_SOFTWARE;
	}
	return 0;
}

/* ---- one message --------------------------------------------------------- */

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

static void
read_identity(struct identity *identity)
{
	char hostname[HOST_NAME_MAX + 1] = "";
	struct identity_sources from = {
	    "/etc/passwd", "/etc/mailname", hostname};

	/* Cut or missing, it is no host and the next source is asked. */
	if (gethostname(hostname, sizeof(hostname) - 1) < 0)
		hostname[0] = '\0';
	identity_read(identity, own.caller.uid, &from);
}

static int
compose_message(void)
{
	struct identity identity;
	int code;

	read_identity(&identity);
	code = compose(
	    &(struct compose_input){
		.text = own.text.data,
		.len = own.text.len,
		.options = &own.options,
		.identity = &identity,
		.submitter = &own.caller,
		.now_ms = clock_wall_ms(),
		.random = random_number(),
	    },
	    &own.message, &own.why);
	note_recipient(&own.message.envelope);
	identity_release(&identity);
	return code;
}

/* From text and options into the spool; its id as people write it. */
static int
submit_text(enum text_dots dots, char *id)
{
	struct submit_result result;
	int code;
	int err;

	if (text_canonicalize(own.text.data, &own.text.len, dots) < 0) {
		buf_add_str(&own.why, "the message contains a NUL byte");
		return EX_DATAERR;
	}
	code = compose_message();
	if (code)
		return code;
	err = visit_submit(&own.visit, &own.message, &result);
	if (err < 0)
		return refuse_visit(err, &result);
	queue_id_format(result.id, id);
	return 0;
}

static int
submit(void)
{
	enum text_dots dots =
	    own.options.is_dot_literal ? TEXT_DOTS_LITERAL : TEXT_DOTS_END;
	char id[QUEUE_ID_TEXT_MAX];
	int code = read_input();

	if (code == 0)
		code = submit_text(dots, id);
	if (code == 0 && own.options.is_verbose)
		say("queued as %s", id);
	return code;
}

/* ---- a session of SMTP --------------------------------------------------- */

/* Make the message of a session ours, as if it had come by the command line. */
static void
take_over(struct server *s)
{
	envelope_release(&own.options.envelope);
	own.options.envelope = *server_envelope(s);
	envelope_init(server_envelope(s));
	own.options.has_sender = true;
	own.options.is_recipients_from_header = false;
	buf_release(&own.text);
	own.text = *server_text(s);
	buf_init(server_text(s));
	own.input_bytes = own.text.len;
	own.visit.patience_ms = VISIT_PATIENCE_MS;
	buf_clear(&own.why);
	note_recipient(&own.options.envelope);
}

static int
refuse_forgotten(void)
{
	struct submit_result r = {.limit = SUBMIT_MESSAGE_BYTES};

	r.settings.message_bytes_max = own.limits.text_bytes_max;
	return failure_of_limit(
	    own.visit.dir, &r, own.input_bytes, 0, &own.why);
}

static void
take_message(struct server *s)
{
	const uint64_t forgotten_bytes = server_forgotten_bytes(s);
	char id[QUEUE_ID_TEXT_MAX];
	int code;

	take_over(s);
	if (forgotten_bytes > 0)
		own.input_bytes = forgotten_bytes;
	code = forgotten_bytes > 0 ? refuse_forgotten()
				   : submit_text(TEXT_DOTS_LITERAL, id);
	if (code == 0) {
		server_accept(s, id);
	} else {
		server_refuse(s, code, own.why.data);
		log_refusal(code, own.why.data);
	}
	own.recipient = "";
	compose_release(&own.message);
	buf_release(&own.text);
}

/* What a message may have on its way through us to the relay. */
static uint64_t
bytes_max(const struct spool_settings *settings)
{
	uint64_t relay = settings->relay_bytes_max;

	relay = relay > SUBMIT_RECEIVED_MAX ? relay - SUBMIT_RECEIVED_MAX : 0;
	return settings->relay_bytes_max > 0 &&
		       relay < settings->message_bytes_max
		   ? relay
		   : settings->message_bytes_max;
}

static int
serve(void)
{
	struct submit_result seen;
	struct identity identity;
	struct server *server;
	int err = visit_look(&own.visit, &seen);

	if (err < 0) {
		int code = refuse_visit(err, &seen);

		buf_add_format(&own.text, "421 4.3.0 %s\r\n", own.why.data);
		err = print(own.text.data);
		return err ? err : code;
	}
	own.limits.text_bytes_max = bytes_max(&seen.settings);
	own.limits.recipients_max = seen.settings.recipients_max;
	read_identity(&identity);
	server = server_new(identity.host.data, &own.limits);
	err = session_run(server, take_message);
	server_free(server);
	identity_release(&identity);
	if (err == 0)
		return 0;
	buf_clear(&own.why);
	buf_add_format(&own.why, "the session broke: %s", strerror(-err));
	return EX_IOERR;
}

/* ---- the list ------------------------------------------------------------ */

static int
list(void)
{
	signal(SIGPIPE, SIG_DFL); /* mailq | head */
	return mailq_print(&own.visit, &own.why);
}

/* ---- the program --------------------------------------------------------- */

static int
run_at_spool(void)
{
	if (own.options.mode == OPTIONS_LIST)
		return list();
	return own.options.mode == OPTIONS_SERVE ? serve() : submit();
}

static int
run(int owner_err)
{
	own.is_list = own.options.mode == OPTIONS_LIST;
	switch (own.options.mode) {
	case OPTIONS_VERSION:
		return print("mini_sendmail " VERSION "\n");
	case OPTIONS_HELP:
		return print(options_help);
	case OPTIONS_NOTHING:
		return 0; /* what is to be read is another's */
	case OPTIONS_SUBMIT:
	case OPTIONS_SERVE:
	case OPTIONS_LIST:
		break;
	}
	if (owner_err == 0)
		return run_at_spool();
	buf_add_str(&own.why, "cannot become the owner of the spool");
	return EX_NOPERM;
}

/* No file with mail in it is to be left behind, whoever ends us. */
static void
forbid_core_dumps(void)
{
	/* 1, not 0, which a program that core_pattern pipes to is not bound
	 * by: core(5). Where even that is too much, it is 0 already. */
	setrlimit(RLIMIT_CORE, &(struct rlimit){1, 1});
}

/* A caller leaves us any signal mask, and a limit must not be our death. */
static void
prepare_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGXFSZ, SIG_IGN); /* RLIMIT_FSIZE becomes EFBIG */
	signal(SIGPIPE, SIG_IGN); /* the exit code counts more than the line */
}

static int
prepare_descriptors(const char *dir)
{
	int err = io_secure_standard_fds();

	if (err < 0) {
		buf_add_str(&own.why, "too many open files");
		return EX_OSERR;
	}
	io_close_from(STDERR_FILENO + 1);
	visit_open(&own.visit, dir);
	return 0;
}

static void
refuse(int code)
{
	say("%s", own.why.data);
	if (!own.is_list)
		input_drain(&own.input_bytes);
	log_refusal(code, own.why.data);
}

int
sendmail_main(int argc, char **argv)
{
	const char *dir = secure_getenv("MINI_SENDMAIL_SPOOL");
	int owner_err, code;

	if (!dir || !*dir)
		dir = spool_default;
	alloc_on_failure(out_of_memory);
	caller_read(&own.caller, getuid(), argv);
	forbid_core_dumps();
	owner_err = visit_become_owner(dir);
	prepare_signals();
	guard_on_ending(log_refusal);
	code = prepare_descriptors(dir);
	if (code == 0)
		code = options_parse(&own.options, argc, argv, &own.why);
	note_recipient(&own.options.envelope);
	if (code == 0)
		code = run(owner_err);
	if (code)
		refuse(code);
	compose_release(&own.message);
	options_release(&own.options);
	buf_release(&own.text);
	buf_release(&own.why);
	submitter_release(&own.caller);
	visit_close(&own.visit);
	return code;
}
