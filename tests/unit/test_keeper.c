/* SPDX-License-Identifier: ISC */
/*
 * The keeper as a table: whatever a site is at, whatever comes. Keeper, minder,
 * channel and event loop are those of flushd; the worker is a puppet.
 */
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
#include "flushd/relay.h"
#include "flushd/slots.h"
#include "flushd/watch.h"
#include "unit/puppet.h"
#include "unit/suites.h"

enum {
	/* Whatever is to happen does within that, or never. */
	PATIENCE_MS = 9 * 1000,
	/* And nothing else is on its way if there is nothing for that long. */
	QUIET_USEC = 5 * 1000,
	FAR_MS = 200 * 1000,
	SOON_MS = 500,
	RELAY_ENDS_MAX = 8,
};

/* What the site is at. */
enum state {
	IDLE,	  /* nothing is due, its spool is watched */
	IDLE_DUE, /* something will be due soon */
	POLLED,	  /* it cannot be watched; something is due later */
	POLLED_DUE,
	WAITING, /* for a place: a rival has it */
	WORKING,
	LINKED,	  /* with a connection */
	LOOKING,  /* once more, as nothing was due */
	ACCUSING, /* the relay; no verdict yet */
	LEAVING,  /* as its turn is over; a rival waits */
	DELAYED,  /* a worker has failed */
	OUTAGE,	  /* the relay is down, and the worker has left */
	STOPPING,
	STATE_COUNT
};

static const char *const state_names[STATE_COUNT] = {
    "idle",
    "idle, due soon",
    "polled",
    "polled, due soon",
    "waiting",
    "working",
    "linked",
    "looking",
    "accusing",
    "leaving",
    "delayed",
    "outage",
    "stopping",
};

/* What comes. */
enum event {
	RUN,	 /* told to look, as after a start */
	TOUCHED, /* somebody submits */
	DUE,	 /* time passes */
	PLACE,	 /* the rival goes */
	TURN,	 /* a rival comes: the turn is over */
	NEED_RELAY,
	SAYS_IDLE,
	COMPLAINT,
	ENDS_AT,
	NONSENSE,
	DONE, /* these four are ends of the worker */
	RELAY_DOWN,
	FAILED,
	CRASHED,
	VERDICT_UP, /* of a probe, somebody else's perhaps */
	VERDICT_DOWN,
	FORGIVE, /* SIGHUP */
	STOP,
	KILL,
	EVENT_COUNT
};

static const char *const event_names[EVENT_COUNT] = {
    "run",
    "touched",
    "due",
    "place",
    "turn over",
    "need relay",
    "says idle",
    "complaint",
    "ends at",
    "nonsense",
    "done",
    "relay down",
    "failed",
    "crashed",
    "verdict up",
    "verdict down",
    "forgive",
    "stop",
    "kill",
};

static const char *const told_names[CHANNEL_KIND_COUNT] = {
    [CHANNEL_RELAY] = "relay",
    [CHANNEL_RELAY_UP] = "relay-up",
    [CHANNEL_RELAY_DOWN] = "relay-down",
    [CHANNEL_LOOK_AGAIN] = "look-again",
};

static char base[] = "/tmp/keeper-test.XXXXXX";
static sd_event *event;
static struct relay relay;
static int relay_listener;
static int relay_ends[RELAY_ENDS_MAX];
static size_t relay_end_count;
static struct keeper_host host;
static struct keeper *keeper;
static struct slots_guest rival;
static int listener;
static struct puppet puppet = {.strings = -1, .channel = -1};
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
	keeper_take_verdict(keeper, is_up);
}

static void
on_changed(void *context, bool is_up, int64_t down_ms)
{
	(void)context;
	(void)down_ms;
	if (!is_up)
		keeper_relay_down(keeper);
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
	struct site site = {
	    .name = alloc_copy("a", 1), .path = alloc_copy(base, strlen(base))};
	struct policy policy;

	policy_init(&policy);
	snprintf(policy.site, sizeof(policy.site), "a");
	keeper = keeper_new(&host, &site, &policy);
}

static void
setup(void)
{
	char path[64];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ck_assert_ptr_nonnull(mkdtemp(base));
	snprintf(path, sizeof(path), "%s/worker", base);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	buf_init(&told);
	ck_assert_int_ge(sd_event_new(&event), 0);
	open_relay();
	listener = puppet_listen(base);
	host = (struct keeper_host){
	    .event = event,
	    .watch = watch_new(event, "data", on_overflown, NULL),
	    .health = health_new(event, &relay, on_verdict, on_changed, NULL),
	    .relay = &relay,
	    .workers = slots_new(event, 1, 0),
	    .connections = slots_new(event, 1, 0),
	    .ended = on_ended,
	};
	rival = (struct slots_guest){.entered = on_rival, .asked = on_rival};
	open_keeper();
}

