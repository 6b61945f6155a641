/* SPDX-License-Identifier: ISC */
/*
 * The walk through the fields of a record: the first bytes say which tags there
 * may be, the rest is the record. Every field that is handed over lies in the
 * record, in order and as often as it may; none is left out.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "fuzz/fuzz.h"
#include "spool/field.h"

enum { HEAD_LEN = 5, TAG_SKIPPABLE = 128 };

struct walk {
	const struct field_layout *layout;
	const char *at; /* behind the last field */
	const char *end;
	uint32_t seen;
	unsigned int refuse_at; /* which field is refused; 0: none */
	unsigned int count;
};

/* What a number must not be leaves what was there. */
static void
check_numbers(const struct field *f)
{
	const uint64_t max = UINT64_C(0x1234567890);
	uint64_t number = 1;
	uint32_t number32 = 2;
	int64_t ms = -3;
	bool flag = true;

	FUZZ_CHECK(
	    field_number(f, max, &number) == 0 ? number <= max : number == 1);
	FUZZ_CHECK(field_number32(f, 1000, &number32) == 0 ? number32 <= 1000
							   : number32 == 2);
	FUZZ_CHECK(field_time(f, &ms) == 0 ? ms >= 0 : ms == -3);
	FUZZ_CHECK(field_flag(f, &flag) == 0 || flag);
	FUZZ_CHECK(field_check_text(f, 10) < 0 || f->len <= 10);
}

/* Nothing stands between these two but whole fields that may be skipped. */
static void
check_skipped(const char *at, const char *end)
{
	while (at < end) {
		size_t len;

		FUZZ_CHECK(end - at >= HEAD_LEN);
		FUZZ_CHECK((unsigned char)*at >= TAG_SKIPPABLE);
		len = bytes_get_be32(at + 1);
		FUZZ_CHECK(len <= (size_t)(end - at) - HEAD_LEN);
		at += HEAD_LEN + len;
	}
}

static int
take(const struct field *f, void *record)
{
	struct walk *w = record;
	const uint32_t allowed = w->layout->required | w->layout->optional;
	const char *head = f->data - HEAD_LEN;

	FUZZ_CHECK(head >= w->at && f->len <= (size_t)(w->end - f->data));
	FUZZ_CHECK((unsigned char)*head == f->tag);
	FUZZ_CHECK(bytes_get_be32(head + 1) == f->len);
	check_skipped(w->at, head);
	FUZZ_CHECK(f->tag < 32 && (allowed & FIELD_SEEN(f->tag)));
	FUZZ_CHECK(!(w->seen & ~w->layout->repeated & FIELD_SEEN(f->tag)));
	check_numbers(f);
	w->seen |= FIELD_SEEN(f->tag);
	w->at = f->data + f->len;
	FUZZ_CHECK(w->refuse_at == 0 || w->count < w->refuse_at);
	return ++w->count == w->refuse_at ? -ENOTSUP : 0;
}

static uint32_t
take_mask(struct fuzz_input *in)
{
	uint32_t mask = 0;

	for (int i = 0; i < 4; i++)
		mask = mask << 8 | fuzz_byte(in);
	return mask;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	struct field_layout layout = {.take = take};
	struct walk w = {.layout = &layout};
	char *exact;
	int rc;

	layout.required = take_mask(&in);
	layout.optional = take_mask(&in);
	layout.repeated = take_mask(&in);
	w.refuse_at = fuzz_byte(&in) % 4;
	exact = fuzz_copy(in.at, in.len);
	w.at = exact;
	w.end = exact + in.len;
	rc = field_take_all(exact, in.len, &layout, &w);
	FUZZ_CHECK(rc == 0 || rc == -EBADMSG || rc == -ENOTSUP);
	FUZZ_CHECK(
	    (rc == -ENOTSUP) == (w.refuse_at != 0 && w.count == w.refuse_at));
	if (rc == 0) {
		FUZZ_CHECK((w.seen & layout.required) == layout.required);
		check_skipped(w.at, w.end);
	}
	free(exact);
	return 0;
}
