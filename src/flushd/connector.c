/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "flushd/connector.h"
#include "flushd/event.h"

struct connector {
	int fd;
	int error; /* of connect(), when it failed at once */
	sd_event_source *io;
	sd_event_source *timer;
	connector_done_fn *done;
	void *context;
};

void
connector_free(struct connector *c)
{
	if (!c)
		return;
	sd_event_source_unref(c->io);
	sd_event_source_unref(c->timer);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

static void
finish(struct connector *c, int error)
{
	connector_done_fn *done = c->done;
	void *context = c->context;
	int result = error;

	if (error == 0) {
		result = c->fd;
		c->fd = -1;
	}
	connector_free(c);
	done(context, result);
}

static int
on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
	socklen_t len = sizeof(int);
	int error = 0;

	(void)source;
	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	finish(context, -error);
	return 0;
}

static int
on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct connector *c = context;

	(void)source;
	(void)usec;
	finish(c, c->error ? c->error : -ETIMEDOUT);
	return 0;
}

struct connector *
connector_new(sd_event *event, const struct relay *relay,
    connector_done_fn *done, void *context)
{
	struct connector *c = alloc_zeroed(sizeof(*c));
	const int on = 1;

	c->done = done;
	c->context = context;
	c->timer = event_timer_new(event, on_timer, c);
	c->fd = socket(relay->address.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    (connect(c->fd, (const struct sockaddr *)&relay->address,
		 relay->address_len) < 0 &&
		errno != EINPROGRESS))
		c->error = -errno;
	if (c->error == 0) {
		/* What is written is meant to go: no waiting for an ACK. */
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		event_must(
		    sd_event_add_io(event, &c->io, c->fd, EPOLLOUT, on_io, c),
		    "watch connection");
	}
	/* A failure is told from the loop too, never from within this call. */
	event_timer_set(c->timer, c->error ? 0 : CONNECTOR_TIMEOUT_MS);
	return c;
}
