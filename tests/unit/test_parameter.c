/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mail/parameter.h"
#include "unit/suites.h"

/* ---- NOTIFY, RET, BODY ------------------------------------------------- */

static const struct {
	const char *value;
	const char *want; /* written again; NULL: refused */
} notifies[] = {
    {"NEVER", "NEVER"},
    {"never", "NEVER"},
    {"SUCCESS", "SUCCESS"},
    {"failure,delay", "FAILURE,DELAY"},
    {"DELAY,FAILURE,SUCCESS", "SUCCESS,FAILURE,DELAY"},
    {"delay,delay", "DELAY"},
    {"", NULL},
    {",", NULL},
    {"SUCCESS,", NULL},
    {",SUCCESS", NULL},
    {"SUCCESS FAILURE", NULL},
    {"SUCCESS, FAILURE", NULL},
    {"NEVER,SUCCESS", NULL},
    {"SUCCES", NULL},
    {"SUCCESSFUL", NULL},
    {"SUCCESS\r\nDATA", NULL},
};

START_TEST(notify_is_read_as_rfc_3461_has_it)
{
	const char *value = notifies[_i].value;
	const char *want = notifies[_i].want ? notifies[_i].want : "";
	struct buf again = BUF_INIT;
	unsigned int notify = 0;
	int rc = parameter_parse_notify(value, strlen(value), &notify);

	parameter_add_notify(&again, notify);
	ck_assert_msg(rc == (notifies[_i].want ? 0 : -EINVAL) &&
			  strcmp(again.data, want) == 0,
	    "%s: got %d and %s, want %s", value, rc, again.data, want);
	buf_release(&again);
}
END_TEST

START_TEST(a_value_is_read_to_its_length_only)
{
	enum parameter_body body = BODY_UNSPECIFIED;
	enum parameter_ret ret = RET_UNSPECIFIED;
	unsigned int notify = 0;

	ck_assert_int_eq(parameter_parse_notify("DELAY,NEVER", 5, &notify), 0);
	ck_assert_uint_eq(notify, NOTIFY_DELAY);
	ck_assert_int_eq(parameter_parse_ret("FULL;", 4, &ret), 0);
	ck_assert_int_eq(ret, RET_FULL);
	ck_assert_int_eq(parameter_parse_body("7BITS", 4, &body), 0);
	ck_assert_int_eq(body, BODY_7BIT);
}
END_TEST

static const struct {
	const char *value;
	int ret;
	int body;
} names[] = {
    {"HDRS", RET_HDRS, -EINVAL},
    {"hdrs", RET_HDRS, -EINVAL},
    {"Full", RET_FULL, -EINVAL},
    {"7BIT", -EINVAL, BODY_7BIT},
    {"8bitmime", -EINVAL, BODY_8BITMIME},
    {"", -EINVAL, -EINVAL},
    {"HDR", -EINVAL, -EINVAL},
    {"8BIT", -EINVAL, -EINVAL},
    {"BINARYMIME", -EINVAL, -EINVAL},
};

START_TEST(ret_and_body_are_words_of_their_own)
{
	const char *value = names[_i].value;
	enum parameter_body body = BODY_UNSPECIFIED;
	enum parameter_ret ret = RET_UNSPECIFIED;
	int rc = parameter_parse_ret(value, strlen(value), &ret);

	ck_assert_msg((rc < 0 ? rc : (int)ret) == names[_i].ret,
	    "RET=%s: got %d, %d", value, rc, (int)ret);
	rc = parameter_parse_body(value, strlen(value), &body);
	ck_assert_msg((rc < 0 ? rc : (int)body) == names[_i].body,
	    "BODY=%s: got %d, %d", value, rc, (int)body);
}
END_TEST

/* ---- ENVID, ORCPT ------------------------------------------------------ */

typedef int parse_fn(const char *value, size_t len, struct buf *out);
typedef void add_fn(struct buf *b, const char *text);

