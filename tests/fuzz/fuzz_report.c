/* SPDX-License-Identifier: ISC */
/*
 * What a sender is told of a message in a hostile spool: a byte of flags, then
 * lines with whom it is for, a recipient, what the relay said, ORCPT and ENVID,
 * then the text. It is canonical text of three parts, in which nothing that is
 * not ours begins a field, or ends a part.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/report.h"

enum {
	IS_UTF8 = 1,
	IS_FULL = 2,
	IS_WHOLE = 4,
	HAS_REPLY = 8,
	ACTION = 16, /* and 32 */
	FRAME_MAX = 8192,
};

/* ---- what is reported ------------------------------------------------- */

struct sample {
	struct envelope envelope;
	struct report_recipient recipient;
	struct report report;
	char *to, *reply, *text;
};

/* What is no address cannot get here: the record would be damaged. */
static char *
take_address(struct fuzz_input *in)
{
	struct fuzz_input line = fuzz_until(in, '\n');
	char *text;

	if (!address_is_valid(line.at, line.len))
		line = (struct fuzz_input){"a@b", 3};
	text = fuzz_copy_with_room(line.at, line.len, 1);
	text[line.len] = '\0';
	return text;
}

/* Neither does a NUL get into a reply. */
static char *
take_reply(struct fuzz_input *in)
{
	struct fuzz_input line = fuzz_until(in, '\n');
	char *text = fuzz_copy_with_room(line.at, line.len, 1);

	text[line.len] = '\0';
	for (size_t i = 0; i < line.len; i++)
		if (text[i] == '\0')
			text[i] = '\n';
	return text;
}

static void
take_envelope(struct fuzz_input *in, struct envelope *e)
{
	char *address = take_address(in);
	struct recipient *r;
	struct fuzz_input line;

	envelope_init(e);
	r = envelope_add_recipient(e, address, strlen(address));
	line = fuzz_until(in, '\n');
	if (recipient_set_original(r, line.at, line.len) < 0)
		FUZZ_CHECK(!r->original);
	line = fuzz_until(in, '\n');
	if (envelope_set_envid(e, line.at, line.len) < 0)
		FUZZ_CHECK(!e->envid);
	free(address);
}

static void
take_sample(struct fuzz_input in, struct sample *s)
{
	const unsigned char flags = fuzz_byte(&in);

	s->to = take_address(&in);
	s->reply = take_reply(&in);
	take_envelope(&in, &s->envelope);
	s->envelope.is_smtputf8 = flags & IS_UTF8;
	s->envelope.ret = flags & IS_FULL ? RET_FULL : RET_UNSPECIFIED;
	s->text = fuzz_copy(in.at, in.len);
	s->recipient =
	    (struct report_recipient){.recipient = &s->envelope.recipients[0],
		.action = (enum report_action)(flags / ACTION % 3),
		.reply = flags & HAS_REPLY ? s->reply : NULL};
	s->report = (struct report){.host = "mx.test",
	    .relay = "127.0.0.1:25",
	    .id = "ID",
	    .to = s->to,
	    .envelope = &s->envelope,
	    .recipients = &s->recipient,
	    .recipient_count = 1,
	    .text = s->text,
	    .text_len = in.len,
	    .is_whole = flags & IS_WHOLE};
}

static void
release_sample(struct sample *s)
{
	envelope_release(&s->envelope);
	free(s->to);
	free(s->reply);
	free(s->text);
}

/* ---- what it is -------------------------------------------------------- */

