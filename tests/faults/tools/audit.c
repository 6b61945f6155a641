/* SPDX-License-Identifier: ISC */
/*
 * audit - what is in a spool, and whether it is whole
 *
 *   For each line on standard input, "read DIR" or "write DIR", it opens the
 *   spool DIR in a process of its own and prints
 *
 *     message TOKEN PHASE ATTEMPTS PENDING DELIVERED FAILED
 *     problem WORDS
 *     .
 *
 *   TOKEN is what stands before the @ of the sender, and says what the body
 *   must be (Letter.pm). A message that cannot be read, a body that is not
 *   that, counters, schedule and content that disagree, a crash and a hang are
 *   problems. "write" then submits a message of the sender probe.3 and looks
 *   at everything once more.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "spool/environment.h"
#include "spool/spool.h"

enum {
	PATIENCE_MS = 5000,
	HANG_SEC = 30,
	TOKEN_MAX = 64,
	MAP_LEN = 256 << 20,
	KEY_MESSAGE = 0x10, /* docs/spool-format.md */
	KEY_LEFTOVER = 0x12,
	PART_STATE_BYTE = 2,
};

/* What was counted, to be compared with what the spool says of itself. */
struct tally {
	uint64_t bytes;
	uint64_t count[PHASE_COUNT];
	uint64_t scheduled_count; /* messages that ought to be */
	uint64_t schedule_count;  /* entries in the schedule */
};

