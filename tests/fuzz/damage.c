/* SPDX-License-Identifier: ISC */
/*
 * damage.c - read a spool whose file somebody or something has damaged
 *
 *   usage: damage ROUNDS [SEED]
 *
 *   Each round damages a copy of a spool at a few places, from single bits to
 *   lost pages, and has other processes read it and put a message in. They may
 *   die or turn in circles, as LMDB checks nothing; messages may be damaged or
 *   gone. But what spool_verify() takes for sound is what was put in, byte for
 *   byte, and a message whose spool_commit() succeeds is there.
 *   The seed of a round that fails is named: `damage 1 SEED` repeats it.
 */
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "fuzz/fuzz.h"
#include "fuzz/harm.h"
#include "spool/create.h"
#include "spool/record.h"
#include "spool/spool.h"

enum {
	MESSAGES = 60,
	RECIPIENTS_MAX = 3,
	PAGE = 4096,
	FILE_MAX = 16 << 20,
	NOW_MS = 1700000000,
	PATIENCE_MS = 10000, /* for the lock, which nobody else takes */
	CHILD_MS = 300,	     /* of the processor; a whole walk takes a few */
	CHILD_SEC = 60,	     /* however busy the machine is */
	PUT_EVERY = 4,	     /* rounds; each waits for the disk */
};

/* What a child has found out, even if it died of it. */
static struct findings {
	uint64_t sound;	    /* messages that verify */
	uint64_t stored_id; /* of the one that was put in; 0: none was */
	bool is_forged;	    /* one that verifies is none that was put in */
} * found;

static char dir[64];
static char spool_dir[sizeof(dir) + 8];

/* ---- messages --------------------------------------------------------- */

/* Everything about message n follows from n, so it can be made again. */
static void
make_text(unsigned int n, struct buf *out)
{
	static const size_t lens[] = {0, 20, 300, 3000, 4080, 9000, 40000};
	const size_t len = lens[n % ARRAY_LEN(lens)];
	uint32_t random = n + 1;

	while (out->len < len)
		buf_add_format(
		    out, "%u: %08x\n", n, (unsigned int)fuzz_random(&random));
}

static void
make_envelope(unsigned int n, uint64_t text_len, struct envelope *e)
{
	char address[64];

	envelope_init(e);
	snprintf(address, sizeof(address), "s%u@example.org", n);
	envelope_set_sender(e, address, strlen(address));
	for (unsigned int i = 0; i <= n % RECIPIENTS_MAX; i++) {
		snprintf(address, sizeof(address), "r%u@%u.example.org", i, n);
		envelope_add_recipient(e, address, strlen(address));
	}
	e->submitted_ms = NOW_MS + n;
	e->text_len = text_len;
	e->submitter = (struct submitter){.uid = n, .pid = n + 1};
}

/* Is this message as it was put in? */
static bool
is_original(const struct envelope *e, const struct buf *text)
{
	struct buf want_text = BUF_INIT;
	struct buf want = BUF_INIT;
	struct buf got = BUF_INIT;
	struct envelope original;
	unsigned int n;
	bool is_same;

	if (e->sender[0] != 's')
		return false;
	n = (unsigned int)strtoul(e->sender + 1, NULL, 10);
	make_text(n, &want_text);
	make_envelope(n, want_text.len, &original);
	record_encode_envelope(&original, &want);
	record_encode_envelope(e, &got);
	is_same = fuzz_is_equal(text, want_text.data, want_text.len) &&
		  fuzz_is_equal(&got, want.data, want.len);
	envelope_release(&original);
	buf_release(&want_text);
	buf_release(&want);
	buf_release(&got);
	return is_same;
}

/* ---- a sound spool ---------------------------------------------------- */

static struct spool *
open_spool(void)
{
	struct spool *s = NULL;

	FUZZ_CHECK(spool_open(spool_dir, &s) == 0);
	return s;
}

static int
begin(struct spool *s, enum spool_access access)
{
	return spool_begin(s, access, 1 << 20, clock_boot_ms() + PATIENCE_MS);
}

static int
put(struct spool *s, unsigned int n, uint64_t *id)
{
	struct buf text = BUF_INIT;
	struct spool_piece piece;
	struct envelope e;
	int rc;

	make_text(n, &text);
	make_envelope(n, text.len, &e);
	piece = (struct spool_piece){text.data, text.len};
	rc = spool_put(s, &e, &piece, 1, NOW_MS + n, id);
	envelope_release(&e);
	buf_release(&text);
	return rc;
}

