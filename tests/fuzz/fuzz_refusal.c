/* SPDX-License-Identifier: ISC */
/*
 * A line of refused.log: numbers, then the recipient and the reason, with a NUL
 * between them. It is one line, printable, bounded, and each value ends where
 * its quotes do.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "sendmail/refusal.h"

static uint64_t
take_number(struct fuzz_input *in)
{
	uint64_t number = 0;

	for (int i = 0; i < 8; i++)
		number = number << 8 | fuzz_byte(in);
	return number;
}

static char *
take_text(struct fuzz_input *in)
{
	struct fuzz_input text = fuzz_until(in, '\0');
	char *copy = fuzz_copy_with_room(text.at, text.len, 1);

	copy[text.len] = '\0';
	return copy;
}

/* key="value" KEY="VALUE": nothing in a value may look like its end. */
static void
check_quotes(const char *line, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += line[i] == '"';
	FUZZ_CHECK(count == 4);
	FUZZ_CHECK(line[len - 1] == '"');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	struct refusal r = {.now_ms = (int64_t)take_number(&in),
	    .uid = (uid_t)take_number(&in),
	    .exit_code = fuzz_byte(&in),
	    .size = take_number(&in)};
	char *line = fuzz_copy_with_room("", 0, REFUSAL_LINE_MAX);
	char *recipient = take_text(&in);
	char *reason = take_text(&in);
	size_t len;

	r.recipient = recipient;
	r.reason = reason;
	len = refusal_format(&r, line);
	FUZZ_CHECK(len > 1 && len <= REFUSAL_LINE_MAX);
	FUZZ_CHECK(line[len - 1] == '\n');
	for (size_t i = 0; i < len - 1; i++)
		FUZZ_CHECK(line[i] >= ' ' && line[i] <= '~');
	check_quotes(line, len - 1);
	free(line);
	free(recipient);
	free(reason);
	return 0;
}
