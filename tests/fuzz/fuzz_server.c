/* SPDX-License-Identifier: ISC */
/*
 * A hostile client of sendmail -bs: the first byte chooses limits and pieces,
 * the rest is what the client says. Each command has one reply, a text ends
 * where it must and nowhere else, and what is accepted can be stored. The
 * session is held byte by byte and then in pieces, which must not matter.
 */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "fuzz/fuzz.h"
#include "fuzz/storable.h"
#include "sendmail/server.h"

struct session {
	struct server *s;
	struct server_limits limits;
	struct buf log; /* replies, messages and verdicts */
	size_t log_at;	/* where what is new in it begins */
	bool is_over;	/* a reply has said so */
	unsigned int messages;
};

/* ---- replies ---------------------------------------------------------- */

/* Move the replies into the log; how many they are. */
static unsigned int
take_replies(struct session *t)
{
	struct buf *out = server_output(t->s);
	struct fuzz_input rest = {out->data, out->len};
	struct fuzz_input line;
	unsigned int count = 0;

	FUZZ_CHECK(out->len == 0 || out->data[out->len - 1] == '\n');
	while (rest.len > 0) {
		line = fuzz_until(&rest, '\n');
		FUZZ_CHECK(line.len > 5 && line.at[line.len - 1] == '\r');
		FUZZ_CHECK(!fuzz_has_control(line.at, line.len - 1));
		FUZZ_CHECK(strchr("2345", line.at[0]) && line.at[0]);
		FUZZ_CHECK(line.at[3] == ' ' || line.at[3] == '-');
		FUZZ_CHECK(!t->is_over);
		count += line.at[3] == ' ';
		t->is_over = memcmp(line.at, "421 ", 4) == 0 ||
			     memcmp(line.at, "221 ", 4) == 0;
		/* That it is over is said behind the reply. */
		count -= memcmp(line.at, "421 ", 4) == 0;
	}
	t->log_at = t->log.len;
	buf_add(&t->log, out->data, out->len);
	buf_clear(out);
	return count;
}

static bool
has_replied(const struct session *t, const char *code)
{
	return strncmp(t->log.data + t->log_at, code, 3) == 0;
}

/* ---- messages --------------------------------------------------------- */

static void
take_message(struct session *t)
{
	struct envelope *e = server_envelope(t->s);
	const struct buf *text = server_text(t->s);

	FUZZ_CHECK(e->recipient_count > 0);
	FUZZ_CHECK(e->recipient_count <= t->limits.recipients_max);
	FUZZ_CHECK(text->len <= t->limits.text_bytes_max);
	storable_check(e, &t->log);
	buf_add(&t->log, text->data, text->len);
	if (server_forgotten_bytes(t->s) > 0)
		server_refuse(t->s, EX_UNAVAILABLE, "the message is too long");
	else if (t->messages++ % 3 == 2)
		server_refuse(t->s, EX_CANTCREAT, "the disk is full");
	else
		server_accept(t->s, "ABC");
	FUZZ_CHECK(take_replies(t) == 1);
}

/*
 * Read a text as RFC 5321 has it: lines end in CRLF, or in LF where the client
 * is one of Unix. How many bytes that takes; 0: its end is not there.
 */
static size_t
read_text(struct fuzz_input in, bool is_unix, struct buf *out)
{
	const char *start = in.at;
	const char *ending = is_unix ? "\n" : "\r\n";
	const size_t ending_len = strlen(ending);
	const char *end;

	while ((end = memmem(in.at, in.len, ending, ending_len))) {
		struct fuzz_input line = {
		    in.at, (size_t)(end - in.at) + ending_len};
		const size_t len = (size_t)(end - in.at);

		in.at += line.len;
		in.len -= line.len;
		if (*line.at == '.' &&
		    (len == 1 || (is_unix && len == 2 && line.at[1] == '\r')))
			return (size_t)(in.at - start);
		if (*line.at == '.')
			fuzz_byte(&line);
		buf_add(out, line.at, line.len);
	}
	return 0;
}

/* ---- byte by byte ----------------------------------------------------- */

/* The text that is coming in. */
struct text {
	const char *start; /* NULL: none is */
	bool is_unix;
};