/* Defer every third message, and remove every fifth. */
static void
change_some(struct spool *s)
{
	struct message_state state;
	struct envelope e;
	uint64_t id = 0;

	for (unsigned int i = 0; spool_next(s, &id) == 0; i++) {
		if (i % 5 == 4) {
			FUZZ_CHECK(spool_remove(s, id) == 0);
		} else if (i % 3 == 2) {
			FUZZ_CHECK(spool_get(s, id, &e, &state) == 0);
			state.phase = PHASE_DEFERRED;
			state.due_ms += 60000;
			FUZZ_CHECK(spool_set_state(s, id, &state) == 0);
			envelope_release(&e);
			state_release(&state);
		}
	}
}

static void
fill(unsigned int from, unsigned int to)
{
	struct spool *s = open_spool();
	uint64_t id;

	for (unsigned int n = from; n < to; n++) {
		FUZZ_CHECK(begin(s, SPOOL_WRITE) == 0);
		FUZZ_CHECK(put(s, n, &id) == 0);
		if (n % 10 == 9)
			change_some(s);
		FUZZ_CHECK(spool_commit(s) == 0);
	}
	spool_close(s);
}

static void
create(void)
{
	const struct spool_plan plan = {.uid = (uid_t)-1,
	    .gid = (gid_t)-1,
	    .site = "",
	    .settings = spool_settings_default};
	const char *tmp = getenv("TMPDIR");

	snprintf(
	    dir, sizeof(dir), "%.40s/spool-damage.XXXXXX", tmp ? tmp : "/tmp");
	FUZZ_CHECK(mkdtemp(dir) != NULL);
	snprintf(spool_dir, sizeof(spool_dir), "%s/spool", dir);
	FUZZ_CHECK(spool_create(spool_dir, &plan) == 0);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* ---- its file --------------------------------------------------------- */

static int
open_file(int flags)
{
	char path[sizeof(spool_dir) + sizeof(SPOOL_FILE)];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", spool_dir, SPOOL_FILE);
	fd = open(path, flags | O_CLOEXEC);
	FUZZ_CHECK(fd >= 0);
	return fd;
}

static void
load(struct buf *file)
{
	int fd = open_file(O_RDONLY);

	FUZZ_CHECK(io_read_all(fd, FILE_MAX, file) == 0);
	close(fd);
}

static void
store(const struct buf *file)
{
	/* Not O_TRUNC, for some file systems then write to the disk at once. */
	int fd = open_file(O_WRONLY);

	FUZZ_CHECK(io_write_all(fd, file->data, file->len) == 0);
	FUZZ_CHECK(ftruncate(fd, (off_t)file->len) == 0);
	close(fd);
}

/* ---- what children do ------------------------------------------------- */

static int
read_text(struct spool *s, uint64_t id, struct buf *text)
{
	uint32_t chunk = 0;
	int rc;

	do
		rc = spool_read_text(s, id, &chunk, text->len + PAGE, text);
	while (rc > 0 && text->len < FILE_MAX);
	return rc;
}

/* Is it sound, by what flushd asks before it sends? */
static bool
is_sound(struct spool *s, uint64_t id, struct buf *text)
{
	struct digest *d = digest_new();
	bool sound = false;

	if (read_text(s, id, text) == 0) {
		digest_add(d, text->data, text->len);
		sound = spool_verify(s, id, d) == 0;
	}
	digest_free(d);
	return sound;
}

static void
read_message(struct spool *s, uint64_t id)
{
	struct buf text = BUF_INIT;
	struct message_state state;
	struct envelope e;

	if (spool_get(s, id, &e, &state) < 0)
		return;
	if (is_sound(s, id, &text)) {
		if (!is_original(&e, &text))
			found->is_forged = true;
		found->sound++;
	}
	envelope_release(&e);
	state_release(&state);
	buf_release(&text);
}

static void
read_all(struct spool *s)
{
	struct spool_settings settings;
	struct spool_counters counters;
	int64_t next_due_ms;
	int64_t due_ms = 0;
	uint64_t id = 0;

	if (begin(s, SPOOL_READ) < 0)
		return;
	while (spool_next(s, &id) == 0)
		read_message(s, id);
	id = 0;
	while (spool_next_due(s, INT64_MAX, &due_ms, &id, &next_due_ms) == 0)
		read_message(s, id);
	if (spool_get_settings(s, &settings) < 0 ||
	    spool_get_counters(s, &counters) < 0)
		return;
}

static void
store_one(struct spool *s)
{
	uint64_t id = 0;

	if (begin(s, SPOOL_WRITE) == 0 && put(s, MESSAGES, &id) == 0 &&
	    spool_commit(s) == 0)
		found->stored_id = id;
}

static void
read_stored(struct spool *s)
{
	if (begin(s, SPOOL_READ) == 0)
		read_message(s, found->stored_id);
}

/* ---- children --------------------------------------------------------- */

enum fate { ENDED, HUNG, DIED };

NORETURN static void
act_as_child(void (*act)(struct spool *s))
{
	const struct itimerval timer = {.it_value.tv_usec = CHILD_MS * 1000};
	const struct rlimit no_core = {0};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	/* A sanitizer has much to say of what LMDB does with such a file. */
	if (null < 0 || dup2(null, STDERR_FILENO) < 0 ||
	    setrlimit(RLIMIT_CORE, &no_core) < 0 ||
	    setitimer(ITIMER_PROF, &timer, NULL) < 0)
		_exit(EXIT_FAILURE);
	alarm(CHILD_SEC);
	act(open_spool());
	_exit(EXIT_SUCCESS);
}

/* Have a process of its own do this to the spool. */
static enum fate
run(void (*act)(struct spool *s))
{
	int status;
	pid_t pid = fork();

	FUZZ_CHECK(pid >= 0);
	if (pid == 0)
		act_as_child(act);
	FUZZ_CHECK(waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
		return HUNG;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? ENDED : DIED;
}

/* ---- rounds ----------------------------------------------------------- */

struct tally {
	unsigned int fates[DIED + 1]; /* of those who read all */
	unsigned int stored;
	uint64_t sound;
};

/* NULL, or what must not be. */
static const char *
read_round(struct tally *t)
{
	enum fate fate;

	*found = (struct findings){0};
	fate = run(read_all);
	t->fates[fate]++;
	if (fate == ENDED)
		t->sound += found->sound;
	return found->is_forged ? "a message that nobody put in" : NULL;
}

static const char *
put_round(struct tally *t)
{
	enum fate fate;

	*found = (struct findings){0};
	run(store_one);
	if (found->stored_id == 0)
		return NULL;
	t->stored++;
	fate = run(read_stored);
	return fate == ENDED && found->sound == 1 && !found->is_forged
		   ? NULL
		   : "a message that was stored is not there";
}

static unsigned long
number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || end == text) {
		fprintf(stderr, "usage: damage ROUNDS [SEED]\n");
		exit(EXIT_FAILURE);
	}
	return n;
}

