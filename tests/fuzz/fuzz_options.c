/* SPDX-License-Identifier: ISC */
/*
 * The command line of sendmail(8), words between NULs, as a stranger's form may
 * make it. What is accepted means the same when it is written plainly.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/command_line.h"
#include "fuzz/fuzz.h"
#include "mail/address.h"

static void
check_address(const char *address)
{
	const size_t len = strlen(address);

	FUZZ_CHECK(address_is_valid(address, len));
	FUZZ_CHECK(!fuzz_has_control(address, len));
}

/* A name that is kept for later points into the words. */
static void
check_full_name(const struct options *o, const struct command_line *c)
{
	bool is_found = !o->full_name;

	for (int i = 1; i < c->argc && !is_found; i++) {
		const char *end = c->argv[i] + strlen(c->argv[i]);

		is_found = o->full_name >= c->argv[i] && o->full_name <= end;
	}
	FUZZ_CHECK(is_found);
}

static bool
has_dashes(const struct command_line *c)
{
	for (int i = 1; i < c->argc; i++) {
		if (strcmp(c->argv[i], "--") == 0)
			return true;
	}
	return false;
}

/* "-f sender -- recipients" is the same envelope. */
static void
check_plainly(const struct envelope *e)
{
	struct command_line again = {0};
	struct options o;
	struct buf words = BUF_INIT;

	buf_add_str(&words, "-f");
	buf_add_char(&words, '\0');
	buf_add_str(&words, e->sender);
	buf_add_char(&words, '\0');
	buf_add_str(&words, "--");
	for (size_t i = 0; i < e->recipient_count; i++) {
		buf_add_char(&words, '\0');
		buf_add_str(&words, e->recipients[i].address);
	}
	command_line_init(&again, (struct fuzz_input){words.data, words.len});
	FUZZ_CHECK(command_line_parse(&again, &o) == 0);
	FUZZ_CHECK(strcmp(o.envelope.sender, e->sender) == 0);
	FUZZ_CHECK(o.envelope.recipient_count == e->recipient_count);
	for (size_t i = 0; i < e->recipient_count; i++)
		FUZZ_CHECK(strcmp(o.envelope.recipients[i].address,
			       e->recipients[i].address) == 0);
	options_release(&o);
	command_line_release(&again);
	buf_release(&words);
}

static void
check_accepted(const struct options *o, const struct command_line *c)
{
	const struct envelope *e = &o->envelope;

	FUZZ_CHECK(o->mode <= OPTIONS_HELP);
	FUZZ_CHECK(o->mode == OPTIONS_SUBMIT || e->recipient_count == 0);
	FUZZ_CHECK(o->has_sender || !*e->sender);
	if (*e->sender)
		check_address(e->sender);
	FUZZ_CHECK(*e->sender != '-');
	for (size_t i = 0; i < e->recipient_count; i++) {
		check_address(e->recipients[i].address);
		FUZZ_CHECK(*e->recipients[i].address != '-' || has_dashes(c));
	}
	check_full_name(o, c);
	if (e->recipient_count < COMMAND_LINE_WORDS_MAX - 3)
		check_plainly(e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct command_line c;
	struct options o;

	command_line_init(&c, fuzz_input(data, size));
	if (command_line_parse(&c, &o) == 0)
		check_accepted(&o, &c);
	options_release(&o);
	command_line_release(&c);
	return 0;
}