static void
teardown(void)
{
	char command[64];

	keeper_free(keeper);
	puppet_release(&puppet);
	slots_leave(host.workers, &rival);
	slots_free(host.workers);
	slots_free(host.connections);
	health_free(host.health);
	watch_free(host.watch);
	for (size_t i = 0; i < relay_end_count; i++)
		close(relay_ends[i]);
	close(relay_listener);
	close(listener);
	sd_event_unref(event);
	buf_release(&told);
	snprintf(command, sizeof(command), "rm -r %s", base);
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

	if (keeper_has_ended(keeper))
		return "ended";
	keeper_answer(keeper, &line, &now);
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
	if (k.timer_sec > 0 && health_is_up(host.health))
		add_timer(out, k.timer_sec);
	buf_add(out, told.data, told.len);
	if (puppet.strings >= 0 && !is_ended_by_us && !puppet_is_alive(&puppet))
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

	while (puppet.channel >= 0 && rc == 0) {
		rc = channel_receive(puppet.channel, &m, NULL);
		if (rc == 0)
			buf_add_format(&told, " %s", told_names[m.kind]);
	}
	if (rc == -EPIPE && !is_told_to_leave &&
	    channel_send(puppet.channel, &alive, -1) == 0) {
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
		if (puppet_is_alive(&puppet))
			hear();
		if (puppet_meet(listener, &puppet)) {
			started++;
			is_ended_by_us = is_told_to_leave = false;
			more = 1;
		}
	} while (more > 0);
}

/* Let the loop run until all is as it should be, and nothing more happens. */
static void
await(const char *what, const char *want)
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

static void
say(enum channel_kind kind)
{
	const struct channel_message m = {.kind = kind,
	    .next_due_ms = clock_wall_ms() + FAR_MS,
	    .id = 7,
	    .text = "421 go away"};

	puppet_say(&puppet, &m);
}

static void
say_idle(int64_t due_ms)
{
	const struct channel_message m = {
	    .kind = CHANNEL_IDLE, .next_due_ms = due_ms};

	puppet_say(&puppet, &m);
}

static void
end_worker(int status)
{
	is_ended_by_us = true;
	puppet_end(&puppet, status);
}

static void
touch(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/data", base);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
}

static void
enter_rival(void)
{
	if (slots_enter(host.workers, &rival))
		return;
}

/* Whoever is connected to the relay, the prober too, reads this. */
static void
give_verdict(bool is_up)
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

static void
let_come(enum event e, enum state at)
{
	switch (e) {
	case RUN:
		keeper_run(keeper);
		return;
	case TOUCHED:
		touch();
		return;
	case DUE:
		return;
	case PLACE:
		slots_leave(host.workers, &rival);
		return;
	case TURN:
		enter_rival();
		return;
	case NEED_RELAY:
		say(CHANNEL_NEED_RELAY);
		return;
	case SAYS_IDLE:
		say(CHANNEL_IDLE);
		return;
	case COMPLAINT:
		say(CHANNEL_COMPLAINT);
		return;
	case ENDS_AT:
		say(CHANNEL_ENDS_AT);
		return;
	case NONSENSE:
		puppet_say_nonsense(&puppet);
		return;
	case DONE:
		end_worker(CHILD_EXIT_DONE);
		return;
	case RELAY_DOWN:
		end_worker(CHILD_EXIT_RELAY_DOWN);
		return;
	case FAILED:
		end_worker(CHILD_EXIT_FAILED);
		return;
	case CRASHED:
		end_worker(-SIGTERM);
		return;
	case VERDICT_UP:
	case VERDICT_DOWN:
		if (at != ACCUSING)
			health_probe(host.health, "somebody complains");
		give_verdict(e == VERDICT_UP);
		return;
	case FORGIVE:
		keeper_forgive(keeper);
		return;
	case STOP:
		keeper_stop(keeper);
		return;
	case KILL:
		keeper_kill(keeper);
		return;
	case EVENT_COUNT:
	default:
		return;
	}
}

/* ---- what the site is at ------------------------------------------- */

