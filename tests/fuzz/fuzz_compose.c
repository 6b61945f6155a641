/* SPDX-License-Identifier: ISC */
/*
 * From what was handed in to what is stored: the first line of the input is
 * the command line, words between NULs, the rest is the message. What is
 * accepted can be stored and read again, and what was handed in is still there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/command_line.h"
#include "fuzz/fuzz.h"
#include "fuzz/storable.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/text.h"
#include "sendmail/compose.h"

#define HOST "host.example"

/* ---- the header ------------------------------------------------------- */

static bool
is_one_of(const struct header_field *f, const char *const *names)
{
	for (; *names; names++) {
		if (header_is(f, *names))
			return true;
	}
	return false;
}

static bool
is_removed(const struct header_field *f)
{
	static const char *const names[] = {
	    "Bcc", "Resent-Bcc", "Return-Path", NULL};

	return is_one_of(f, names);
}

static bool
has_field(struct header_cursor c, const char *name)
{
	struct header_field f;

	while (header_next(&c, &f)) {
		if (header_is(&f, name))
			return true;
	}
	return false;
}

/* Step over the lines in front that an mbox has there. */
static void
skip_mbox_lines(struct header_cursor *c)
{
	struct header_cursor next;
	struct header_field f;

	for (;;) {
		const char *lf = memchr(c->at, '\n', c->len);
		size_t quotes = 0;

		next = *c;
		if (!lf || header_next(&next, &f))
			return;
		while (c->at[quotes] == '>')
			quotes++;
		if (strncmp(c->at + quotes, "From ", 5) != 0)
			return;
		c->len -= (size_t)(lf + 1 - c->at);
		c->at = lf + 1;
	}
}

/* Take fields until one is as this. */
static bool
find_same(struct header_cursor *c, const struct header_field *want)
{
	struct header_field f;

	while (header_next(c, &f)) {
		if (f.raw_len == want->raw_len &&
		    memcmp(f.raw, want->raw, f.raw_len) == 0)
			return true;
	}
	return false;
}

/* A From that was added names the sender, whatever else it says. */
static void
take_from(void *context, const char *address, size_t len)
{
	const struct envelope *e = context;
	const char *want = *e->sender ? e->sender : "MAILER-DAEMON@" HOST;

	FUZZ_CHECK(strlen(want) == len && memcmp(want, address, len) == 0);
}

static void
check_from(struct header_cursor c, struct envelope *e)
{
	struct header_field f;

	while (header_next(&c, &f)) {
		if (header_is(&f, "From"))
			FUZZ_CHECK(address_parse_list(f.value, f.value_len,
				       take_from, e) == 0);
	}
}

/* Each field that was handed in is there, in its place; c: and the header. */
static void
check_header(
    struct header_cursor *given, struct header_cursor *c, struct envelope *e)
{
	static const char *const needed[] = {"From", "Date", "Message-ID"};
	const struct header_cursor given_start = *given;
	const struct header_cursor start = *c;
	struct header_cursor rest = *c;
	struct header_field f;

	while (header_next(given, &f))
		FUZZ_CHECK(is_removed(&f) || find_same(&rest, &f));
	while (header_next(c, &f))
		FUZZ_CHECK(!is_removed(&f));
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		FUZZ_CHECK(has_field(start, needed[i]));
	if (!has_field(given_start, "From"))
		check_from(start, e);
}

/* ---- the text --------------------------------------------------------- */

static void
join(const struct composed *m, struct buf *out)
{
	FUZZ_CHECK(m->piece_count <= COMPOSE_PIECES_MAX);
	for (size_t i = 0; i < m->piece_count; i++)
		buf_add(out, m->pieces[i].data, m->pieces[i].len);
}

static void
check_composed(struct composed *m, struct header_cursor given)
{
	struct buf record = BUF_INIT;
	struct buf text = BUF_INIT;
	struct header_cursor c;

	storable_check(&m->envelope, &record);
	buf_release(&record);
	join(m, &text);
	FUZZ_CHECK(m->envelope.text_len == text.len);
	FUZZ_CHECK(text.len > 0 && text.data[text.len - 1] == '\n');
	FUZZ_CHECK(!memchr(text.data, '\r', text.len));
	FUZZ_CHECK(!memchr(text.data, '\0', text.len));
	skip_mbox_lines(&given);
	c = (struct header_cursor){text.data, text.len};
	check_header(&given, &c, &m->envelope);
	/* An empty line follows, then the body as it was. */
	FUZZ_CHECK(c.len == 0 || *c.at == '\n');
	if (given.len > 0 && *given.at != '\n') {
		c.at++;
		c.len--;
	}
	FUZZ_CHECK(c.len == given.len);
	FUZZ_CHECK(c.len == 0 || memcmp(c.at, given.at, c.len) == 0);
	buf_release(&text);
}

static void
compose_text(const struct options *o, const char *text, size_t len)
{
	const struct submitter submitter = {.uid = 33, .pid = 1};
	struct identity identity = {BUF_INIT, BUF_INIT, BUF_INIT};
	const struct compose_input in = {.text = fuzz_copy(text, len),
	    .len = len,
	    .options = o,
	    .identity = &identity,
	    .submitter = &submitter,
	    .now_ms = INT64_C(1700000000000),
	    .random = 1};
	struct buf why = BUF_INIT;
	struct composed m;
	int code;

	buf_add_str(&identity.user, "user");
	buf_add_str(&identity.host, HOST);
	buf_add_str(&identity.name, "J. \xc3\xa9 \"U\"");
	code = compose(&in, &m, &why);
	command_line_check_why(code, &why);
	if (code == 0)
		check_composed(&m, (struct header_cursor){text, len});
	compose_release(&m);
	free(in.text);
	buf_release(&why);
	identity_release(&identity);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	struct command_line c;
	struct options o;

	command_line_init(&c, fuzz_until(&in, '\n'));
	if (command_line_parse(&c, &o) == 0 && o.mode == OPTIONS_SUBMIT) {
		/* One byte more, as it may need an LF. */
		char *text = fuzz_copy_with_room(in.at, in.len, 1);
		size_t len = in.len;

		if (text_canonicalize(text, &len,
			o.is_dot_literal ? TEXT_DOTS_LITERAL : TEXT_DOTS_END) ==
		    0)
			compose_text(&o, text, len);
		free(text);
	}
	options_release(&o);
	command_line_release(&c);
	return 0;
}
