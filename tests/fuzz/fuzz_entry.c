/* SPDX-License-Identifier: ISC */
/*
 * What mailq and flushctl show of a message in a hostile spool: an id of eight
 * bytes, the length of the envelope's record in two, that record, and the
 * state's. People get printable lines, which fit a terminal as wide as the id
 * says, programs one line of JSON.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "flushctl/entry_json.h"
#include "flushctl/local_time.h"
#include "fuzz/fuzz.h"
#include "mail/queue_id.h"
#include "spool/record.h"

static uint64_t
take_number(struct fuzz_input *in, int len)
{
	uint64_t number = 0;

	while (len-- > 0)
		number = number << 8 | fuzz_byte(in);
	return number;
}

static void
check_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK(text[i] >= ' ' && text[i] <= '~');
}

/* Two lines at least, none of them empty. */
static void
check_text(const struct entry *e)
{
	struct buf b = BUF_INIT;
	struct fuzz_input rest;
	struct fuzz_input line;
	size_t lines = 0;

	entry_add_text(&b, e, local_time_add);
	FUZZ_CHECK(b.len > 0 && b.data[b.len - 1] == '\n');
	rest = (struct fuzz_input){b.data, b.len};
	for (; rest.len > 0; lines++) {
		line = fuzz_until(&rest, '\n');
		FUZZ_CHECK(line.len > 0);
		check_printable(line.at, line.len);
	}
	FUZZ_CHECK(
	    lines <= 2 + (e->envelope ? 2 * e->state->recipient_count : 0));
	buf_release(&b);
}

static void
check_json(const struct entry *e)
{
	char id[QUEUE_ID_TEXT_MAX];
	struct buf b = BUF_INIT;
	json_error_t error;
	json_t *o;

	entry_add_json(&b, e, "");
	FUZZ_CHECK(b.len > 0 && b.data[b.len - 1] == '\n');
	check_printable(b.data, b.len - 1);
	o = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, &error);
	FUZZ_CHECK(json_is_object(o));
	FUZZ_CHECK(strcmp(json_string_value(json_object_get(o, "queue_id")),
		       queue_id_format(e->id, id)) == 0);
	if (e->envelope)
		FUZZ_CHECK(json_array_size(json_object_get(o, "recipients")) ==
			   e->state->recipient_count -
			       state_count(e->state, RECIPIENT_DELIVERED) -
			       state_count(e->state, RECIPIENT_REPORTED));
	json_decref(o);
	buf_release(&b);
}

/* On a terminal each line fits, but for an address that does not fit alone. */
static void
check_lines(const struct entry *e)
{
	struct entry shown = *e;
	struct buf b = BUF_INIT;
	struct fuzz_input rest;
	struct fuzz_input line;
	size_t width;

	shown.width = 1 + (int)(e->id % 200);
	width = shown.width > ENTRY_WIDTH_MIN ? (size_t)shown.width
					      : ENTRY_WIDTH_MIN;
	entry_add_text(&b, &shown, local_time_add);
	rest = (struct fuzz_input){b.data, b.len};
	while (rest.len > 0) {
		line = fuzz_until(&rest, '\n');
		FUZZ_CHECK(line.len > 0);
		check_printable(line.at, line.len);
		FUZZ_CHECK(line.len <= width ||
			   (line.at[0] == ' ' && line.at[1] != ' '));
	}
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	struct message_state state = {0};
	struct envelope envelope = {0};
	struct entry e = {.id = take_number(&in, 8)};
	size_t len = take_number(&in, 2);

	len = len < in.len ? len : in.len;
	if (record_decode_envelope(in.at, len, &envelope) == 0 &&
	    record_decode_state(in.at + len, in.len - len, &state) == 0 &&
	    envelope.recipient_count == state.recipient_count) {
		e.envelope = &envelope;
		e.state = &state;
	}
	check_text(&e);
	check_lines(&e);
	check_json(&e);
	envelope_release(&envelope);
	state_release(&state);
	return 0;
}
