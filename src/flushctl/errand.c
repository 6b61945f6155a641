/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "flushctl/access.h"
#include "flushctl/errand.h"
#include "flushctl/interrupt.h"
#include "flushctl/verb.h"
#include "site/sandbox.h"

enum {
	PIECE_LEN = 64 * 1024,
	PROGRESS_MS = 500,
	/* Longer than a turn takes that waits for the lock and for the CPU. */
	SILENCE_MS = 60 * 1000,
	END_MS = 1,
};

/* The child's end of it, as the parent has it. */
struct stream {
	int from; /* -1: it has ended */
	int to;
	bool is_raw; /* and what comes may pass as it is */
};

struct running {
	const struct errand *errand;
	pid_t pid;
	struct stream streams[2]; /* output and errors */
	struct tally *tally;	  /* shared with the child */
	int64_t begun_ms;
	int64_t heard_ms;     /* when it last did something */
	uint64_t heard_turns; /* its turns by then */
	bool is_ended;	      /* by us, as it was silent */
	bool has_progress;    /* a line of it stands on the terminal */
	int write_error;
};

/* ---- the child ----------------------------------------------------- */

/* From here on the parent's files are closed, but for the directory. */
static int
take_descriptors(int dir_fd, int out, int err)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0)
		null = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* Those that are copied are above all that they are copied to. */
	if (dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(err, STDERR_FILENO) < 0 || dup2(dir_fd, ERRAND_DIR) < 0)
		return -errno;
	io_close_from(ERRAND_DIR + 1);
	return 0;
}

NORETURN static void
be_child(
    const struct errand *e, int dir_fd, int out, int err, struct tally *tally)
{
	struct spool *s = NULL;
	int status;

	tzset(); /* there are no zone files in a spool */
	/* Whoever ignores it is told by us. */
	signal(SIGPIPE, SIG_DFL);
	if (take_descriptors(dir_fd, out, err) < 0 ||
	    !sandbox_enter_spool(ERRAND_DIR))
		_exit(STATUS_FAILED);
	status = e->is_of_files ? STATUS_DONE
				: access_open(e->target->name, ERRAND_DIR,
				      &tally->turns, &s);
	if (status == STATUS_DONE)
		status = e->run(e, s, tally);
	spool_close(s);
	_exit(status);
}

/* ---- what it prints ------------------------------------------------ */

static void
clean(char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((data[i] < ' ' || data[i] > '~') && data[i] != '\n')
			data[i] = '?';
}

/* A text, for eyes: tabs are well. */
static void
add_escaped(struct buf *b, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)data[i];

		if ((c < 32 && c != '\n' && c != '\t') || c > 126)
			buf_add_format(b, "\\x%02x", c);
		else
			buf_add_char(b, (char)c);
	}
}

static int
write_piece(const struct stream *s, char *data, size_t len)
{
	struct buf shown = BUF_INIT;
	int rc;

	if (!s->is_raw) {
		clean(data, len);
		return io_write_all(s->to, data, len);
	}
	if (!isatty(s->to))
		return io_write_all(s->to, data, len);
	add_escaped(&shown, data, len);
	rc = io_write_all(s->to, shown.data, shown.len);
	buf_release(&shown);
	return rc;
}

static void
clear_progress(struct running *r)
{
	static const char clear[] = "\r\033[K";

	if (r->has_progress &&
	    io_write_all(STDERR_FILENO, clear, sizeof(clear) - 1) < 0)
		return;
	r->has_progress = false;
}

static void
show_progress(struct running *r)
{
	struct buf line = BUF_INIT;

	if (!r->errand->progress || !isatty(STDERR_FILENO) ||
	    clock_boot_ms() - r->begun_ms < 2 * PROGRESS_MS)
		return;
	buf_add_format(&line, "\r%s: %ju %s so far\033[K",
	    r->errand->target->name, (uintmax_t)r->tally->count,
	    r->errand->progress);
	if (io_write_all(STDERR_FILENO, line.data, line.len) == 0)
		r->has_progress = true;
	buf_release(&line);
}

/* Pass on a piece of it, or see that it has ended. */
static void
copy(struct running *r, struct stream *s)
{
	static char piece[PIECE_LEN];
	ssize_t n = io_read(s->from, piece, sizeof(piece));
	int rc = 0;

	if (n > 0) {
		clear_progress(r);
		rc = write_piece(s, piece, (size_t)n);
	}
	if (rc < 0 && s->to == STDOUT_FILENO)
		r->write_error = rc;
	/* Whoever reads may have kept it waiting. */
	r->heard_ms = clock_boot_ms();
	if (n > 0 && rc == 0)
		return;
	/* Whoever writes there is told by a signal. */
	close(s->from);
	s->from = -1;
}

/* A child that does nothing any more must not keep us from other sites. */
static void
end_silent(struct running *r)
{
	const int64_t now_ms = clock_boot_ms();

	if (r->tally->turns != r->heard_turns) {
		r->heard_turns = r->tally->turns;
		r->heard_ms = now_ms;
	}
	if (now_ms - r->heard_ms < SILENCE_MS || r->is_ended)
		return;
	r->is_ended = kill(r->pid, SIGKILL) == 0;
}

