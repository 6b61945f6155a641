/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"
#include "flushd/child.h"
#include "flushd/event.h"

enum {
	/* More than a worker writes of a recipient, whatever is escaped in it:
	 * what is cut off a line would look like one of its own. */
	LOG_LINE_MAX = 8192,
	LOG_READ_STEP = 4096,
	FREE_FDS = 64, /* above all that are given to a child */
};

char child_argument_worker[] = "--worker";
char child_argument_prober[] = "--prober";

struct child {
	pid_t pid;
	int log_fd;
	char *label;
	struct buf line; /* of its log, until its end comes */
	sd_event_source *exited;
	sd_event_source *log;
	child_ended_fn *ended;
	void *context;
};

/* ---- its log ------------------------------------------------------- */

/* "<N>text" is a line of level N; what else a child says is an error. */
static void
pass_on(struct child *c, const char *line, size_t len)
{
	enum log_level level = LOG_LEVEL_ERROR;
	struct buf text = BUF_INIT;

	if (len == 0)
		return;
	if (len >= 3 && line[0] == '<' && line[1] >= '3' && line[1] <= '6' &&
	    line[2] == '>') {
		level = (enum log_level)(line[1] - '0');
		line += 3;
		len -= 3;
	}
	log_clean(&text, line, len, LOG_LINE_MAX);
	log_at(level, "%s%s%s", c->label, *c->label ? " " : "", text.data);
	buf_release(&text);
}

static void
pass_on_lines(struct child *c)
{
	char *end;

	while ((end = memchr(c->line.data, '\n', c->line.len)) != NULL) {
		size_t len = (size_t)(end - c->line.data);

		pass_on(c, c->line.data, len);
		buf_consume(&c->line, len + 1);
	}
	if (c->line.len > LOG_LINE_MAX) {
		pass_on(c, c->line.data, c->line.len);
		buf_clear(&c->line);
	}
}

/* Read what is there: 1 for something, 0 for nothing more, now or ever. */
static int
read_log(struct child *c)
{
	ssize_t n;

	buf_reserve(&c->line, LOG_READ_STEP);
	n = read(c->log_fd, c->line.data + c->line.len, LOG_READ_STEP);
	if (n <= 0)
		return 0;
	c->line.len += (size_t)n;
	pass_on_lines(c);
	return 1;
}

static int
on_log(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)fd;
	if (!read_log(context) && (events & EPOLLHUP))
		event_must(sd_event_source_set_enabled(source, SD_EVENT_OFF),
		    "log of child");
	return 0;
}

/* ---- its end ------------------------------------------------------- */

static void
release(struct child *c)
{
	sd_event_source_unref(c->exited);
	sd_event_source_unref(c->log);
	close(c->log_fd);
	buf_release(&c->line);
	free(c->label);
	free(c);
}

static int
on_exit_of_child(sd_event_source *source, const siginfo_t *info, void *context)
{
	struct child *c = context;
	child_ended_fn *ended = c->ended;
	void *ended_context = c->context;
	int status = info->si_code == CLD_EXITED
			 ? W_EXITCODE(info->si_status, 0)
			 : W_EXITCODE(0, info->si_status);

	(void)source;
	while (read_log(c))
		;
	pass_on(c, c->line.data, c->line.len);
	release(c);
	ended(ended_context, status);
	return 0;
}

/* ---- its birth ----------------------------------------------------- */

/* In the child: give fd the number that it is known by, or close that. */
static int
place(int fd, int number)
{
	if (fd < 0)
		close(number);
	else if (dup2(fd, number) < 0)
		return -errno;
	return 0;
}

/* In the child: nothing here may touch what the parent has in memory. */
NORETURN static void
become(enum child_kind kind, char *argument, int log_end, const int *fds)
{
	static char program[] = "flushd";
	char *const argv[] = {program,
	    kind == CHILD_WORKER ? child_argument_worker
				 : child_argument_prober,
	    argument, NULL};
	int moved[CHILD_FD_COUNT] = {0};
	sigset_t none;

	/* Out of the way first: a source may have another's number. */
	for (int i = CHILD_CHANNEL; i < CHILD_FD_COUNT; i++)
		moved[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD, FREE_FDS);
	/* Not our input, and no output that goes past the log's label. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(log_end, fd) < 0)
			_exit(CHILD_EXIT_FAILED);
	for (int i = CHILD_CHANNEL; i < CHILD_FD_COUNT; i++)
		if (place(moved[i], i) < 0)
			_exit(CHILD_EXIT_FAILED);
	io_close_from(CHILD_FD_COUNT);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv("/proc/self/exe", argv);
	_exit(CHILD_EXIT_FAILED);
}

/*
 * As a child's source comes, it hears of the end once. While somebody traces
 * the child that may be too early, when the dead one is not yet ours to wait
 * for. Only enabling it anew makes it listen again and again.
 */
static void
watch_end(struct child *c, sd_event *event)
{
	event_must(sd_event_add_child(
		       event, &c->exited, c->pid, WEXITED, on_exit_of_child, c),
	    "watch child");
	event_must(sd_event_source_set_enabled(c->exited, SD_EVENT_OFF),
	    "watch child");
	event_must(
	    sd_event_source_set_enabled(c->exited, SD_EVENT_ON), "watch child");
}

struct child *
child_new(sd_event *event, enum child_kind kind, char *argument, int channel,
    int spool, int lock, const char *label, child_ended_fn *ended,
    void *context)
{
	const int fds[CHILD_FD_COUNT] = {[CHILD_CHANNEL] = channel,
	    [CHILD_SPOOL] = spool,
	    [CHILD_LOCK] = lock};
	struct child *c;
	int log_ends[2];
	pid_t pid;

	if (pipe2(log_ends, O_CLOEXEC) < 0) {
		log_error("cannot start a process: %s", strerror(errno));
		return NULL;
	}
	pid = fork();
	if (pid == 0)
		become(kind, argument, log_ends[1], fds);
	close(log_ends[1]);
	if (pid < 0) {
		log_error("cannot start a process: %s", strerror(errno));
		close(log_ends[0]);
		return NULL;
	}
	c = alloc_zeroed(sizeof(*c));
	c->pid = pid;
	c->log_fd = log_ends[0];
	c->label = alloc_copy(label, strlen(label));
	c->ended = ended;
	c->context = context;
	buf_init(&c->line);
	fcntl(c->log_fd, F_SETFL, O_NONBLOCK);
	event_must(
	    sd_event_add_io(event, &c->log, c->log_fd, EPOLLIN, on_log, c),
	    "log of child");
	watch_end(c, event);
	return c;
}

void
child_kill(struct child *c, int signal)
{
	kill(c->pid, signal);
}

void
child_free(struct child *c)
{
	if (!c)
		return;
	kill(c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	release(c);
}
