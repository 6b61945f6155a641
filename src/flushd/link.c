/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "flushd/deadline.h"
#include "flushd/event.h"
#include "flushd/link.h"

enum {
	READ_STEP = 16 * 1024,
	/* Text is gathered up to here, so that a small message and its final
	 * dot leave in one packet. */
	OUTPUT_ENOUGH = 32 * 1024,
};

struct link {
	sd_event *event;
	int fd;
	struct smtp *smtp;
	sd_event_source *io;
	sd_event_source *timer;
	struct deadline deadline;
	link_ready_fn *ready;
	void *context;
	bool is_in_ready;  /* ready runs, */
	bool is_abandoned; /* and called link_free() */
};

/* is_blocked: for output to be written. */
static void
keep_deadline(struct link *l, bool is_blocked)
{
	const int64_t now_ms = clock_boot_ms();
	struct deadline *d = &l->deadline;

	if (deadline_follow(d, l->smtp, is_blocked, now_ms))
		event_timer_set(l->timer, d->phase ? d->due_ms - now_ms : -1);
}

/* Read what there is, up to a piece of it: true if there was something. */
static bool
read_input(struct link *l)
{
	char data[READ_STEP];
	ssize_t n = recv(l->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n > 0)
		smtp_input(l->smtp, data, (size_t)n);
	else if (n == 0)
		smtp_lost(l->smtp, "connection closed by the relay");
	else if (errno != EAGAIN && errno != EINTR)
		smtp_lost(l->smtp, strerror(errno));
	return n > 0;
}

/* Write what there is. True when all of it is out. */
static bool
write_output(struct link *l)
{
	const char *data;
	size_t len;

	while ((len = smtp_output(l->smtp, &data)) > 0) {
		ssize_t n = send(l->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0) {
			int error = errno;

			/* Its last words may say why. */
			while (read_input(l))
				;
			smtp_lost(l->smtp, strerror(error));
			return true;
		}
		smtp_written(l->smtp, (size_t)n);
	}
	return true;
}

static void
watch(struct link *l, uint32_t events)
{
	event_must(sd_event_source_set_io_events(l->io, events), "watch relay");
}

static bool
wants_more_text(const struct link *l)
{
	const char *data;

	return smtp_want(l->smtp) == SMTP_WANT_TEXT &&
	       smtp_output(l->smtp, &data) < OUTPUT_ENOUGH;
}

/* Let the user have its turn. False: there is nothing more to do for now. */
static bool
call_ready(struct link *l)
{
	bool is_begun;

	l->is_in_ready = true;
	is_begun = l->ready(l->context);
	l->is_in_ready = false;
	if (!l->is_abandoned)
		return is_begun;
	link_free(l);
	return false;
}

/* Go as far as it goes without waiting. */
static void
run(struct link *l)
{
	do {
		if (!wants_more_text(l) && !write_output(l)) {
			watch(l, EPOLLIN | EPOLLOUT);
			keep_deadline(l, true);
			return;
		}
		keep_deadline(l, false);
		if (smtp_want(l->smtp) == SMTP_WANT_REPLY) {
			watch(l, EPOLLIN);
			return;
		}
		watch(l, smtp_want(l->smtp) == SMTP_WANT_NOTHING ? 0 : EPOLLIN);
	} while (call_ready(l));
}

static int
on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct link *l = context;

	(void)source;
	(void)fd;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_input(l);
	run(l);
	return 0;
}

static int
on_deadline(sd_event_source *source, uint64_t usec, void *context)
{
	struct link *l = context;

	(void)source;
	(void)usec;
	smtp_lost(l->smtp, "timed out");
	run(l);
	return 0;
}

struct link *
link_new(sd_event *event, int fd, const char *helo_name, link_ready_fn *ready,
    void *context)
{
	struct link *l = alloc_zeroed(sizeof(*l));

	l->event = event;
	l->fd = fd;
	l->smtp = smtp_new(helo_name);
	l->ready = ready;
	l->context = context;
	event_must(sd_event_add_io(event, &l->io, fd, EPOLLIN, on_io, l),
	    "watch relay");
	l->timer = event_timer_new(event, on_deadline, l);
	keep_deadline(l, false);
	return l;
}

void
link_go_on(struct link *l)
{
	run(l);
}

void
link_free(struct link *l)
{
	if (!l)
		return;
	if (l->is_in_ready) {
		l->is_abandoned = true; /* run() is still at work on it */
		return;
	}
	if (smtp_want(l->smtp) == SMTP_WANT_MESSAGE) {
		smtp_quit(l->smtp);
		write_output(l);
	}
	sd_event_source_unref(l->io);
	sd_event_source_unref(l->timer);
	smtp_free(l->smtp);
	close(l->fd);
	free(l);
}

struct smtp *
link_smtp(struct link *l)
{
	return l->smtp;
}