static const struct {
	const char *value;
	size_t len;
	const char *want; /* what it means; NULL: refused */
	const char *again;
} envids[] = {
    {"QQ314159", 8, "QQ314159", "QQ314159"},
    {"a+2Bb+3Dc", 9, "a+b=c", "a+2Bb+3Dc"},
    {"two+20words", 11, "two words", "two+20words"},
    {"+2b", 3, "+", "+2B"},
    {"+41", 3, "A", "A"},
    {"<x@y>", 5, "<x@y>", "<x@y>"},
    {"", 0, NULL, NULL},
    {"a+b", 3, NULL, NULL},
    {"a=b", 3, NULL, NULL},
    {"a b", 3, NULL, NULL},
    {"a+", 2, NULL, NULL},
    {"a+4", 3, NULL, NULL},
    {"a+4G", 4, NULL, NULL},
    {"+0D+0A", 6, NULL, NULL},
    {"a\r\nDATA", 7, NULL, NULL},
    {"a+00b", 5, NULL, NULL},
    {"a\0b", 3, NULL, NULL},
    {"+7F", 3, NULL, NULL},
    {"\x7f", 1, NULL, NULL},
    {"+E9", 3, NULL, NULL},
    {"\xc3\xa9", 2, NULL, NULL},
    {"+1B[2J", 6, NULL, NULL},
};

static void
check_text(parse_fn *parse, add_fn *add, const char *value, size_t len,
    const char *want, const char *want_again)
{
	struct buf text = BUF_INIT;
	struct buf again = BUF_INIT;
	int rc = parse(value, len, &text);

	ck_assert_msg(rc == (want ? 0 : -EINVAL), "%s: got %d", value, rc);
	ck_assert_msg(strcmp(text.data, want ? want : "") == 0,
	    "%s: got %s, want %s", value, text.data, want);
	if (want) {
		add(&again, text.data);
		ck_assert_str_eq(again.data, want_again);
	}
	buf_release(&text);
	buf_release(&again);
}

START_TEST(envid_is_kept_without_its_escapes)
{
	check_text(parameter_parse_envid, parameter_add_envid, envids[_i].value,
	    envids[_i].len, envids[_i].want, envids[_i].again);
}
END_TEST

static const struct {
	const char *value;
	size_t len;
	const char *want;
	const char *again;
} originals[] = {
    {"rfc822;joe@example.org", 22, "rfc822;joe@example.org",
	"rfc822;joe@example.org"},
    {"rfc822;joe+2Bx@y", 16, "rfc822;joe+x@y", "rfc822;joe+2Bx@y"},
    {"RFC822;+22a+20b+22@y", 20, "RFC822;\"a b\"@y", "RFC822;\"a+20b\"@y"},
    {"x400;a;b", 8, "x400;a;b", "x400;a;b"},
    {"utf-8;\\x{E9}@y", 14, "utf-8;\\x{E9}@y", "utf-8;\\x{E9}@y"},
    {"joe@example.org", 15, NULL, NULL},
    {"rfc822;", 7, NULL, NULL},
    {";joe@y", 6, NULL, NULL},
    {"", 0, NULL, NULL},
    {"rfc+2B822;joe@y", 15, NULL, NULL},
    {"rfc 822;joe@y", 13, NULL, NULL},
    {"rfc@822;joe@y", 13, NULL, NULL},
    {"rfc822;joe y", 12, NULL, NULL},
    {"rfc822;joe@y\r\nDATA", 18, NULL, NULL},
    {"rfc822;joe@y+0D+0ADATA", 22, NULL, NULL},
    {"rfc822;joe\0@y", 13, NULL, NULL},
    {"rfc822;+E9@y", 12, NULL, NULL},
};

START_TEST(original_is_kept_without_its_escapes)
{
	check_text(parameter_parse_original, parameter_add_original,
	    originals[_i].value, originals[_i].len, originals[_i].want,
	    originals[_i].again);
}
END_TEST