static void
start(void)
{
	keeper_run(keeper);
	await("start", "working started 50s");
	ck_assert_str_eq(puppet.policy.site, "a");
}

/* From a worker that has found nothing due before then. */
static void
become_idle(int64_t due_ms, const char *looking, const char *idle)
{
	start();
	say_idle(due_ms);
	await("idle", looking);
	end_worker(CHILD_EXIT_DONE);
	if (idle)
		await("idle", idle);
}

/* inotify(7) has one watch of a directory, and this is not the keeper's. */
static void
spoil_watch(void)
{
	int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_gt(watch_add(host.watch, fd, on_rival, NULL), 0);
	other_watches = 1;
	close(fd);
}

static void
arrange(enum state state)
{
	switch (state) {
	case IDLE:
		become_idle(INT64_MAX, "working watched 50s look-again",
		    "idle watched");
		return;
	case IDLE_DUE:
		become_idle(clock_wall_ms() + SOON_MS,
		    "working watched 50s look-again", NULL);
		return;
	case POLLED:
		spoil_watch();
		become_idle(clock_wall_ms() + FAR_MS, "working 10s look-again",
		    "idle 10s");
		return;
	case POLLED_DUE:
		spoil_watch();
		become_idle(
		    clock_wall_ms() + SOON_MS, "working 1s look-again", NULL);
		return;
	case WAITING:
		enter_rival();
		keeper_run(keeper);
		await("wait", "waiting");
		return;
	case WORKING:
		start();
		return;
	case LINKED:
		start();
		say(CHANNEL_NEED_RELAY);
		await("link", "working 50s relay");
		return;
	case LOOKING:
		start();
		say(CHANNEL_IDLE);
		await("look", "working watched 50s look-again");
		return;
	case ACCUSING:
		start();
		say(CHANNEL_COMPLAINT);
		await("accuse", "working 50s");
		return;
	case LEAVING:
		start();
		enter_rival();
		await("leave", "working 50s leave");
		return;
	case DELAYED:
		start();
		end_worker(CHILD_EXIT_FAILED);
		await("delay", "delayed 1s");
		return;
	case OUTAGE:
		start();
		health_take_failure(host.health, -ECONNREFUSED);
		say(CHANNEL_NEED_RELAY);
		await("outage", "working relay-down");
		end_worker(CHILD_EXIT_RELAY_DOWN);
		await("outage", "idle watched");
		return;
	case STOPPING:
		start();
		keeper_stop(keeper);
		await("stop", "stopping 50s leave");
		return;
	case STATE_COUNT:
	default:
		return;
	}
}

/* ---- the table ----------------------------------------------------- */

