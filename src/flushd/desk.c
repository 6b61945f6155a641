/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/local.h"
#include "base/log.h"
#include "flushd/answer.h"
#include "flushd/desk.h"
#include "flushd/event.h"

/* When no more descriptors are to be had. */
enum { PAUSE_MS = 1000 };

struct client {
	struct desk *desk;
	uid_t uid;
	int fd;
	sd_event_source *io;
	sd_event_source *deadline;
	char request[DESK_REQUEST_MAX];
	size_t request_len;
	char at[DESK_NAME_SIZE]; /* how far the answer has come */
	struct buf answer;	 /* what was not yet sent of it */
	bool is_answered;	 /* that is the rest */
};

struct desk {
	sd_event *event;
	struct desk_host host;
	char *path;
	int fd;
	sd_event_source *io;
	sd_event_source *pause;			  /* in listening */
	struct client *clients[DESK_CLIENTS_MAX]; /* the first of them */
	size_t client_count;
};

/* ---- who and what -------------------------------------------------- */

enum desk_verdict
desk_judge(uid_t uid, bool has_site, size_t guest_count, size_t his_count)
{
	if (uid == 0)
		return DESK_ADMIT;
	if (!has_site)
		return DESK_STRANGER;
	if (guest_count >= DESK_GUESTS_MAX ||
	    his_count >= DESK_GUESTS_OF_USER_MAX)
		return DESK_CROWDED;
	return DESK_ADMIT;
}

enum desk_request
desk_parse(const char *data, size_t len)
{
	static const char status[] = "status";
	const char *end = memchr(data, '\n', len);
	size_t line_len;

	if (!end)
		return len < DESK_REQUEST_MAX ? DESK_PARTIAL : DESK_UNKNOWN;
	line_len = (size_t)(end - data);
	if (line_len == strlen(status) && memcmp(data, status, line_len) == 0)
		return DESK_STATUS;
	return DESK_UNKNOWN;
}

/* ---- clients ------------------------------------------------------- */

static void
listen_on(struct desk *d, bool is_on)
{
	event_must(sd_event_source_set_enabled(
		       d->io, is_on ? SD_EVENT_ON : SD_EVENT_OFF),
	    "status socket");
}

static void
close_client(struct client *c)
{
	struct desk *d = c->desk;

	for (size_t i = 0; i < d->client_count; i++)
		if (d->clients[i] == c) {
			d->clients[i] = d->clients[--d->client_count];
			break;
		}
	sd_event_source_unref(c->io);
	sd_event_source_unref(c->deadline);
	close(c->fd);
	buf_release(&c->answer);
	free(c);
}

static void
hang_up(struct client *c)
{
	struct desk *d = c->desk;

	close_client(c);
	listen_on(d, true);
}

/* Send what can be sent without waiting: 1 if that is all, 0, or -errno. */
static int
send_answer(struct client *c)
{
	struct desk *d = c->desk;
	ssize_t n;

	/* No more than a piece: others have their turn before the next. */
	if (c->answer.len == 0 && !c->is_answered)
		c->is_answered =
		    !d->host.answer(d->host.context, c->uid, c->at, &c->answer);
	n = send(
	    c->fd, c->answer.data, c->answer.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	buf_consume(&c->answer, (size_t)n);
	return c->answer.len == 0 && c->is_answered;
}

static void
go_on_answering(struct client *c)
{
	if (send_answer(c) != 0)
		hang_up(c);
}

static void
take_request(struct client *c)
{
	ssize_t n = recv(c->fd, c->request + c->request_len,
	    sizeof(c->request) - c->request_len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(c);
		return;
	}
	c->request_len += (size_t)n;
	switch (desk_parse(c->request, c->request_len)) {
	case DESK_PARTIAL:
		return;
	case DESK_STATUS:
		break;
	case DESK_UNKNOWN:
	default:
		answer_add_error(&c->answer, "there is no such request");
		c->is_answered = true;
		break;
	}
	event_must(
	    sd_event_source_set_io_events(c->io, EPOLLOUT), "status client");
	go_on_answering(c);
}

static int
on_client(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct client *c = context;
	uint32_t wanted = 0;

	(void)fd;
	(void)events;
	event_must(
	    sd_event_source_get_io_events(source, &wanted), "status client");
	if (wanted & EPOLLOUT)
		go_on_answering(c);
	else
		take_request(c);
	return 0;
}

static int
on_deadline(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	hang_up(context);
	return 0;
}

/* Mail comes first. */
static void
defer_to_mail(sd_event_source *source)
{
	event_must(sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE),
	    "status client");
}

