/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "flushd/child.h"
#include "flushd/event.h"
#include "flushd/minder.h"

enum {
	/* A worker says every 10 s that it is alive, see pulse.h. */
	SILENCE_MAX_MS = 50 * 1000,
	SITE_SHOWN_MAX = 256,
};

struct minder {
	struct minder_host host;
	struct child *worker;
	int channel; /* to it; -1: nothing more is said or heard */
	sd_event_source *channel_io;
	sd_event_source *silence_timer; /* it must say something until then */
	bool is_leaving;		/* it has been told to */
	bool has_said_why;		/* what went wrong */
};

/* ---- talking to it ------------------------------------------------- */

static void
close_channel(struct minder *m)
{
	m->channel_io = sd_event_source_unref(m->channel_io);
	if (m->channel >= 0)
		close(m->channel);
	m->channel = -1;
}

/* It is gone, or deaf, or talks nonsense; its end will be seen to. */
static void
give_up(struct minder *m)
{
	close_channel(m);
	if (m->worker)
		child_kill(m->worker, SIGKILL);
}

static void
say(struct minder *m, struct channel_message *word, const char *text, int fd)
{
	if (!m || m->channel < 0 || m->is_leaving)
		return;
	snprintf(word->text, sizeof(word->text), "%s", text);
	if (channel_send(m->channel, word, fd) < 0)
		give_up(m);
}

void
minder_tell(struct minder *m, enum channel_kind kind, const char *text)
{
	struct channel_message word = {.kind = kind};

	say(m, &word, text, -1);
}

void
minder_lend(struct minder *m, int line, const char *relay, int fd)
{
	struct channel_message word = {.kind = CHANNEL_RELAY, .line = line};

	say(m, &word, relay, fd);
}

void
minder_let_go(struct minder *m)
{
	m->is_leaving = true;
	if (m->channel >= 0)
		shutdown(m->channel, SHUT_WR);
}

bool
minder_is_leaving(const struct minder *m)
{
	return m->is_leaving;
}

void
minder_kill(struct minder *m)
{
	if (m)
		give_up(m);
}

static int
on_silence(sd_event_source *source, uint64_t usec, void *context)
{
	struct minder *m = context;

	(void)source;
	(void)usec;
	m->host.silent(m->host.context, SILENCE_MAX_MS / 1000);
	give_up(m);
	return 0;
}

static void
pass_on(struct minder *m, const struct channel_message *word)
{
	if (word->kind == CHANNEL_COUNTS)
		m->has_said_why |= word->settled.words[0] != '\0';
	m->host.heard(m->host.context, word);
}

static int
on_channel(sd_event_source *source, int channel, uint32_t events, void *context)
{
	struct minder *m = context;
	struct channel_message word;
	int rc = channel_receive(channel, &word, NULL);

	(void)source;
	(void)events;
	if (rc == -EAGAIN || rc == -EINTR)
		return 0;
	if (rc < 0) {
		give_up(m);
		return 0;
	}
	event_timer_set(m->silence_timer, SILENCE_MAX_MS);
	pass_on(m, &word);
	return 0;
}

/* ---- its end ------------------------------------------------------- */

static void
release(struct minder *m)
{
	close_channel(m);
	sd_event_source_unref(m->silence_timer);
	free(m);
}

/* What it asked for it needs no more. */
static void
take_last_words(struct minder *m)
{
	struct channel_message word;

	while (
	    m->channel >= 0 && channel_receive(m->channel, &word, NULL) == 0) {
		if (word.kind == CHANNEL_ENDS_AT || word.kind == CHANNEL_COUNTS)
			pass_on(m, &word);
	}
}

static bool
has_exited(int status, enum child_exit with)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == (int)with;
}

/* LMDB checks no page: what kills a worker is most likely the file. */
static void
add_words(struct buf *words, int status)
{
	if (!WIFSIGNALED(status))
		buf_add_str(words, "worker failed");
	else if (WTERMSIG(status) == SIGSYS)
		buf_add_str(words,
		    "worker was killed: it made a forbidden system call");
	else
		buf_add_format(words,
		    "worker ended by signal %d (%s), perhaps the spool is "
		    "damaged",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
}

static void
on_ended(void *context, int status)
{
	struct minder *m = context;
	const struct minder_host host = m->host;
	struct minder_end end = {
	    .is_relay_down = has_exited(status, CHILD_EXIT_RELAY_DOWN),
	    .was_leaving = m->is_leaving};
	struct buf words = BUF_INIT;

	m->worker = NULL;
	take_last_words(m);
	end.is_well = end.is_relay_down || has_exited(status, CHILD_EXIT_DONE);
	end.is_explained = WIFEXITED(status) && m->has_said_why;
	add_words(&words, status);
	end.words = words.data;
	release(m);
	host.ended(host.context, &end);
	buf_release(&words);
}

/* ---- its birth ----------------------------------------------------- */

/* Open the channel, with the first word in it: the worker's end, or -errno. */
static int
open_channel(struct minder *m, const struct minder_task *task)
{
	const struct channel_message word = {.kind = CHANNEL_POLICY,
	    .policy = *task->policy,
	    .rate = *task->rate,
	    .refused_mark = *task->refused_mark};
	int ends[2];
	int rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	rc = channel_send(ends[0], &word, -1);
	if (rc < 0) {
		close(ends[0]);
		close(ends[1]);
		return rc;
	}
	m->channel = ends[0];
	return ends[1];
}

static struct child *
new_child(struct minder *m, sd_event *event, const struct minder_task *task,
    int channel)
{
	struct buf label = BUF_INIT;
	char caution[CAUTION_TEXT_MAX];
	struct child *c;

	buf_add_str(&label, "site=");
	log_escape(&label, task->site, strlen(task->site), SITE_SHOWN_MAX);
	c = child_new(event, CHILD_WORKER,
	    caution_format(task->caution, caution), channel,
	    task->spool->dir_fd, task->spool->lock_fd, label.data, on_ended, m);
	buf_release(&label);
	return c;
}

/* False: could not, and why is in the log. */
static bool
start(struct minder *m, sd_event *event, const struct minder_task *task)
{
	int other_end = open_channel(m, task);

	if (other_end < 0) {
		log_error("cannot start a worker: %s", strerror(-other_end));
		return false;
	}
	m->worker = new_child(m, event, task, other_end);
	close(other_end);
	return m->worker != NULL;
}

struct minder *
minder_new(sd_event *event, const struct minder_task *task,
    const struct minder_host *host)
{
	struct minder *m = alloc_zeroed(sizeof(*m));

	m->host = *host;
	m->channel = -1;
	if (!start(m, event, task)) {
		release(m);
		return NULL;
	}
	m->silence_timer = event_timer_new(event, on_silence, m);
	event_timer_set(m->silence_timer, SILENCE_MAX_MS);
	event_must(sd_event_add_io(event, &m->channel_io, m->channel, EPOLLIN,
		       on_channel, m),
	    "channel");
	return m;
}

void
minder_free(struct minder *m)
{
	if (!m)
		return;
	child_free(m->worker);
	release(m);
}