/* The limits are for what goes over the wire. */
START_TEST(limits_count_the_escapes)
{
	static const struct {
		const char *name;
		const char *start;
		char fill;
		size_t fill_len;
		bool is_original;
		bool want;
	} rows[] = {
	    {"ENVID of 100", "", 'x', 100, false, true},
	    {"ENVID of 101", "", 'x', 101, false, false},
	    {"33 escapes", "x", '+', 33, false, true},
	    {"34 escapes", "", '+', 34, false, false},
	    {"ORCPT of 500", "rfc822;", 'x', 493, true, true},
	    {"ORCPT of 501", "rfc822;", 'x', 494, true, false},
	    {"164 escapes", "rfc822;x", '=', 164, true, true},
	    {"165 escapes", "rfc822;", '=', 165, true, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf text = BUF_INIT;
		struct buf wire = BUF_INIT;
		struct buf again = BUF_INIT;
		parse_fn *parse = rows[i].is_original ? parameter_parse_original
						      : parameter_parse_envid;
		bool got;

		buf_add_str(&text, rows[i].start);
		for (size_t n = 0; n < rows[i].fill_len; n++)
			buf_add_char(&text, rows[i].fill);
		got = rows[i].is_original
			  ? parameter_original_is_valid(text.data, text.len)
			  : parameter_envid_is_valid(text.data, text.len);
		ck_assert_msg(
		    got == rows[i].want, "%s: got %d", rows[i].name, (int)got);
		parameter_add_envid(&wire, text.data);
		ck_assert_msg(parse(wire.data, wire.len, &again) ==
				  (rows[i].want ? 0 : -EINVAL),
		    "%s on the wire", rows[i].name);
		buf_release(&text);
		buf_release(&wire);
		buf_release(&again);
	}
}
END_TEST

/* Whoever wrote the spool: what is written cannot end the value. */
START_TEST(every_byte_is_written_as_xtext)
{
	for (int c = 1; c < 256; c++) {
		const char text[] = {(char)c, '\0'};
		struct buf wire = BUF_INIT;

		parameter_add_original(&wire, text);
		for (size_t i = 0; i < wire.len; i++)
			ck_assert_msg(wire.data[i] > 32 && wire.data[i] < 127,
			    "byte %d: got %s", c, wire.data);
		ck_assert_ptr_null(strchr(wire.data, '='));
		buf_release(&wire);
	}
}
END_TEST

/* ---- what may be kept -------------------------------------------------- */

START_TEST(never_stands_alone)
{
	for (unsigned int notify = 0; notify < 32; notify++)
		ck_assert_msg(parameter_notify_is_valid(notify) ==
				  (notify == NOTIFY_NEVER ||
				      (notify > 0 && notify < 16 &&
					  !(notify & NOTIFY_NEVER))),
		    "%u", notify);
}
END_TEST

START_TEST(what_is_refused_leaves_what_was_there)
{
	enum parameter_body body = BODY_7BIT;
	enum parameter_ret ret = RET_HDRS;
	unsigned int notify = NOTIFY_DELAY;
	struct buf out = BUF_INIT;

	buf_add_str(&out, "was there");
	ck_assert_int_lt(parameter_parse_notify("DELAY,x", 7, &notify), 0);
	ck_assert_int_lt(parameter_parse_ret("x", 1, &ret), 0);
	ck_assert_int_lt(parameter_parse_body("x", 1, &body), 0);
	ck_assert_int_lt(parameter_parse_envid("abc=", 4, &out), 0);
	ck_assert_int_lt(parameter_parse_original("rfc822;a=", 9, &out), 0);
	ck_assert_uint_eq(notify, NOTIFY_DELAY);
	ck_assert_int_eq(ret, RET_HDRS);
	ck_assert_int_eq(body, BODY_7BIT);
	ck_assert_str_eq(out.data, "was there");
	buf_release(&out);
}
END_TEST

Suite *
parameter_suite(void)
{
	Suite *s = suite_create("parameter");
	TCase *t = tcase_create("parameter");

	tcase_add_loop_test(
	    t, notify_is_read_as_rfc_3461_has_it, 0, (int)ARRAY_LEN(notifies));
	tcase_add_test(t, a_value_is_read_to_its_length_only);
	tcase_add_loop_test(
	    t, ret_and_body_are_words_of_their_own, 0, (int)ARRAY_LEN(names));
	tcase_add_loop_test(
	    t, envid_is_kept_without_its_escapes, 0, (int)ARRAY_LEN(envids));
	tcase_add_loop_test(t, original_is_kept_without_its_escapes, 0,
	    (int)ARRAY_LEN(originals));
	tcase_add_test(t, limits_count_the_escapes);
	tcase_add_test(t, every_byte_is_written_as_xtext);
	tcase_add_test(t, never_stands_alone);
	tcase_add_test(t, what_is_refused_leaves_what_was_there);
	suite_add_tcase(s, t);
	return s;
}
