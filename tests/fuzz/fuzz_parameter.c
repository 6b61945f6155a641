/* SPDX-License-Identifier: ISC */
/*
 * Values of parameters: the first byte chooses which, the rest is one. What is
 * taken is valid, and once written again it is read as the same; what is not
 * leaves no trace.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "mail/parameter.h"

/* A value must not end its parameter, or the command. */
static void
check_value(const struct buf *value, size_t max)
{
	FUZZ_CHECK(value->len > 0 && value->len <= max);
	for (size_t i = 0; i < value->len; i++)
		FUZZ_CHECK(value->data[i] > ' ' && value->data[i] <= '~');
}

static void
check_notify(const char *value, size_t len)
{
	struct buf written = BUF_INIT;
	unsigned int notify = 4711;
	unsigned int again = 0;

	if (parameter_parse_notify(value, len, &notify) < 0) {
		FUZZ_CHECK(notify == 4711);
		return;
	}
	FUZZ_CHECK(parameter_notify_is_valid(notify));
	parameter_add_notify(&written, notify);
	check_value(&written, strlen("SUCCESS,FAILURE,DELAY"));
	FUZZ_CHECK(
	    parameter_parse_notify(written.data, written.len, &again) == 0);
	FUZZ_CHECK(again == notify);
	buf_release(&written);
}

static void
check_ret(const char *value, size_t len)
{
	enum parameter_ret ret = RET_COUNT;
	enum parameter_ret again = RET_COUNT;

	if (parameter_parse_ret(value, len, &ret) < 0) {
		FUZZ_CHECK(ret == RET_COUNT);
		return;
	}
	FUZZ_CHECK(ret != RET_UNSPECIFIED && ret < RET_COUNT);
	FUZZ_CHECK(parameter_parse_ret(parameter_ret_names[ret],
		       strlen(parameter_ret_names[ret]), &again) == 0);
	FUZZ_CHECK(again == ret);
}

static void
check_body(const char *value, size_t len)
{
	enum parameter_body body = BODY_COUNT;
	enum parameter_body again = BODY_COUNT;

	if (parameter_parse_body(value, len, &body) < 0) {
		FUZZ_CHECK(body == BODY_COUNT);
		return;
	}
	FUZZ_CHECK(body != BODY_UNSPECIFIED && body < BODY_COUNT);
	FUZZ_CHECK(parameter_parse_body(parameter_body_names[body],
		       strlen(parameter_body_names[body]), &again) == 0);
	FUZZ_CHECK(again == body);
}

/* The two that hold text. */
struct text_kind {
	size_t max; /* bytes on the wire */
	bool (*is_valid)(const char *text, size_t len);
	int (*parse)(const char *value, size_t len, struct buf *out);
	void (*add)(struct buf *b, const char *text);
};

static const struct text_kind envid = {PARAMETER_ENVID_MAX,
    parameter_envid_is_valid, parameter_parse_envid, parameter_add_envid};
static const struct text_kind original = {PARAMETER_ORIGINAL_MAX,
    parameter_original_is_valid, parameter_parse_original,
    parameter_add_original};

/* What is valid can be written and read again. */
static void
check_text(const struct text_kind *k, const char *text, size_t len)
{
	struct buf copy = BUF_INIT;
	struct buf written = BUF_INIT;
	struct buf again = BUF_INIT;

	buf_add(&copy, text, len);
	FUZZ_CHECK(!fuzz_has_control(text, len));
	k->add(&written, copy.data);
	check_value(&written, k->max);
	FUZZ_CHECK(k->parse(written.data, written.len, &again) == 0);
	FUZZ_CHECK(fuzz_is_equal(&again, text, len));
	buf_release(&copy);
	buf_release(&written);
	buf_release(&again);
}

static void
check_text_value(const struct text_kind *k, const char *value, size_t len)
{
	static const char before[] = "before";
	const size_t before_len = sizeof(before) - 1;
	struct buf out = BUF_INIT;

	buf_add(&out, before, before_len);
	if (k->is_valid(value, len))
		check_text(k, value, len);
	if (k->parse(value, len, &out) < 0) {
		FUZZ_CHECK(fuzz_is_equal(&out, before, before_len));
	} else {
		FUZZ_CHECK(
		    k->is_valid(out.data + before_len, out.len - before_len));
		check_text(k, out.data + before_len, out.len - before_len);
	}
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	const unsigned char kind = fuzz_byte(&in) % 5;
	char *exact = fuzz_copy(in.at, in.len);

	if (kind == 0)
		check_notify(exact, in.len);
	else if (kind == 1)
		check_ret(exact, in.len);
	else if (kind == 2)
		check_body(exact, in.len);
	else
		check_text_value(kind == 3 ? &envid : &original, exact, in.len);
	free(exact);
	return 0;
}
