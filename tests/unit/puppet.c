/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "flushd/child.h"
#include "unit/puppet.h"

#define NAME "puppet"

enum { PATIENCE_MS = 30 * 1000 };

/* ---- the process --------------------------------------------------- */

static int
prober(void)
{
	struct pollfd relay = {.fd = CHILD_CHANNEL, .events = POLLIN};
	char verdict = 0;

	poll(&relay, 1, -1);
	return read(CHILD_CHANNEL, &verdict, 1) == 1 && verdict == 'u'
		   ? CHILD_EXIT_DONE
		   : CHILD_EXIT_FAILED;
}

static int
worker(void)
{
	const struct sockaddr_un address = {
	    .sun_family = AF_UNIX, .sun_path = "/proc/self/fd/4/" NAME};
	const struct channel_message hello = {0};
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int status = 0;

	if (connect(s, (const struct sockaddr *)&address, sizeof(address)) <
		0 ||
	    channel_send(s, &hello, CHILD_CHANNEL) < 0)
		return EXIT_FAILURE;
	/* Its end is now the test's alone. */
	close(CHILD_CHANNEL);
	if (read(s, &status, sizeof(status)) != sizeof(status))
		return EXIT_FAILURE;
	if (status < 0)
		raise(-status);
	return status;
}

int
puppet_main(const char *argument)
{
	return strcmp(argument, child_argument_prober) == 0 ? prober()
							    : worker();
}

/* ---- the strings --------------------------------------------------- */

int
puppet_listen(const char *dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int s =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/" NAME, dir);
	ck_assert_int_eq(
	    bind(s, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(s, 8), 0);
	return s;
}

static void
receive(int s, struct channel_message *m, int *fd)
{
	struct pollfd readable = {.fd = s, .events = POLLIN};

	ck_assert_int_eq(poll(&readable, 1, PATIENCE_MS), 1);
	ck_assert_int_eq(channel_receive(s, m, fd), 0);
}

bool
puppet_meet(int listener, struct puppet *p)
{
	int s = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct channel_message m;

	if (s < 0)
		return false;
	puppet_release(p);
	p->strings = s;
	receive(s, &m, &p->channel);
	ck_assert_int_ge(p->channel, 0);
	receive(p->channel, &m, NULL);
	ck_assert_int_eq(m.kind, CHANNEL_POLICY);
	p->policy = m.policy;
	return true;
}

bool
puppet_is_alive(const struct puppet *p)
{
	char byte;

	return p->strings >= 0 &&
	       recv(p->strings, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       errno == EAGAIN;
}

void
puppet_say(const struct puppet *p, const struct channel_message *m)
{
	ck_assert_int_eq(channel_send(p->channel, m, -1), 0);
}

void
puppet_say_nonsense(const struct puppet *p)
{
	ck_assert_int_eq(send(p->channel, "!", 1, MSG_NOSIGNAL), 1);
}

void
puppet_end(const struct puppet *p, int status)
{
	ck_assert_int_eq(
	    send(p->strings, &status, sizeof(status), MSG_NOSIGNAL),
	    sizeof(status));
}

void
puppet_release(struct puppet *p)
{
	if (p->strings >= 0)
		close(p->strings);
	if (p->channel >= 0)
		close(p->channel);
	p->strings = p->channel = -1;
}
