/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flushd/channel.h"

/* Room for one descriptor beside the message. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int
channel_send(int channel, const struct channel_message *m, int fd)
{
	struct iovec part = {
	    .iov_base = &(struct channel_message){0}, .iov_len = sizeof(*m)};
	union control control = {0};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};

	memcpy(part.iov_base, m, sizeof(*m));
	if (fd >= 0) {
		struct cmsghdr *c = &control.align;

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
		packet.msg_control = control.bytes;
		packet.msg_controllen = sizeof(control.bytes);
	}
	return sendmsg(channel, &packet, MSG_NOSIGNAL | MSG_DONTWAIT) < 0
		   ? -errno
		   : 0;
}

/* The descriptor in a packet, or -1. */
static int
take_fd(struct msghdr *packet)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(packet);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

int
channel_receive(int channel, struct channel_message *m, int *fd)
{
	struct channel_message got = {0};
	struct iovec part = {.iov_base = &got, .iov_len = sizeof(got)};
	union control control = {0};
	struct msghdr packet = {
	    .msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = fd ? control.bytes : NULL,
	    /* Not what it is padded to: there would be room for a second
	     * descriptor, which nobody would close. */
	    .msg_controllen = fd ? CMSG_LEN(sizeof(int)) : 0,
	};
	ssize_t n = recvmsg(channel, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int got_fd;

	if (n < 0)
		return -errno;
	got_fd = fd ? take_fd(&packet) : -1;
	if (n != sizeof(got) || (packet.msg_flags & MSG_TRUNC) ||
	    (unsigned int)got.kind >= CHANNEL_KIND_COUNT) {
		if (got_fd >= 0)
			close(got_fd);
		return n == 0 ? -EPIPE : -EPROTO;
	}
	got.text[sizeof(got.text) - 1] = '\0';
	*m = got;
	if (fd)
		*fd = got_fd;
	return 0;
}
