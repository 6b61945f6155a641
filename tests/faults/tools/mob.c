/* SPDX-License-Identifier: ISC */
/*
 * mob - many senders at once, most of whom come to grief
 *
 *   mob JOURNAL NAME SENDERS SECONDS SEED KIND PROGRAM HASTY: so many processes
 *   submit letters (Letter.pm) with PROGRAM, mini_sendmail, as fast as it goes
 *   but for pauses, in which the queue may be drained. Some of
 *   the submissions are killed at a random moment, or told to end, or stopped
 *   for a while; some are made by HASTY, which waits for no longer than
 *   PATIENCE_MS of its environment. One in ten is given by SMTP, and its reply
 *   stands for the exit status: 74 is 451 4.3.0, and 73 any other refusal.
 *   KIND says which fates there are: "mixed", "deadly" or "hasty".
 *
 *   Prints how many submissions there were of each kind of fate, and at last
 *   how many did not end by themselves:
 *
 *       calm COUNT hasty COUNT killed COUNT told COUNT stopped COUNT hung COUNT
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/io.h"

extern char **environ;

enum {
	PERIOD_MS = 4000,
	PAUSE_MS = 1500, /* at the end of each */
	HANG_MS = 100 * 1000,
	TOKEN_MAX = 64,
	REPLY_MAX = 4096,
	DICE = 1000,
	OUTCOME_KILLED = -1,
};

enum fate { CALM, HASTY, KILLED, TOLD, STOPPED, FATES };

static const char *const fate_names[FATES] = {
    [CALM] = "calm",
    [HASTY] = "hasty",
    [KILLED] = "killed",
    [TOLD] = "told",
    [STOPPED] = "stopped",
};

static const struct kind {
	const char *name;
	int shares[FATES]; /* of DICE */
} kinds[] = {
    {"mixed", {480, 120, 170, 30, 200}},
    {"deadly", {300, 0, 600, 0, 100}},
    {"hasty", {100, 600, 100, 0, 200}},
};

struct mob {
	const char *journal;
	const char *name;
	long sender_count;
	int64_t end_ms;
	long seed;
	const struct kind *kind;
	char *program;
	char *hasty;
	/* Shared by all. */
	struct tally {
		long count[FATES];
		long hung;
	} * tally;
};

/* One submission. */
struct trial {
	char token[TOKEN_MAX];
	enum fate fate;
	bool is_smtp;
	int reply_fd;
	pid_t pid;
};

/* ---- chance -------------------------------------------------------- */

static int
between(int low, int high)
{
	return low + (int)(drand48() * (high - low + 1));
}

/* As often from 1 to 2 as from 64 to 128. */
static void
sleep_up_to(int doublings, long first_us)
{
	double us = (double)first_us;
	double steps = drand48() * doublings;
	struct timespec t;

	for (; steps >= 1; steps--)
		us *= 2;
	us *= 1 + steps;
	t = (struct timespec){
	    .tv_sec = (time_t)(us / 1e6),
	    .tv_nsec = (long)(us * 1e3) % 1000000000,
	};
	nanosleep(&t, NULL);
}

static enum fate
draw_fate(const struct kind *kind)
{
	int dice = between(0, DICE - 1);
	enum fate fate = CALM;

	while (dice >= kind->shares[fate])
		dice -= kind->shares[fate++];
	return fate;
}

/* Small ones can be taken along by others; 2 MB need several transactions. */
static int
draw_lines(void)
{
	int dice = between(0, DICE - 1);

	if (dice < 2)
		return 34000;
	return dice < 20 ? between(80, 5000) : between(1, 60);
}

/* ---- letters ------------------------------------------------------- */