/* The text has ended in front of at: there, and as it should be? */
static void
check_text(const struct session *t, const struct text *text, const char *at)
{
	struct buf want = BUF_INIT;
	const struct buf *got = server_text(t->s);
	const size_t len = (size_t)(at - text->start);

	FUZZ_CHECK(read_text((struct fuzz_input){text->start, len},
		       text->is_unix, &want) == len);
	if (want.len <= t->limits.text_bytes_max)
		FUZZ_CHECK(fuzz_is_equal(got, want.data, want.len));
	FUZZ_CHECK(server_forgotten_bytes(t->s) ==
		   (want.len > t->limits.text_bytes_max ? want.len : 0));
	buf_release(&want);
}

/* A byte was taken that stood in front of at. */
static void
watch_byte(struct session *t, enum server_want want, struct text *text,
    const char *start, const char *at)
{
	const bool is_line_end = at[-1] == '\n';
	unsigned int replies;

	if (want == SERVER_WANT_VERDICT) {
		FUZZ_CHECK(text->start && server_output(t->s)->len == 0);
		check_text(t, text, at);
		take_message(t);
		text->start = NULL;
		return;
	}
	replies = take_replies(t);
	FUZZ_CHECK(replies == (!text->start && is_line_end));
	if (replies && has_replied(t, "354"))
		*text = (struct text){at, at - start < 2 || at[-2] != '\r'};
}

/* Without input, what is wanted is what was. */
static bool
is_over(struct session *t)
{
	size_t used = 1;
	enum server_want want = server_input(t->s, "", 0, &used);

	FUZZ_CHECK(used == 0 && want != SERVER_WANT_VERDICT);
	FUZZ_CHECK(t->is_over == (want == SERVER_WANT_NOTHING));
	return t->is_over;
}

static void
talk_in_bytes(struct session *t, struct fuzz_input in)
{
	const char *start = in.at;
	struct buf rest = BUF_INIT;
	struct text text = {0};

	while (in.len > 0 && !is_over(t)) {
		char byte = (char)fuzz_byte(&in);
		size_t used = 0;
		enum server_want want = server_input(t->s, &byte, 1, &used);

		FUZZ_CHECK(used == 1);
		watch_byte(t, want, &text, start, in.at);
	}
	if (text.start)
		FUZZ_CHECK(read_text((struct fuzz_input){text.start,
					 (size_t)(in.at - text.start)},
			       text.is_unix, &rest) == 0);
	buf_release(&rest);
}

/* ---- in pieces -------------------------------------------------------- */

static enum server_want
talk_piece(struct session *t, const char *data, size_t len)
{
	enum server_want want;
	size_t used = 0;

	do {
		want = server_input(t->s, data, len, &used);
		FUZZ_CHECK(used <= len);
		FUZZ_CHECK(used == len || want != SERVER_WANT_INPUT);
		data += used;
		len -= used;
		take_replies(t);
		if (want == SERVER_WANT_VERDICT)
			take_message(t);
	} while (len > 0 && want != SERVER_WANT_NOTHING);
	return want;
}

static void
talk_in_pieces(struct session *t, struct fuzz_input in, uint32_t random)
{
	enum server_want want = SERVER_WANT_INPUT;

	while (in.len > 0 && want != SERVER_WANT_NOTHING) {
		size_t n = fuzz_piece(&random, in.len, 1 + random % 400);
		char *exact = fuzz_copy(in.at, n);

		want = talk_piece(t, exact, n);
		free(exact);
		in.at += n;
		in.len -= n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	const unsigned char chosen = fuzz_byte(&in);
	struct session t[2];

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		t[i] = (struct session){.log = BUF_INIT,
		    .limits = {chosen & 1 ? 10 : 1000, chosen & 2 ? 2 : 100}};
		t[i].s = server_new("host.example", &t[i].limits);
		FUZZ_CHECK(take_replies(&t[i]) == 1);
	}
	talk_in_bytes(&t[0], in);
	talk_in_pieces(&t[1], in, 1 + chosen);
	FUZZ_CHECK(fuzz_is_equal(&t[1].log, t[0].log.data, t[0].log.len));
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		server_free(t[i].s);
		buf_release(&t[i].log);
	}
	return 0;
}
