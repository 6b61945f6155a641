/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "unit/stage.h"

enum { PATIENCE_MS = 20 * 1000, STEP_USEC = 2000 };

/* The relay's end of a connection. */
struct peer {
	int fd; /* -1: closed */
	unsigned int mood;
	bool has_greeted;
	bool is_in_text;
	bool is_behind_dot; /* and has not answered */
	struct buf line;
};

struct dispatch *stage_dispatch;
struct policy stage_policy;
struct caution stage_caution;
size_t stage_taken[CHANNEL_LINES];
unsigned int stage_wishes;

static sd_event *event;
static int supervisor;
static struct peer peers[CHANNEL_LINES];
static struct channel_message word; /* the last that counts */
static bool has_word;

/* ---- the relay ----------------------------------------------------- */

static void
hang_up(struct peer *p)
{
	close(p->fd);
	p->fd = -1;
}

static void
say(struct peer *p, const char *text)
{
	if (send(p->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		hang_up(p);
}

static void
end_text(struct peer *p)
{
	p->is_behind_dot = (p->mood & STAGE_NO_DOT) != 0;
	if (p->is_behind_dot)
		return;
	p->is_in_text = false;
	stage_taken[p - peers]++;
	say(p, "250 ok\r\n");
	if (p->mood & STAGE_CLOSES_AFTER)
		hang_up(p);
}

static void
answer(struct peer *p)
{
	const char *line = p->line.data;

	if (p->is_in_text) {
		if (strcmp(line, ".\r\n") == 0)
			end_text(p);
	} else if (strncmp(line, "EHLO", 4) == 0) {
		say(p, "250 relay.test\r\n");
	} else if (strncmp(line, "DATA", 4) == 0) {
		p->is_in_text = true;
		say(p, "354 go on\r\n");
	} else if (strncmp(line, "RCPT", 4) == 0 && (p->mood & STAGE_DEFERS)) {
		say(p, "450 4.2.0 not now\r\n");
	} else if (strncmp(line, "RCPT", 4) == 0 && (p->mood & STAGE_NO_RCPT)) {
		return;
	} else if (strncmp(line, "MAIL", 4) == 0 && (p->mood & STAGE_CLOSES)) {
		hang_up(p);
	} else {
		say(p, "250 ok\r\n");
	}
}

static void
step_peer(struct peer *p)
{
	char c;
	ssize_t n;

	if (p->fd < 0)
		return;
	if (!p->has_greeted && !(p->mood & STAGE_NO_BANNER)) {
		say(p, p->mood & STAGE_REFUSES ? "421 4.7.0 too many\r\n"
					       : "220 relay.test\r\n");
		p->has_greeted = true;
	}
	while (p->fd >= 0 && (n = recv(p->fd, &c, 1, MSG_DONTWAIT)) >= 0) {
		if (n == 0) {
			hang_up(p);
			return;
		}
		buf_add_char(&p->line, c);
		if (c != '\n')
			continue;
		answer(p);
		buf_clear(&p->line);
	}
}

void
stage_lend(int line, unsigned int mood)
{
	struct peer *p = &peers[line];
	int ends[2];

	ck_assert_int_eq(p->fd, -1);
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	*p = (struct peer){.fd = ends[0], .mood = mood, .line = p->line};
	buf_clear(&p->line);
	dispatch_take_relay(stage_dispatch, line, ends[1], "relay.test");
}

void
stage_set_mood(int line, unsigned int mood)
{
	struct peer *p = &peers[line];

	/* What it has not answered yet it does now. */
	if (p->fd >= 0 && (p->mood & ~mood & STAGE_NO_DOT) && p->is_in_text) {
		p->mood = mood;
		end_text(p);
	}
	p->mood = mood;
}

bool
stage_is_closed(int line)
{
	return peers[line].fd < 0;
}

bool
stage_is_behind_dot(int line)
{
	return peers[line].is_behind_dot;
}

/* ---- the supervisor ------------------------------------------------ */

static bool
has_ended(void)
{
	return sd_event_get_state(event) == SD_EVENT_FINISHED;
}

static void
go_on(void)
{
	struct channel_message m;

	if (!has_ended())
		ck_assert_int_ge(sd_event_run(event, STEP_USEC), 0);
	for (size_t i = 0; i < CHANNEL_LINES; i++)
		step_peer(&peers[i]);
	while (!has_word && supervisor >= 0 &&
	       channel_receive(supervisor, &m, NULL) == 0) {
		if (m.kind == CHANNEL_COUNTS || m.kind == CHANNEL_ALIVE)
			continue;
		if (m.kind == CHANNEL_NEED_RELAY && m.line == 1) {
			stage_wishes++;
			continue;
		}
		word = m;
		has_word = true;
	}
}

void
stage_until(bool (*condition)(void))
{
	const int64_t end_ms = clock_boot_ms() + PATIENCE_MS;

	while (!condition()) {
		ck_assert_msg(clock_boot_ms() < end_ms, "it does not come");
		go_on();
	}
}

void
stage_for(int64_t ms)
{
	const int64_t end_ms = clock_boot_ms() + ms;

	while (clock_boot_ms() < end_ms)
		go_on();
}

bool
stage_has_wish(void)
{
	return stage_wishes > 0;
}

bool
stage_has_word(void)
{
	return has_word;
}

struct channel_message
stage_hear(enum channel_kind kind)
{
	stage_until(stage_has_word);
	ck_assert_int_eq(word.kind, kind);
	has_word = false;
	return word;
}

void
stage_hear_end(enum child_exit status)
{
	int code = -1;

	stage_until(has_ended);
	go_on();
	ck_assert(!has_word);
	ck_assert_int_ge(sd_event_get_exit_code(event, &code), 0);
	ck_assert_int_eq(code, (int)status);
}

void
stage_hang_up(void)
{
	close(supervisor);
	supervisor = -1;
}

/* ---- the spool ----------------------------------------------------- */

void
stage_forbid_files(bool is_forbidden)
{
	static struct rlimit old;
	int lowest;

	if (!is_forbidden) {
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
		return;
	}
	lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(lowest, 0);
	close(lowest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE,
			     &(struct rlimit){(rlim_t)lowest, old.rlim_max}),
	    0);
}

void
stage_put(size_t count)
{
	while (count-- > 0)
		fixture_put_one("Subject: x\n\ntext\n");
}

size_t
stage_count(void)
{
	struct spool_counters c;
	size_t sum = 0;

	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get_counters(fixture_spool, &c), 0);
	spool_abort(fixture_spool);
	for (int i = 0; i < PHASE_COUNT; i++)
		sum += c.count[i];
	return sum;
}

/* ---- life ---------------------------------------------------------- */

void
stage_setup(void)
{
	int ends[2];

	fixture_setup();
	ck_assert(freopen("/dev/null", "w", stderr) != NULL);
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(dup2(ends[1], CHILD_CHANNEL), CHILD_CHANNEL);
	close(ends[1]);
	supervisor = ends[0];
	policy_init(&stage_policy);
	ck_assert_int_ge(sd_event_new(&event), 0);
	for (size_t i = 0; i < CHANNEL_LINES; i++)
		peers[i] = (struct peer){.fd = -1};
}

void
stage_begin(void)
{
	const struct dispatch_past past = {.caution = stage_caution};

	stage_dispatch = dispatch_new(
	    event, fixture_spool, &stage_policy, "host.test", &past);
	dispatch_start(stage_dispatch);
}

void
stage_teardown(void)
{
	dispatch_free(stage_dispatch);
	sd_event_unref(event);
	for (size_t i = 0; i < CHANNEL_LINES; i++) {
		if (peers[i].fd >= 0)
			close(peers[i].fd);
		buf_release(&peers[i].line);
	}
	if (supervisor >= 0)
		close(supervisor);
	fixture_teardown();
}