/* What is not there cannot come: without a worker nobody says anything. */
static const struct {
	enum state state;
	enum event event;
	const char *want;
} table[] = {
    {IDLE, RUN, "working started 50s"},
    {IDLE, TOUCHED, "working started 50s"},
    {IDLE, VERDICT_UP, "idle watched"},
    {IDLE, VERDICT_DOWN, "idle watched"},
    {IDLE, FORGIVE, "working started 50s"},
    {IDLE, STOP, "ended"},
    {IDLE, KILL, "idle watched"},

    {IDLE_DUE, DUE, "working started 50s"},

    {POLLED, RUN, "working started 50s"},
    {POLLED, TOUCHED, "idle 10s"},
    {POLLED, VERDICT_UP, "idle 10s"},
    {POLLED, FORGIVE, "working started 50s"},
    {POLLED, STOP, "ended"},
    {POLLED, KILL, "idle 10s"},

    {POLLED_DUE, DUE, "working started 50s"},

    {WAITING, RUN, "waiting"},
    {WAITING, TOUCHED, "waiting"},
    {WAITING, PLACE, "working started 50s"},
    {WAITING, VERDICT_UP, "waiting"},
    {WAITING, VERDICT_DOWN, "waiting"},
    {WAITING, FORGIVE, "waiting"},
    {WAITING, STOP, "ended"},
    {WAITING, KILL, "waiting"},

    {WORKING, RUN, "working 50s"},
    {WORKING, TOUCHED, "working 50s"},
    {WORKING, TURN, "working 50s leave"},
    {WORKING, NEED_RELAY, "working 50s relay"},
    {WORKING, SAYS_IDLE, "working watched 50s look-again"},
    {WORKING, COMPLAINT, "working 50s"},
    {WORKING, ENDS_AT, "working 50s"},
    {WORKING, NONSENSE, "delayed 1s killed"},
    {WORKING, DONE, "delayed 1s"},
    {WORKING, RELAY_DOWN, "working started 50s"},
    {WORKING, FAILED, "delayed 1s"},
    {WORKING, CRASHED, "delayed 1s"},
    {WORKING, VERDICT_UP, "working 50s"},
    {WORKING, VERDICT_DOWN, "working"},
    {WORKING, FORGIVE, "working 50s"},
    {WORKING, STOP, "stopping 50s leave"},
    {WORKING, KILL, "delayed 1s killed"},

    {LINKED, TURN, "working 50s leave"},
    {LINKED, NEED_RELAY, "working 50s relay"},
    {LINKED, SAYS_IDLE, "working watched 50s look-again"},
    {LINKED, COMPLAINT, "working 50s"},
    {LINKED, NONSENSE, "delayed 1s killed"},
    {LINKED, DONE, "delayed 1s"},
    {LINKED, RELAY_DOWN, "working started 50s"},
    {LINKED, FAILED, "delayed 1s"},
    {LINKED, CRASHED, "delayed 1s"},
    {LINKED, VERDICT_UP, "working 50s"},
    {LINKED, VERDICT_DOWN, "working"},
    {LINKED, FORGIVE, "working 50s"},
    {LINKED, STOP, "stopping 50s leave"},
    {LINKED, KILL, "delayed 1s killed"},

    {LOOKING, RUN, "working watched 50s"},
    {LOOKING, TOUCHED, "working watched 50s"},
    {LOOKING, TURN, "working watched 50s leave"},
    {LOOKING, NEED_RELAY, "working 50s relay"},
    {LOOKING, SAYS_IDLE, "working watched 50s look-again"},
    {LOOKING, NONSENSE, "delayed 1s killed"},
    {LOOKING, DONE, "idle watched 5min"},
    {LOOKING, RELAY_DOWN, "working started 50s"},
    {LOOKING, FAILED, "delayed 1s"},
    {LOOKING, CRASHED, "delayed 1s"},
    {LOOKING, FORGIVE, "working watched 50s"},
    {LOOKING, STOP, "stopping watched 50s leave"},
    {LOOKING, KILL, "delayed 1s killed"},

    {ACCUSING, TURN, "working 50s leave"},
    {ACCUSING, VERDICT_UP, "working 50s relay-up"},
    {ACCUSING, VERDICT_DOWN, "working relay-down"},
    {ACCUSING, DONE, "delayed 1s"},
    {ACCUSING, FAILED, "delayed 1s"},
    {ACCUSING, CRASHED, "delayed 1s"},
    {ACCUSING, FORGIVE, "working 50s"},
    {ACCUSING, STOP, "stopping 50s leave"},
    {ACCUSING, KILL, "delayed 1s killed"},

    {LEAVING, RUN, "working 50s"},
    {LEAVING, TOUCHED, "working 50s"},
    {LEAVING, NEED_RELAY, "working 50s"},
    {LEAVING, SAYS_IDLE, "working watched 50s"},
    {LEAVING, COMPLAINT, "working 50s"},
    {LEAVING, ENDS_AT, "working 50s"},
    {LEAVING, NONSENSE, "delayed 1s killed"},
    {LEAVING, DONE, "waiting"},
    {LEAVING, RELAY_DOWN, "waiting"},
    {LEAVING, FAILED, "delayed 1s"},
    {LEAVING, CRASHED, "delayed 1s"},
    {LEAVING, VERDICT_UP, "working 50s"},
    {LEAVING, VERDICT_DOWN, "working"},
    {LEAVING, FORGIVE, "working 50s"},
    {LEAVING, STOP, "stopping 50s"},
    {LEAVING, KILL, "delayed 1s killed"},

    {DELAYED, RUN, "delayed 1s"},
    {DELAYED, TOUCHED, "delayed 1s"},
    {DELAYED, DUE, "working started 50s"},
    {DELAYED, VERDICT_UP, "delayed 1s"},
    {DELAYED, VERDICT_DOWN, "delayed"},
    {DELAYED, FORGIVE, "working started 50s"},
    {DELAYED, STOP, "ended"},
    {DELAYED, KILL, "delayed 1s"},

    {OUTAGE, RUN, "idle"},
    {OUTAGE, TOUCHED, "idle"},
    {OUTAGE, VERDICT_UP, "working started 50s"},
    {OUTAGE, VERDICT_DOWN, "idle watched"},
    {OUTAGE, FORGIVE, "idle"},
    {OUTAGE, STOP, "ended"},
    {OUTAGE, KILL, "idle watched"},

    {STOPPING, RUN, "stopping 50s"},
    {STOPPING, TOUCHED, "stopping 50s"},
    {STOPPING, TURN, "stopping 50s"},
    {STOPPING, NEED_RELAY, "stopping 50s"},
    {STOPPING, SAYS_IDLE, "stopping watched 50s"},
    {STOPPING, COMPLAINT, "stopping 50s"},
    {STOPPING, ENDS_AT, "stopping 50s"},
    {STOPPING, NONSENSE, "ended killed"},
    {STOPPING, DONE, "ended"},
    {STOPPING, RELAY_DOWN, "ended"},
    {STOPPING, FAILED, "ended"},
    {STOPPING, CRASHED, "ended"},
    {STOPPING, VERDICT_UP, "stopping 50s"},
    {STOPPING, VERDICT_DOWN, "stopping"},
    {STOPPING, FORGIVE, "stopping 50s"},
    {STOPPING, STOP, "stopping 50s"},
    {STOPPING, KILL, "ended killed"},
};