PRINTF_LIKE(1, 2) static void problem(const char *fmt, ...)
{
	va_list ap;

	printf("problem ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

/* ---- letters ------------------------------------------------------- */

/* The body of a letter is so many numbered lines: NAME.LINES. */
static void
add_body(struct buf *out, const char *token)
{
	const char *dot = strrchr(token, '.');
	unsigned long lines = dot ? strtoul(dot + 1, NULL, 10) : 0;

	for (unsigned long n = 1; n <= lines; n++)
		buf_add_format(
		    out, "line %08lu of %-30s, and no other\n", n, token);
}

static void
check_body(const char *token, const struct buf *text)
{
	const char *blank = strstr(text->data, "\n\n");
	const size_t header_len = blank ? (size_t)(blank + 2 - text->data) : 0;
	struct buf want = BUF_INIT;

	add_body(&want, token);
	if (text->len - header_len != want.len ||
	    memcmp(text->data + header_len, want.data, want.len) != 0)
		problem("%s: not the body that was given", token);
	buf_release(&want);
}

/* ---- messages ------------------------------------------------------ */

static void
get_token(const struct envelope *e, char *token)
{
	size_t len = strcspn(e->sender, "@");

	if (len >= TOKEN_MAX)
		len = TOKEN_MAX - 1;
	memcpy(token, e->sender, len);
	token[len] = '\0';
}

static void
check_text(
    struct spool *s, uint64_t id, const char *token, const struct envelope *e)
{
	struct digest *d = digest_new();
	struct buf text = BUF_INIT;
	uint32_t chunk = 0;
	int rc = spool_read_text(s, id, &chunk, e->text_len + 1, &text);

	digest_add(d, text.data, text.len);
	if (rc == 0)
		rc = spool_verify(s, id, d);
	if (rc == 0)
		check_body(token, &text);
	else
		problem("%s: text: %s", token, strerror(abs(rc)));
	buf_release(&text);
	digest_free(d);
}

static void
look_at_message(struct spool *s, uint64_t id, struct tally *t)
{
	struct message_state state;
	struct envelope e;
	char token[TOKEN_MAX];
	int rc = spool_get(s, id, &e, &state);

	if (rc < 0) {
		problem("message %ju: %s", (uintmax_t)id, strerror(-rc));
		return;
	}
	get_token(&e, token);
	printf("message %s %s %u %zu %zu %zu\n", token,
	    message_phase_names[state.phase], state.attempts,
	    state_count(&state, RECIPIENT_PENDING),
	    state_count(&state, RECIPIENT_DELIVERED),
	    state_count(&state, RECIPIENT_FAILED));
	check_text(s, id, token, &e);
	t->count[state.phase]++;
	if (state_is_scheduled(&state))
		t->scheduled_count++;
	envelope_release(&e);
	state_release(&state);
}

/* Each entry must be where its message says, and no entry be left over. */
static void
look_at_schedule(struct spool *s, struct tally *t)
{
	const int64_t doomsday_ms = INT64_MAX - SPOOL_DUE_HORIZON_MS - 1;
	int64_t next_ms;
	int64_t due_ms = 0;
	uint64_t id = 0;
	int rc;

	while ((rc = spool_next_due(s, doomsday_ms, &due_ms, &id, &next_ms)) ==
	       0) {
		struct message_state state;
		struct envelope e;

		t->schedule_count++;
		if (spool_get(s, id, &e, &state) < 0) {
			problem("schedule: there is no %ju", (uintmax_t)id);
			continue;
		}
		if (!state_is_scheduled(&state) || state.due_ms != due_ms)
			problem("schedule: %s is not due then", e.sender);
		envelope_release(&e);
		state_release(&state);
	}
	if (rc != -ENOENT)
		problem("schedule: %s", strerror(-rc));
}

static void
compare(const struct spool_counters *c, const struct tally *t)
{
	if (t->schedule_count != t->scheduled_count)
		problem("schedule: %ju entries, %ju messages are due",
		    (uintmax_t)t->schedule_count,
		    (uintmax_t)t->scheduled_count);
	if (c->bytes != t->bytes)
		problem("counters: %ju bytes, there are %ju",
		    (uintmax_t)c->bytes, (uintmax_t)t->bytes);
	for (int i = 0; i < PHASE_COUNT; i++)
		if (c->count[i] != t->count[i])
			problem("counters: %ju %s, there are %ju",
			    (uintmax_t)c->count[i], message_phase_names[i],
			    (uintmax_t)t->count[i]);
	if (c->is_doubtful)
		problem("counters: they doubt themselves");
}

/* ---- the file ------------------------------------------------------ */

/* Key by key, past spool.c: what belongs to no message is found here. */
static int
weigh(struct tally *t)
{
	struct environment e;
	MDB_cursor *cursor;
	MDB_val key;
	MDB_val value;
	int rc = environment_open(&e, SPOOL_FILE, false, MAP_LEN);

	if (rc < 0)
		return rc;
	rc = mdb_cursor_open(e.txn, e.dbi, &cursor);
	while (rc == 0 &&
	       (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		const unsigned char *k = key.mv_data;

		if (k[0] > KEY_LEFTOVER)
			problem("a key of an unknown kind");
		else if (k[0] == KEY_MESSAGE && k[9] != PART_STATE_BYTE)
			t->bytes += value.mv_size;
	}
	mdb_cursor_close(cursor);
	environment_close(&e);
	return rc == MDB_NOTFOUND ? 0 : environment_error(rc);
}

static int
look(struct spool *s)
{
	struct spool_counters counters;
	struct tally t = {0};
	uint64_t id = 0;
	int rc = spool_begin(s, SPOOL_READ, 0, clock_boot_ms() + PATIENCE_MS);

	if (rc < 0)
		return rc;
	while ((rc = spool_next(s, &id)) == 0)
		look_at_message(s, id, &t);
	look_at_schedule(s, &t);
	if (rc == -ENOENT)
		rc = spool_get_counters(s, &counters);
	spool_abort(s);
	if (rc == 0)
		rc = weigh(&t);
	if (rc == 0)
		compare(&counters, &t);
	return rc;
}

static int
submit_probe(struct spool *s)
{
	static const char sender[] = "probe.3@site.test";
	static const char recipient[] = "reader@example.org";
	struct buf text = BUF_INIT;
	struct envelope e;
	struct spool_piece piece;
	uint64_t id;
	int rc;

	buf_add_str(&text, "Subject: probe\n\n");
	add_body(&text, "probe.3");
	piece = (struct spool_piece){.data = text.data, .len = text.len};
	envelope_init(&e);
	envelope_set_sender(&e, sender, sizeof(sender) - 1);
	envelope_add_recipient(&e, recipient, sizeof(recipient) - 1);
	e.text_len = text.len;
	e.submitted_ms = clock_wall_ms();
	rc = spool_begin(
	    s, SPOOL_WRITE, text.len, clock_boot_ms() + PATIENCE_MS);
	if (rc == 0) {
		rc = spool_put(s, &e, &piece, 1, e.submitted_ms, &id);
		rc = rc == 0 ? spool_commit(s) : rc;
		spool_abort(s);
	}
	envelope_release(&e);
	buf_release(&text);
	return rc;
}

/* ---- requests ------------------------------------------------------ */

static void
audit(bool is_write, const char *dir)
{
	struct spool *s;
	int rc = spool_open(dir, &s);

	if (rc == 0) {
		rc = look(s);
		if (rc == 0 && is_write)
			rc = submit_probe(s);
		if (rc == 0 && is_write) {
			printf("again\n");
			rc = look(s);
		}
		spool_close(s);
	}
	if (rc < 0)
		problem("the spool: %s", strerror(-rc));
}

/* LMDB checks no page: a damaged file may kill or hang who reads it. */
static void
audit_apart(bool is_write, const char *dir)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		alarm(HANG_SEC);
		audit(is_write, dir);
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		problem("no process to look with: %s", strerror(errno));
	else if (WIFSIGNALED(status))
		problem("died of signal %d", WTERMSIG(status));
	else if (status != 0)
		problem("exit status %d", WEXITSTATUS(status));
	printf(".\n");
	fflush(stdout);
}

int
main(void)
{
	char line[4096];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "read ", 5) == 0) {
			audit_apart(false, line + 5);
		} else if (strncmp(line, "write ", 6) == 0) {
			audit_apart(true, line + 6);
		} else {
			fprintf(stderr, "audit: what is '%s'?\n", line);
			return 2;
		}
	}
	return 0;
}