static void
add_client(struct desk *d, int fd, uid_t uid)
{
	struct client *c = alloc_zeroed(sizeof(*c));

	c->desk = d;
	c->uid = uid;
	c->fd = fd;
	buf_init(&c->answer);
	event_must(sd_event_add_io(d->event, &c->io, fd, EPOLLIN, on_client, c),
	    "status client");
	defer_to_mail(c->io);
	c->deadline = event_timer_new(d->event, on_deadline, c);
	event_timer_set(c->deadline, DESK_TIMEOUT_MS);
	d->clients[d->client_count++] = c;
	if (d->client_count >= DESK_CLIENTS_MAX)
		listen_on(d, false);
}

/* ---- callers ------------------------------------------------------- */

static enum desk_verdict
judge(const struct desk *d, uid_t uid)
{
	size_t guest_count = 0;
	size_t his_count = 0;

	for (size_t i = 0; i < d->client_count; i++) {
		guest_count += d->clients[i]->uid != 0;
		his_count += d->clients[i]->uid == uid;
	}
	if (d->client_count >= DESK_CLIENTS_MAX)
		return DESK_CROWDED;
	return desk_judge(uid, d->host.has_site(d->host.context, uid),
	    guest_count, his_count);
}

/* Say why, if there is room for that, and hang up. */
static void
refuse(int fd, const char *why)
{
	struct buf line = BUF_INIT;

	answer_add_error(&line, why);
	/* If that does not go through, nothing is lost. */
	if (send(fd, line.data, line.len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		shutdown(fd, SHUT_WR);
	buf_release(&line);
	close(fd);
}

static void
receive_caller(struct desk *d, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
		close(fd);
		return;
	}
	switch (judge(d, peer.uid)) {
	case DESK_ADMIT:
		add_client(d, fd, peer.uid);
		return;
	case DESK_CROWDED:
		refuse(fd, "too many ask at once; try again");
		return;
	case DESK_STRANGER:
	default:
		refuse(fd, "not allowed: only root, and users who own a site");
		return;
	}
}

static int
on_caller(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct desk *d = context;
	int caller = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)events;
	if (caller >= 0) {
		receive_caller(d, caller);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		listen_on(d, false);
		event_timer_set(d->pause, PAUSE_MS);
	}
	return 0;
}

static int
on_pause_over(sd_event_source *source, uint64_t usec, void *context)
{
	struct desk *d = context;

	(void)source;
	(void)usec;
	if (d->client_count < DESK_CLIENTS_MAX)
		listen_on(d, true);
	return 0;
}

/* ---- life ---------------------------------------------------------- */

static int
make_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int rc = 0;

	if (!slash || slash == path)
		return 0;
	dir = alloc_copy(path, (size_t)(slash - path));
	/* All may enter, whatever the umask is. */
	if (mkdir(dir, 0755) == 0)
		rc = chmod(dir, 0755) < 0 ? -errno : 0;
	else if (errno != EEXIST)
		rc = -errno;
	free(dir);
	return rc;
}

static const char *
listen_error(int rc)
{
	return rc == -EADDRINUSE ? "another flushd answers there"
	       : rc == -EEXIST	 ? "there is something that is not ours"
				 : strerror(-rc);
}

int
desk_new(sd_event *event, const char *path, const struct desk_host *host,
    struct desk **out)
{
	struct desk *d;
	int rc = make_directory(path);

	if (rc == 0)
		rc = local_listen(path);
	if (rc < 0) {
		log_error(
		    "status_socket = %s: %s; nobody can ask for the status",
		    path, listen_error(rc));
		return rc;
	}
	d = alloc_zeroed(sizeof(*d));
	d->event = event;
	d->host = *host;
	d->path = alloc_copy(path, strlen(path));
	d->fd = rc;
	event_must(sd_event_add_io(event, &d->io, d->fd, EPOLLIN, on_caller, d),
	    "status socket");
	defer_to_mail(d->io);
	d->pause = event_timer_new(event, on_pause_over, d);
	*out = d;
	return 0;
}

void
desk_free(struct desk *d)
{
	if (!d)
		return;
	unlink(d->path);
	while (d->client_count > 0)
		close_client(d->clients[d->client_count - 1]);
	sd_event_source_unref(d->io);
	sd_event_source_unref(d->pause);
	close(d->fd);
	free(d->path);
	free(d);
}

const char *
desk_path(const struct desk *d)
{
	return d->path;
}
