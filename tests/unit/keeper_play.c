/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "flushd/answer.h"
#include "flushd/child.h"
#include "flushd/event.h"
#include "flushd/health.h"
#include "flushd/keeper.h"
#include "flushd/slots.h"
#include "flushd/watch.h"
#include "site/relay.h"
#include "unit/keeper_play.h"

enum {
	/* Whatever is to happen does within that, or never. */
	PATIENCE_MS = 9 * 1000,
	/* And nothing else is on its way if there is nothing for that long. */
	QUIET_USEC = 5 * 1000,
	RELAY_ENDS_MAX = 8,
};

static const char *const told_names[CHANNEL_KIND_COUNT] = {
    [CHANNEL_RELAY] = "relay",
    [CHANNEL_RELAY_UP] = "relay-up",
    [CHANNEL_RELAY_DOWN] = "relay-down",
    [CHANNEL_LOOK_AGAIN] = "look-again",
};

char play_dir[] = "/tmp/keeper-test.XXXXXX";
struct keeper_host play_host;
struct keeper *play_keeper;
struct slots_guest play_rival;
struct puppet play_puppet = {.strings = -1, .channel = -1};

static sd_event *event;
static struct relay relay;
static int relay_listener;
static int relay_ends[RELAY_ENDS_MAX];
static size_t relay_end_count;
static int listener;
static int verdicts;

/* Since the event. */
static unsigned int started;
static bool is_told_to_leave;
static struct buf told;

static bool is_ended_by_us;	   /* the worker */
static unsigned int other_watches; /* than the keeper's */

/* ---- what belongs to it -------------------------------------------- */

static void
on_overflown(void *context)
{
	(void)context;
}

static void
on_verdict(void *context, bool is_up)
{
	(void)context;
	verdicts++;
	keeper_take_verdict(play_keeper, is_up);
}

static void
on_changed(void *context, bool is_up, int64_t down_ms)
{
	(void)context;
	(void)down_ms;
	if (!is_up)
		keeper_relay_down(play_keeper);
}

static void
on_ended(void *context, struct keeper *k)
{
	(void)context;
	ck_assert(keeper_has_ended(k));
}

static void
on_rival(void *context)
{
	(void)context;
}

/* On loopback, where nobody accepts unless we do. */
static void
open_relay(void)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	relay.address_len = sizeof(address);
	relay_listener =
	    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(
	    bind(relay_listener, (struct sockaddr *)&address, sizeof(address)),
	    0);
	ck_assert_int_eq(listen(relay_listener, 8), 0);
	ck_assert_int_eq(
	    getsockname(relay_listener, (struct sockaddr *)&relay.address,
		&relay.address_len),
	    0);
	snprintf(relay.name, sizeof(relay.name), "the relay");
}

static void
open_keeper(void)
{
	struct site site = {.name = alloc_copy("a", 1),
	    .path = alloc_copy(play_dir, strlen(play_dir))};
	struct policy policy;

	policy_init(&policy);
	snprintf(policy.site, sizeof(policy.site), "a");
	play_keeper = keeper_new(&play_host, &site, &policy);
}

void
play_setup(void)
{
	char path[64];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ck_assert_ptr_nonnull(mkdtemp(play_dir));
	snprintf(path, sizeof(path), "%s/worker", play_dir);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	buf_init(&told);
	ck_assert_int_ge(sd_event_new(&event), 0);
	open_relay();
	listener = puppet_listen(play_dir);
	play_host = (struct keeper_host){
	    .event = event,
	    .watch = watch_new(event, "data", on_overflown, NULL),
	    .health = health_new(event, &relay, on_verdict, on_changed, NULL),
	    .relay = &relay,
	    .workers = slots_new(event, 1, 0),
	    .connections = slots_new(event, 1, 0),
	    .ended = on_ended,
	};
	play_rival =
	    (struct slots_guest){.entered = on_rival, .asked = on_rival};
	open_keeper();
}

void
play_teardown(void)
{
	char command[64];

	keeper_free(play_keeper);
	puppet_release(&play_puppet);
	slots_leave(play_host.workers, &play_rival);
	slots_free(play_host.workers);
	slots_free(play_host.connections);
	health_free(play_host.health);
	watch_free(play_host.watch);
	for (size_t i = 0; i < relay_end_count; i++)
		close(relay_ends[i]);
	if (relay_listener >= 0)
		close(relay_listener);
	close(listener);
	sd_event_unref(event);
	buf_release(&told);
	snprintf(command, sizeof(command), "rm -r %s", play_dir);
	ck_assert_int_eq(system(command), 0);
}

/* ---- what can be seen ---------------------------------------------- */

static const char *
keeper_state(void)
{
	const struct answer_time now = {clock_boot_ms(), clock_wall_ms()};
	static char word[16];
	struct buf line = BUF_INIT;
	const char *found;

	if (keeper_has_ended(play_keeper))
		return "ended";
	keeper_answer(play_keeper, &line, &now);
	found = strstr(line.data, "\"state\"");
	ck_assert_ptr_nonnull(found);
	ck_assert_int_eq(sscanf(found, "\"state\" : \"%15[a-z]", word), 1);
	buf_release(&line);
	return word;
}

/* What the kernel has of all our inotify instances and timers. */
struct kernel {
	unsigned int watches;
	long timer_sec; /* the next one fires within that; 0: none is set */
};

static void
read_info(const char *name, struct kernel *k)
{
	char path[64];
	char line[128];
	bool is_boottime = false;
	long sec;
	long nsec;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%.16s", name);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		k->watches += strncmp(line, "inotify wd:", 11) == 0;
		is_boottime |= strncmp(line, "clockid: 7", 10) == 0;
		if (is_boottime &&
		    sscanf(line, "it_value: (%ld, %ld)", &sec, &nsec) == 2 &&
		    sec + nsec > 0)
			k->timer_sec = sec + 1;
	}
	if (f)
		fclose(f);
}