/* One write for a line: those of several processes do not mix. */
PRINTF_LIKE(2, 3)
static void
note(const struct mob *m, const char *fmt, ...)
{
	int fd =
	    open(m->journal, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	char line[TOKEN_MAX * 2];
	int len =
	    snprintf(line, sizeof(line), "%lld ", (long long)clock_boot_us());
	va_list ap;

	va_start(ap, fmt);
	len += vsnprintf(line + len, sizeof(line) - (size_t)len, fmt, ap);
	va_end(ap);
	if (fd < 0 || write(fd, line, (size_t)len) != len)
		abort();
	close(fd);
}

static void
add_letter(struct buf *text, const char *token, int lines)
{
	buf_add_format(text, "To: reader@example.org\nSubject: %s\n\n", token);
	for (int i = 1; i <= lines; i++)
		buf_add_format(
		    text, "line %08d of %-30s, and no other\n", i, token);
}

/* What standard input is to be, from its beginning on. */
static int
give(const struct trial *t, int lines)
{
	struct buf text = BUF_INIT;
	int fd = memfd_create("letter", MFD_CLOEXEC);

	if (t->is_smtp)
		buf_add_format(&text,
		    "EHLO mob\nMAIL FROM:<%s@site.test>\n"
		    "RCPT TO:<reader@example.org>\nDATA\n",
		    t->token);
	add_letter(&text, t->token, lines);
	if (t->is_smtp)
		buf_add_str(&text, ".\nQUIT\n");
	if (fd < 0 || io_write_all(fd, text.data, text.len) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		abort();
	buf_release(&text);
	return fd;
}

/* ---- a submission -------------------------------------------------- */

/* Standard output is where a reply comes from. */
static int
spawn(const struct mob *m, struct trial *t, int letter)
{
	static char words[][24] = {"-bs", "-i", "-f", "reader@example.org"};
	char *program = t->fate == HASTY ? m->hasty : m->program;
	char sender[TOKEN_MAX + 16];
	char *smtp[] = {program, words[0], NULL};
	char *mail[] = {program, words[1], words[2], sender, words[3], NULL};
	posix_spawn_file_actions_t actions;
	int ends[2];
	int rc;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	snprintf(sender, sizeof(sender), "%s@site.test", t->token);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, letter, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(
	    &actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	rc = posix_spawn(&t->pid, program, &actions, NULL,
	    t->is_smtp ? smtp : mail, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	t->reply_fd = ends[0];
	return -rc;
}

/* It ends where it does: in a call, between two, or not at all any more. */
static void
meet_fate(const struct trial *t)
{
	if (t->fate == CALM || t->fate == HASTY)
		return;
	sleep_up_to(9, 100); /* microseconds to 50 ms */
	if (t->fate == KILLED || t->fate == TOLD) {
		kill(t->pid, t->fate == KILLED ? SIGKILL : SIGTERM);
		return;
	}
	kill(t->pid, SIGSTOP);
	/* Now and then for longer than the hasty wait, and others notice. */
	if (between(0, 99) == 0)
		sleep_up_to(2, 500 * 1000);
	else
		sleep_up_to(6, 500);
	kill(t->pid, between(0, 3) == 0 ? SIGKILL : SIGCONT);
}

/* False if it had to be helped. */
static bool
ends_by_itself(const struct trial *t)
{
	struct pollfd p = {
	    .fd = (int)syscall(SYS_pidfd_open, t->pid, 0), .events = POLLIN};
	int count;

	do {
		count = poll(&p, 1, HANG_MS);
	} while (count < 0 && errno == EINTR);
	close(p.fd);
	return count != 0;
}

/* The reply to the text, as the exit status that means the same. */
static int
read_reply(const struct trial *t)
{
	char text[REPLY_MAX + 1];
	ssize_t len = io_read(t->reply_fd, text, REPLY_MAX);
	const char *reply;

	text[len < 0 ? 0 : len] = '\0';
	reply = strstr(text, "\n354 ");
	if (reply)
		reply = strchr(reply + 1, '\n');
	if (!reply || reply[1] == '\0')
		return OUTCOME_KILLED;
	reply++;
	if (strncmp(reply, "250 ", 4) == 0)
		return 0;
	return strncmp(reply, "451 4.3.0 ", 10) == 0 ? 74 : 73;
}

static int
outcome_of(const struct trial *t, int status)
{
	if (t->is_smtp)
		return read_reply(t);
	return WIFEXITED(status) ? WEXITSTATUS(status) : OUTCOME_KILLED;
}

static void
note_outcome(const struct mob *m, const struct trial *t, int outcome)
{
	if (outcome == OUTCOME_KILLED)
		note(m, "exit %s killed\n", t->token);
	else
		note(m, "exit %s %d %s\n", t->token, outcome,
		    fate_names[t->fate]);
}

static void
submit(struct mob *m, struct trial *t, int lines)
{
	int letter = give(t, lines);
	char patience[32];
	int status = 0;

	snprintf(patience, sizeof(patience), "%d", between(1, 60));
	if (t->fate == HASTY)
		setenv("PATIENCE_MS", patience, 1);
	else
		unsetenv("PATIENCE_MS");
	note(m, "begin %s\n", t->token);
	if (spawn(m, t, letter) < 0)
		abort();
	close(letter);
	meet_fate(t);
	if (!ends_by_itself(t)) {
		__atomic_add_fetch(&m->tally->hung, 1, __ATOMIC_RELAXED);
		kill(t->pid, SIGKILL);
	}
	while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	note_outcome(m, t, outcome_of(t, status));
	close(t->reply_fd);
	__atomic_add_fetch(&m->tally->count[t->fate], 1, __ATOMIC_RELAXED);
}

/* ---- all ----------------------------------------------------------- */

static void
await_turn(void)
{
	int64_t phase = clock_boot_ms() % PERIOD_MS;
	int64_t rest = PERIOD_MS - phase;

	if (phase >= PERIOD_MS - PAUSE_MS)
		nanosleep(&(struct timespec){.tv_sec = rest / 1000,
			      .tv_nsec = (long)(rest % 1000) * 1000000},
		    NULL);
}

static int
send_on(struct mob *m, long sender)
{
	srand48(m->seed * 1000 + sender);
	for (long n = 1; clock_boot_ms() < m->end_ms; n++) {
		struct trial t = {
		    .fate = draw_fate(m->kind),
		    .is_smtp = between(0, 9) == 0,
		};
		int lines = draw_lines();

		await_turn();
		snprintf(t.token, sizeof(t.token), "%s-%ld-%ld.%d", m->name,
		    sender, n, lines);
		submit(m, &t, lines);
	}
	return 0;
}

/* How many senders have failed. */
static int
run(struct mob *m)
{
	int failures = 0;
	int status;

	for (long i = 0; i < m->sender_count; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(send_on(m, i));
		failures += pid < 0;
	}
	while (wait(&status) > 0)
		failures += status != 0;
	for (int i = 0; i < FATES; i++)
		printf("%s %ld ", fate_names[i], m->tally->count[i]);
	printf("hung %ld\n", m->tally->hung);
	return failures;
}

static const struct kind *
find_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

int
main(int argc, char **argv)
{
	struct mob m;

	if (argc != 9 || !find_kind(argv[6])) {
		fprintf(stderr, "usage: mob JOURNAL NAME SENDERS SECONDS SEED "
				"KIND PROGRAM HASTY\n");
		return 2;
	}
	m = (struct mob){
	    .journal = argv[1],
	    .name = argv[2],
	    .sender_count = strtol(argv[3], NULL, 10),
	    .end_ms = clock_boot_ms() + strtol(argv[4], NULL, 10) * 1000,
	    .seed = strtol(argv[5], NULL, 10),
	    .kind = find_kind(argv[6]),
	    .program = argv[7],
	    .hasty = argv[8],
	    .tally = mmap(NULL, sizeof(*m.tally), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0),
	};
	return m.tally == MAP_FAILED || run(&m) > 0;
}
