/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flushd/channel.h"
#include "unit/suites.h"

static int ends[2];

static void
open_channel(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
}

static void
close_channel(void)
{
	close(ends[0]);
	close(ends[1]);
}

START_TEST(a_message_arrives_as_it_was_sent)
{
	struct channel_message sent = {.kind = CHANNEL_IDLE,
	    .next_due_ms = INT64_MAX,
	    .depth = {.bytes = UINT64_MAX},
	    .text = "words"};
	struct channel_message got;
	int fd;

	ck_assert_int_eq(channel_send(ends[0], &sent, -1), 0);
	ck_assert_int_eq(channel_receive(ends[1], &got, &fd), 0);
	ck_assert_int_eq(memcmp(&got, &sent, sizeof(got)), 0);
	ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(a_descriptor_arrives_as_the_same_file)
{
	struct channel_message m = {.kind = CHANNEL_RELAY};
	struct stat here, there;
	int pipe_ends[2];
	int fd;

	ck_assert_int_eq(pipe(pipe_ends), 0);
	ck_assert_int_eq(channel_send(ends[0], &m, pipe_ends[0]), 0);
	ck_assert_int_eq(channel_receive(ends[1], &m, &fd), 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fd, pipe_ends[0]);
	ck_assert_int_eq(fstat(pipe_ends[0], &here), 0);
	ck_assert_int_eq(fstat(fd, &there), 0);
	ck_assert_uint_eq(here.st_ino, there.st_ino);
	close(fd);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}
END_TEST

/* Send a message, cut to len, with two descriptors; channel_send() cannot. */
static void
send_two_descriptors(size_t len)
{
	struct channel_message m = {.kind = CHANNEL_IDLE};
	struct iovec part = {.iov_base = &m, .iov_len = len};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	struct msghdr packet = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(&control.align), ends, sizeof(ends));
	ck_assert_int_eq(sendmsg(ends[0], &packet, 0), (ssize_t)len);
}

START_TEST(descriptors_that_nobody_wants_are_not_kept)
{
	const int next_free = dup(0);
	struct channel_message m;
	int fd;

	close(next_free);
	send_two_descriptors(sizeof(m));
	ck_assert_int_eq(channel_receive(ends[1], &m, NULL), 0);
	fd = dup(0);
	ck_assert_int_eq(fd, next_free);
	close(fd);
}
END_TEST

START_TEST(of_two_descriptors_the_first_is_taken_and_none_is_lost)
{
	const int next_free = dup(0);
	struct channel_message m;
	int fd = -1;

	close(next_free);
	send_two_descriptors(sizeof(m));
	ck_assert_int_eq(channel_receive(ends[1], &m, &fd), 0);
	ck_assert_int_eq(fd, next_free);
	close(fd);
	fd = dup(0);
	ck_assert_int_eq(fd, next_free);
	close(fd);
}
END_TEST

START_TEST(a_descriptor_without_a_message_is_not_kept)
{
	const int next_free = dup(0);
	const bool is_empty = _i == 0;
	struct channel_message m;
	int fd = -1;

	close(next_free);
	send_two_descriptors(is_empty ? 0 : 7);
	ck_assert_int_eq(
	    channel_receive(ends[1], &m, &fd), is_empty ? -EPIPE : -EPROTO);
	ck_assert_int_eq(fd, -1);
	fd = dup(0);
	ck_assert_int_eq(fd, next_free);
	close(fd);
}
END_TEST

START_TEST(a_side_that_does_not_read_is_not_waited_for)
{
	struct channel_message m = {.kind = CHANNEL_IDLE};
	int rc = 0;

	for (int n = 0; rc == 0 && n < 1000000; n++)
		rc = channel_send(ends[0], &m, -1);
	ck_assert_int_eq(rc, -EAGAIN);
}
END_TEST

START_TEST(nothing_to_receive_does_not_wait)
{
	struct channel_message m;
	int fd;

	ck_assert_int_eq(channel_receive(ends[1], &m, &fd), -EAGAIN);
}
END_TEST

START_TEST(the_other_side_gone_is_the_end)
{
	struct channel_message m = {.kind = CHANNEL_IDLE};
	int fd;

	close(ends[0]);
	ck_assert_int_eq(channel_receive(ends[1], &m, &fd), -EPIPE);
	ck_assert_int_eq(channel_send(ends[1], &m, -1), -EPIPE);
	ends[0] = dup(ends[1]); /* for the fixture */
}
END_TEST

START_TEST(a_packet_of_another_length_is_refused)
{
	static const size_t lengths[] = {1, sizeof(struct channel_message) - 1,
	    sizeof(struct channel_message) + 1};
	char bytes[sizeof(struct channel_message) + 1] = {0};
	struct channel_message m;
	size_t len = lengths[_i];
	int fd;

	ck_assert_int_eq(send(ends[0], bytes, len, 0), (ssize_t)len);
	ck_assert_int_eq(channel_receive(ends[1], &m, &fd), -EPROTO);
}
END_TEST

START_TEST(a_kind_that_is_none_is_refused)
{
	static const int kinds[] = {CHANNEL_KIND_COUNT, -1, 1 << 30};
	struct channel_message m = {0};
	int fd;

	memcpy(&m.kind, &kinds[_i], sizeof(int));
	ck_assert_int_eq(send(ends[0], &m, sizeof(m), 0), sizeof(m));
	ck_assert_int_eq(channel_receive(ends[1], &m, &fd), -EPROTO);
}
END_TEST

START_TEST(text_without_an_end_gets_one)
{
	struct channel_message m = {.kind = CHANNEL_COMPLAINT};
	int fd;

	memset(m.text, 'x', sizeof(m.text));
	ck_assert_int_eq(send(ends[0], &m, sizeof(m), 0), sizeof(m));
	ck_assert_int_eq(channel_receive(ends[1], &m, &fd), 0);
	ck_assert_uint_eq(strnlen(m.text, sizeof(m.text)), sizeof(m.text) - 1);
}
END_TEST

Suite *
channel_suite(void)
{
	Suite *s = suite_create("channel");
	TCase *t = tcase_create("channel");

	tcase_add_checked_fixture(t, open_channel, close_channel);
	tcase_add_test(t, a_message_arrives_as_it_was_sent);
	tcase_add_test(t, a_descriptor_arrives_as_the_same_file);
	tcase_add_test(t, descriptors_that_nobody_wants_are_not_kept);
	tcase_add_test(
	    t, of_two_descriptors_the_first_is_taken_and_none_is_lost);
	tcase_add_loop_test(
	    t, a_descriptor_without_a_message_is_not_kept, 0, 2);
	tcase_add_test(t, a_side_that_does_not_read_is_not_waited_for);
	tcase_add_test(t, nothing_to_receive_does_not_wait);
	tcase_add_test(t, the_other_side_gone_is_the_end);
	tcase_add_loop_test(t, a_packet_of_another_length_is_refused, 0, 3);
	tcase_add_loop_test(t, a_kind_that_is_none_is_refused, 0, 3);
	tcase_add_test(t, text_without_an_end_gets_one);
	suite_add_tcase(s, t);
	return s;
}