static struct kernel
read_kernel(void)
{
	struct kernel k = {0};
	DIR *dir = opendir("/proc/self/fdinfo");
	struct dirent *e;

	ck_assert_ptr_nonnull(dir);
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			read_info(e->d_name, &k);
	closedir(dir);
	return k;
}

static void
add_timer(struct buf *out, long sec)
{
	static const struct {
		long sec;
		const char *name;
	} classes[] = {
	    {1, "1s"}, {10, "10s"}, {50, "50s"}, {300, "5min"}, {600, "10min"}};

	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		if (sec > classes[i].sec)
			continue;
		buf_add_format(out, " %s", classes[i].name);
		return;
	}
	ck_abort_msg("a timer of %ld s", sec);
}

/*
 * What the keeper is at; a worker was started; the spool is watched; the next
 * timer, but for a relay that is down, when there are others too; what the
 * worker was told; it was killed.
 */
static void
look(struct buf *out)
{
	const struct kernel k = read_kernel();

	buf_clear(out);
	buf_add_str(out, keeper_state());
	for (unsigned int i = 0; i < started; i++)
		buf_add_str(out, " started");
	if (k.watches > other_watches)
		buf_add_str(out, " watched");
	if (k.timer_sec > 0 && health_is_up(play_host.health))
		add_timer(out, k.timer_sec);
	buf_add(out, told.data, told.len);
	if (play_puppet.strings >= 0 && !is_ended_by_us &&
	    !puppet_is_alive(&play_puppet))
		buf_add_str(out, " killed");
}

/* ---- the loop ------------------------------------------------------ */

/* Hear what the worker is told. Who is killed is told nothing, but his channel
 * ends too: it cannot be written to any more. */
static void
hear(void)
{
	const struct channel_message alive = {.kind = CHANNEL_ALIVE};
	struct channel_message m;
	int rc = 0;

	while (play_puppet.channel >= 0 && rc == 0) {
		rc = channel_receive(play_puppet.channel, &m, NULL);
		if (rc == 0)
			buf_add_format(&told, " %s", told_names[m.kind]);
	}
	if (rc == -EPIPE && !is_told_to_leave &&
	    channel_send(play_puppet.channel, &alive, -1) == 0) {
		is_told_to_leave = true;
		buf_add_str(&told, " leave");
	}
}

static void
forget(void)
{
	started = 0;
	buf_clear(&told);
}

static void
settle(void)
{
	int more;

	do {
		more = sd_event_run(event, QUIET_USEC);
		ck_assert_int_ge(more, 0);
		if (puppet_is_alive(&play_puppet))
			hear();
		if (puppet_meet(listener, &play_puppet)) {
			started++;
			is_ended_by_us = is_told_to_leave = false;
			more = 1;
		}
	} while (more > 0);
}

/* Let the loop run until all is as it should be, and nothing more happens. */
void
play_await(const char *what, const char *want)
{
	const int64_t end_ms = clock_boot_ms() + PATIENCE_MS;
	struct buf got = BUF_INIT;

	do {
		settle();
		look(&got);
	} while (strcmp(got.data, want) != 0 && clock_boot_ms() < end_ms);
	ck_assert_msg(strcmp(got.data, want) == 0, "%s: got '%s', want '%s'",
	    what, got.data, want);
	buf_release(&got);
	forget();
}

/* ---- what comes ---------------------------------------------------- */

void
play_say(enum channel_kind kind)
{
	const struct channel_message m = {.kind = kind,
	    .next_due_ms = clock_wall_ms() + PLAY_FAR_MS,
	    .id = 7,
	    .text = "421 go away"};

	puppet_say(&play_puppet, &m);
}

void
play_say_idle(int64_t due_ms)
{
	const struct channel_message m = {
	    .kind = CHANNEL_IDLE, .next_due_ms = due_ms};

	puppet_say(&play_puppet, &m);
}

void
play_ask_for_second_line(void)
{
	const struct channel_message m = {
	    .kind = CHANNEL_NEED_RELAY, .line = 1};

	puppet_say(&play_puppet, &m);
}

void
play_end_worker(int status)
{
	is_ended_by_us = true;
	puppet_end(&play_puppet, status);
}

void
play_touch(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/data", play_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

void
play_enter_rival(void)
{
	if (slots_enter(play_host.workers, &play_rival))
		return;
}

void
play_close_relay(void)
{
	close(relay_listener);
	relay_listener = -1;
}

/* Whoever is connected to the relay, the prober too, reads this. */
void
play_give_verdict(bool is_up)
{
	const int64_t end_ms = clock_boot_ms() + PATIENCE_MS;
	const int before = verdicts;
	int fd;

	while (verdicts == before && clock_boot_ms() < end_ms) {
		fd = accept4(relay_listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			ck_assert_uint_lt(relay_end_count, RELAY_ENDS_MAX);
			relay_ends[relay_end_count++] = fd;
			ck_assert_int_eq(write(fd, is_up ? "u" : "d", 1), 1);
		}
		ck_assert_int_ge(sd_event_run(event, QUIET_USEC), 0);
	}
	ck_assert_int_gt(verdicts, before);
}

/* inotify(7) has one watch of a directory, and this is not the keeper's. */
void
play_spoil_watch(void)
{
	int fd = open(play_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_gt(
	    watch_add(play_host.watch, fd, on_rival, NULL, NULL), 0);
	other_watches = 1;
	close(fd);
}
