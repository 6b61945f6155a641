/* SPDX-License-Identifier: ISC */
/*
 * What a relay says, as replies: the first byte chooses the pieces in which it
 * comes, the second how often the rest is said, so that limits are reached.
 * However it is cut, it is the same replies; all of it is bounded.
 */
#include <stdlib.h>
#include <string.h>

#include "flushd/smtp_reply.h"
#include "fuzz/fuzz.h"

enum { STREAM_MAX = SMTP_REPLY_MAX + 8192 };

static void
check_reply(const struct smtp_reply *r, enum smtp_reply_event event)
{
	const unsigned int class = smtp_reply_class(r);

	FUZZ_CHECK(r->text_len <= SMTP_REPLY_TEXT_MAX);
	FUZZ_CHECK(r->text[r->text_len] == '\0');
	FUZZ_CHECK(!fuzz_has_control(r->text, r->text_len));
	FUZZ_CHECK(r->line_len <= SMTP_REPLY_LINE_MAX);
	FUZZ_CHECK(r->len <= SMTP_REPLY_MAX);
	FUZZ_CHECK(r->status.class == 0 || r->status.class == class);
	FUZZ_CHECK(r->status.subject <= 999 && r->status.detail <= 999);
	if (event != SMTP_REPLY_LINE && event != SMTP_REPLY_COMPLETE)
		return;
	FUZZ_CHECK(r->code >= 200 && r->code <= 599);
	FUZZ_CHECK(r->line_len >= 3 && r->line_count > 0);
	FUZZ_CHECK((unsigned int)(r->line[0] - '0') == class);
	FUZZ_CHECK((r->line_len > 3 && r->line[3] == '-') ==
		   (event == SMTP_REPLY_LINE));
	FUZZ_CHECK(r->text_len >= 3 && memcmp(r->text, r->line, 3) == 0);
	FUZZ_CHECK(!memchr(r->line, '\0', r->line_len));
	FUZZ_CHECK(!memchr(r->line, '\n', r->line_len));
}

static void
add_event(
    struct buf *log, const struct smtp_reply *r, enum smtp_reply_event event)
{
	buf_add_format(log, "%d %u %u.%u.%u %zu %zu ", (int)event, r->code,
	    r->status.class, r->status.subject, r->status.detail, r->line_count,
	    r->len);
	buf_add(log, r->text, r->text_len);
	buf_add_char(log, '\n');
	buf_add(log, r->line, r->line_len);
	buf_add_char(log, '\n');
}

/* Replies on their way in. */
struct reading {
	struct smtp_reply reply;
	bool is_skipping; /* garbage, as behind a final dot */
	bool has_nul;	  /* the line so far */
	struct buf *log;
};

static void
take_event(struct reading *r, enum smtp_reply_event event)
{
	check_reply(&r->reply, event);
	if (event == SMTP_REPLY_MORE)
		return;
	FUZZ_CHECK(event == SMTP_REPLY_GARBAGE || !r->has_nul);
	r->has_nul = false;
	add_event(r->log, &r->reply, event);
	if (event == SMTP_REPLY_COMPLETE ||
	    (event == SMTP_REPLY_GARBAGE && !r->is_skipping))
		smtp_reply_init(&r->reply);
	else if (event == SMTP_REPLY_GARBAGE)
		smtp_reply_skip(&r->reply);
}

/* Read a piece as smtp.c does; false: the relay is given up. */
static bool
read_piece(struct reading *r, const char *data, size_t len)
{
	while (len > 0) {
		size_t used = 0;
		enum smtp_reply_event event =
		    smtp_reply_read(&r->reply, data, len, &used);

		FUZZ_CHECK(used > 0 && used <= len);
		if (event == SMTP_REPLY_TOO_LONG) {
			buf_add_str(r->log, "too long\n");
			return false;
		}
		r->has_nul |= memchr(data, '\0', used) != NULL;
		take_event(r, event);
		data += used;
		len -= used;
	}
	return true;
}

/* Write down what replies the stream has; random 0: read it whole. */
static void
read_all(const struct buf *stream, uint32_t random, bool is_skipping,
    struct buf *log)
{
	struct reading r = {.is_skipping = is_skipping, .log = log};
	bool goes_on = true;
	size_t at = 0;

	memset(&r.reply, 0x5a, sizeof(r.reply));
	smtp_reply_init(&r.reply);
	while (goes_on && at < stream->len) {
		size_t n = stream->len - at;
		char *exact;

		if (random)
			n = fuzz_piece(&random, n, 1 + (random >> 4) % 999);
		exact = fuzz_copy(stream->data + at, n);
		goes_on = read_piece(&r, exact, n);
		free(exact);
		at += n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	const uint32_t random = 1 + fuzz_byte(&in);
	const unsigned int times = 1 + fuzz_byte(&in);
	struct buf stream = BUF_INIT;
	struct buf whole = BUF_INIT;
	struct buf pieces = BUF_INIT;

	for (unsigned int i = 0; i < times && stream.len < STREAM_MAX; i++)
		buf_add(&stream, in.at, in.len);
	read_all(&stream, 0, times & 1, &whole);
	read_all(&stream, random, times & 1, &pieces);
	FUZZ_CHECK(fuzz_is_equal(&pieces, whole.data, whole.len));
	buf_release(&stream);
	buf_release(&whole);
	buf_release(&pieces);
	return 0;
}