static void
describe(const struct tally *t, const struct tally *whole)
{
	printf("%u readers died, %u hung, %u found %.1f%% of the messages "
	       "sound; %u were stored\n",
	    t->fates[DIED], t->fates[HUNG], t->fates[ENDED],
	    100.0 * (double)t->sound / ((double)whole->sound * t->fates[ENDED]),
	    t->stored);
}

int
main(int argc, char **argv)
{
	const unsigned long rounds = number(argc > 1 ? argv[1] : "");
	const unsigned long seed = argc > 2 ? number(argv[2]) : 1;
	struct buf old = BUF_INIT;
	struct buf now = BUF_INIT;
	struct buf file = BUF_INIT;
	struct tally whole = {0};
	struct tally t = {0};
	int status = EXIT_SUCCESS;

	found = mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	FUZZ_CHECK(found != MAP_FAILED);
	create();
	fill(0, MESSAGES / 2);
	load(&old);
	fill(MESSAGES / 2, MESSAGES);
	load(&now);
	FUZZ_CHECK(!read_round(&whole) && whole.sound > MESSAGES);
	FUZZ_CHECK(old.len <= now.len);
	for (unsigned long i = 0; i < rounds; i++) {
		const char *wrong;

		buf_clear(&file);
		buf_add(&file, now.data, now.len);
		harm_do(&file, &old, (uint32_t)(seed + i));
		store(&file);
		wrong = read_round(&t);
		if (!wrong && (i + seed) % PUT_EVERY == 0)
			wrong = put_round(&t);
		if (wrong) {
			printf("seed %lu: %s\n", seed + i, wrong);
			status = EXIT_FAILURE;
		}
	}
	describe(&t, &whole);
	FUZZ_CHECK(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
	buf_release(&old);
	buf_release(&now);
	buf_release(&file);
	return status;
}