static void
copy_all(struct running *r)
{
	while (r->streams[0].from >= 0 || r->streams[1].from >= 0) {
		struct pollfd fds[2] = {
		    {.fd = r->streams[0].from, .events = POLLIN},
		    {.fd = r->streams[1].from, .events = POLLIN},
		};
		int n = poll(fds, 2, PROGRESS_MS);

		if (n < 0 && errno != EINTR)
			return;
		r->tally->is_stopped = interrupt_has_come();
		for (int i = 0; n > 0 && i < 2; i++)
			if (fds[i].revents)
				copy(r, &r->streams[i]);
		show_progress(r);
		end_silent(r);
	}
}

/* ---- the parent ---------------------------------------------------- */

static int
failed(const struct errand *e, const char *doing, int rc)
{
	if (e->end)
		*e->end = rc;
	else
		log_error("%s: %s: %s", e->target->name, doing, strerror(-rc));
	return STATUS_FAILED;
}

/* Say why a process has not ended as it should. */
static void
report_end(const struct running *r, int status)
{
	const char *meaning = "what is in the spool ended the process that "
			      "read it";

	if (r->errand->end) {
		*r->errand->end = r->is_ended ? -ETIMEDOUT : -EBADMSG;
		return;
	}
	if (r->is_ended)
		meaning = "the process that reads it did nothing for a minute";
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		meaning = "reading it made a forbidden system call";
	else if (r->write_error)
		return;
	log_error("%s: %s", r->errand->target->name, meaning);
}

/* Who may not, is told so before anything is begun. */
static int
open_dir(const struct target *t)
{
	const uid_t uid = geteuid();
	int fd;

	if (t->is_site && uid != 0 && uid != t->site.uid) {
		log_error("%s: is a site of %s: only that user and root may do "
			  "anything there",
		    t->name, t->site.user);
		return -1;
	}
	/* Another's is let in by its group, if at all: spool_open_fd(). */
	fd =
	    t->is_site ? site_open_dir(&t->site) : spool_open_dir(t->site.path);
	if (fd == -EPERM && t->is_site)
		log_error("%s: %s%s: does not belong to %s", t->name,
		    t->site.root, t->site.path, t->site.user);
	else if (fd == -ESRCH)
		log_error("%s: there is no user '%s'", t->name, t->site.user);
	else if (fd < 0)
		access_failed(t->name, fd);
	return fd;
}

/* Start it, with pipes for what it prints. 0 or -errno. */
static int
start(struct running *r, int dir_fd)
{
	int out[2];
	int err[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(err, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return -errno;
	}
	r->pid = fork();
	if (r->pid == 0)
		be_child(r->errand, dir_fd, out[1], err[1], r->tally);
	close(out[1]);
	close(err[1]);
	r->streams[0] = (struct stream){
	    .from = out[0], .to = STDOUT_FILENO, .is_raw = r->errand->is_raw};
	r->streams[1] = (struct stream){.from = err[0], .to = STDERR_FILENO};
	if (r->pid >= 0)
		return 0;
	close(out[0]);
	close(err[0]);
	return -EAGAIN;
}

static int
wait_for(struct running *r)
{
	int status;
	pid_t pid;

	/* It has closed what it prints to, so its end is near. */
	while ((pid = waitpid(r->pid, &status, WNOHANG)) <= 0) {
		if (pid < 0 && errno != EINTR)
			return failed(r->errand, "its process is lost", -errno);
		end_silent(r);
		poll(NULL, 0, END_MS);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) <= STATUS_FAILED)
		return WEXITSTATUS(status);
	report_end(r, status);
	return STATUS_FAILED;
}

int
errand_run_in(const struct errand *e, int dir_fd, struct tally *total)
{
	const int64_t now_ms = clock_boot_ms();
	struct running r = {
	    .errand = e, .begun_ms = now_ms, .heard_ms = now_ms};
	int status;
	int rc;

	r.tally = mmap(NULL, sizeof(*r.tally), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r.tally == MAP_FAILED)
		return failed(e, "no memory", -errno);
	rc = start(&r, dir_fd);
	if (rc == 0) {
		copy_all(&r);
		status = wait_for(&r);
		clear_progress(&r);
	} else {
		status = failed(e, "no process for it", rc);
	}
	if (r.write_error) {
		log_error("standard output: %s", strerror(-r.write_error));
		status = STATUS_FAILED;
	}
	total->count += r.tally->count;
	total->bytes += r.tally->bytes;
	total->damaged += r.tally->damaged;
	total->sending += r.tally->sending;
	munmap(r.tally, sizeof(*r.tally));
	return status;
}

int
errand_run(const struct errand *e, struct tally *total)
{
	int fd = open_dir(e->target);
	int status;

	if (fd < 0)
		return STATUS_FAILED;
	status = errand_run_in(e, fd, total);
	close(fd);
	return status;
}

int
errand_run_all(
    struct errand *e, const struct targets *targets, struct tally *total)
{
	int worst = targets->is_partial ? STATUS_FAILED : STATUS_DONE;

	for (size_t i = 0; i < targets->count && !interrupt_has_come(); i++) {
		int status;

		e->target = &targets->list[i];
		e->before = *total;
		status = errand_run(e, total);
		if (status > worst)
			worst = status;
	}
	return worst;
}
