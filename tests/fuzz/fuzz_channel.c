/* SPDX-License-Identifier: ISC */
/*
 * A packet of a worker to its supervisor, over a real socket: the first byte
 * chooses how many descriptors come with it and whether any is expected, the
 * rest is the packet. What is taken is whole, and no descriptor is left open.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "flushd/channel.h"
#include "fuzz/fuzz.h"

enum { FDS_MAX = 3 };

static void
send_packet(int channel, struct fuzz_input packet, size_t fd_count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = {0};
	struct iovec part = {(void *)(uintptr_t)packet.at, packet.len};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd_count > 0) {
		struct cmsghdr *c = &control.align;

		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		for (size_t i = 0; i < fd_count; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &channel,
			    sizeof(int));
	}
	FUZZ_CHECK(sendmsg(channel, &m, MSG_NOSIGNAL | MSG_DONTWAIT) ==
		   (ssize_t)packet.len);
}

static int
lowest_free_fd(void)
{
	int fd = dup(STDERR_FILENO);

	FUZZ_CHECK(fd >= 0);
	close(fd);
	return fd;
}

static void
check_message(const struct channel_message *m, struct fuzz_input packet)
{
	struct channel_message want;

	FUZZ_CHECK(packet.len == sizeof(want));
	memcpy(&want, packet.at, sizeof(want));
	want.text[sizeof(want.text) - 1] = '\0';
	FUZZ_CHECK((unsigned int)m->kind < CHANNEL_KIND_COUNT);
	FUZZ_CHECK(memchr(m->text, '\0', sizeof(m->text)) != NULL);
	FUZZ_CHECK(memcmp(m, &want, sizeof(want)) == 0);
}

static void
receive(int channel, struct fuzz_input packet, bool wants_fd, size_t fd_count)
{
	struct channel_message untouched;
	struct channel_message m;
	int fd = -7;
	int rc;

	memset(&m, 0xa5, sizeof(m));
	memset(&untouched, 0xa5, sizeof(untouched));
	rc = channel_receive(channel, &m, wants_fd ? &fd : NULL);
	if (rc == 0) {
		check_message(&m, packet);
		FUZZ_CHECK(wants_fd ? fd >= -1 : fd == -7);
		FUZZ_CHECK(!wants_fd || fd_count > 0 || fd == -1);
		FUZZ_CHECK(!wants_fd || fd_count != 1 || fd >= 0);
		if (fd >= 0)
			close(fd);
	} else {
		FUZZ_CHECK(rc == -EPROTO || (rc == -EPIPE && packet.len == 0));
		FUZZ_CHECK(memcmp(&m, &untouched, sizeof(m)) == 0 && fd == -7);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	const unsigned char chosen = fuzz_byte(&in);
	const size_t fd_count = chosen % (FDS_MAX + 1);
	int before;
	int pair[2];

	FUZZ_CHECK(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	before = lowest_free_fd();
	send_packet(pair[0], in, fd_count);
	receive(pair[1], in, chosen & 4, fd_count);
	FUZZ_CHECK(lowest_free_fd() == before);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