START_TEST(whatever_it_is_at_it_does_what_is_right)
{
	char name[64];

	snprintf(name, sizeof(name), "%s, %s", state_names[table[_i].state],
	    event_names[table[_i].event]);
	arrange(table[_i].state);
	let_come(table[_i].event, table[_i].state);
	await(name, table[_i].want);
}
END_TEST

/* ---- one after the other ------------------------------------------- */

START_TEST(what_comes_while_a_worker_looks_for_the_last_time_is_not_missed)
{
	arrange(LOOKING);
	touch();
	await("touch", "working watched 50s");
	end_worker(CHILD_EXIT_DONE);
	await("end", "working started 50s");
}
END_TEST

START_TEST(who_is_forgiven_at_work_is_followed_by_one_that_knows)
{
	arrange(WORKING);
	keeper_forgive(keeper);
	say(CHANNEL_NEED_RELAY);
	say(CHANNEL_IDLE);
	await("work", "working watched 50s look-again");
	end_worker(CHILD_EXIT_DONE);
	await("end", "working started 50s");
}
END_TEST

START_TEST(a_second_verdict_is_nobody_s_who_had_one)
{
	arrange(ACCUSING);
	give_verdict(true);
	await("verdict", "working 50s relay-up");
	keeper_take_verdict(keeper, false);
	await("another", "working 50s");
}
END_TEST

START_TEST(whose_turn_is_over_works_on_when_the_others_had_theirs)
{
	arrange(LEAVING);
	end_worker(CHILD_EXIT_DONE);
	await("end", "waiting");
	slots_leave(host.workers, &rival);
	await("place", "working started 50s");
}
END_TEST

START_TEST(the_next_worker_goes_by_the_new_policy)
{
	struct site site = {
	    .name = alloc_copy("a", 1), .path = alloc_copy(base, strlen(base))};
	struct policy policy;

	arrange(IDLE);
	policy_init(&policy);
	snprintf(policy.site, sizeof(policy.site), "b");
	keeper_update(keeper, &site, &policy);
	keeper_run(keeper);
	await("run", "working started 50s");
	ck_assert_str_eq(puppet.policy.site, "b");
}
END_TEST

START_TEST(a_spool_that_is_gone_is_looked_for_again)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/worker", base);
	ck_assert_int_eq(unlink(path), 0);
	keeper_run(keeper);
	await("gone", "delayed 1s");
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	await("back", "working started 50s");
}
END_TEST

Suite *
keeper_suite(void)
{
	Suite *s = suite_create("keeper");
	TCase *tc = tcase_create("table");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, whatever_it_is_at_it_does_what_is_right, 0,
	    (int)ARRAY_LEN(table));
	suite_add_tcase(s, tc);

	tc = tcase_create("sequences");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc,
	    what_comes_while_a_worker_looks_for_the_last_time_is_not_missed);
	tcase_add_test(
	    tc, who_is_forgiven_at_work_is_followed_by_one_that_knows);
	tcase_add_test(tc, a_second_verdict_is_nobody_s_who_had_one);
	tcase_add_test(
	    tc, whose_turn_is_over_works_on_when_the_others_had_theirs);
	tcase_add_test(tc, the_next_worker_goes_by_the_new_policy);
	tcase_add_test(tc, a_spool_that_is_gone_is_looked_for_again);
	suite_add_tcase(s, tc);
	return s;
}