/* Nothing but these begins a field, each as often as its column says. */
static const struct known {
	const char *name;
	size_t min, max;
} header_fields[] =
    {
	{"From", 1, 1},
	{"To", 1, 1},
	{"Subject", 1, 1},
	{"Date", 1, 1},
	{"Message-ID", 1, 1},
	{"In-Reply-To", 0, 1},
	{"References", 0, 1},
	{"Auto-Submitted", 1, 1},
	{"MIME-Version", 1, 1},
	{"Content-Type", 1, 1},
	{"Content-Transfer-Encoding", 0, 1},
	{NULL, 0, 0},
},
  part_fields[] =
      {
	  {"Content-Description", 1, 1},
	  {"Content-Type", 1, 1},
	  {"Content-Transfer-Encoding", 0, 1},
	  {NULL, 0, 0},
},
  message_fields[] =
      {
	  {"Original-Envelope-Id", 0, 1},
	  {"Reporting-MTA", 1, 1},
	  {"X-Queue-ID", 1, 1},
	  {"Arrival-Date", 1, 1},
	  {NULL, 0, 0},
},
  recipient_fields[] = {
      {"Original-Recipient", 0, 1},
      {"Final-Recipient", 1, 1},
      {"Action", 1, 1},
      {"Status", 1, 1},
      {"Remote-MTA", 1, 1},
      {"Diagnostic-Code", 0, 1},
      {"Last-Attempt-Date", 1, 1},
      {"Will-Retry-Until", 0, 1},
      {NULL, 0, 0},
};

/* The fields at *rest are these, and an empty line ends them. */
static void
check_fields(struct fuzz_input *rest, const struct known *known)
{
	struct header_cursor c = {rest->at, rest->len};
	size_t counts[16] = {0};
	struct header_field f;

	while (header_next(&c, &f)) {
		size_t i = 0;

		while (known[i].name && !header_is(&f, known[i].name))
			i++;
		FUZZ_CHECK(known[i].name);
		counts[i]++;
	}
	for (size_t i = 0; known[i].name; i++)
		FUZZ_CHECK(
		    counts[i] >= known[i].min && counts[i] <= known[i].max);
	FUZZ_CHECK(c.len > 0 && *c.at == '\n');
	*rest = (struct fuzz_input){c.at + 1, c.len - 1};
}

/* The boundary that the header names. */
static struct fuzz_input
find_boundary(const struct buf *b)
{
	static const char mark[] = "\n\tboundary=\"";
	const char *at = strstr(b->data, mark);
	const char *end;

	FUZZ_CHECK(at);
	at += sizeof(mark) - 1;
	end = strchr(at, '"');
	FUZZ_CHECK(end);
	return (struct fuzz_input){at, (size_t)(end - at)};
}

/* Step behind the line of the boundary: nothing, or "--", follows it. */
static struct fuzz_input
take_part(struct fuzz_input *rest, struct fuzz_input boundary, const char *tail)
{
	struct fuzz_input part = *rest;

	while (rest->len > 0) {
		struct fuzz_input line = fuzz_until(rest, '\n');

		if (line.len < 2 + boundary.len ||
		    memcmp(line.at, "--", 2) != 0 ||
		    memcmp(line.at + 2, boundary.at, boundary.len) != 0)
			continue;
		FUZZ_CHECK(line.len == 2 + boundary.len + strlen(tail));
		FUZZ_CHECK(memcmp(line.at + 2 + boundary.len, tail,
			       strlen(tail)) == 0);
		part.len = (size_t)(line.at - part.at);
		return part;
	}
	fuzz_fail(__FILE__, __LINE__, "there is a boundary");
}

static void
check_report(const struct buf *b)
{
	struct fuzz_input rest = {b->data, b->len};
	struct fuzz_input boundary = find_boundary(b);
	struct fuzz_input part;

	check_fields(&rest, header_fields);
	part = take_part(&rest, boundary, "");
	FUZZ_CHECK(part.len == 0);
	part = take_part(&rest, boundary, "");
	check_fields(&part, part_fields);
	part = take_part(&rest, boundary, "");
	check_fields(&part, part_fields);
	check_fields(&part, message_fields);
	check_fields(&part, recipient_fields);
	FUZZ_CHECK(part.len == 0);
	part = take_part(&rest, boundary, "--");
	check_fields(&part, part_fields);
	FUZZ_CHECK(rest.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sample s;
	struct buf b = BUF_INIT;

	take_sample(fuzz_input(data, size), &s);
	report_compose(&s.report, &b);
	FUZZ_CHECK(b.data[b.len - 1] == '\n');
	FUZZ_CHECK(
	    !memchr(b.data, '\0', b.len) && !memchr(b.data, '\r', b.len));
	FUZZ_CHECK(b.len <= 9 * size + FRAME_MAX);
	check_report(&b);
	buf_release(&b);
	release_sample(&s);
	return 0;
}
