/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "mail/address.h"
#include "mail/envelope.h"
#include "unit/suites.h"

/* ---- lists --------------------------------------------------------------- */

static const struct {
	const char *name, *list, *want; /* want: one address a line */
} lists[] = {
    {"bare_address", "joe@example.org", "joe@example.org\n"},
    {"address_in_angle_brackets", "<joe@x>", "joe@x\n"},
    {"display_name", "Joe Smith <j@x>", "j@x\n"},
    {"quoted_display_name", "\"Smith, Joe\" <j@x>", "j@x\n"},
    {"quoted_name_with_quotes", "\"a \\\"b\\\", c\" <j@x>", "j@x\n"},
    {"name_with_dot", "Joe J. Smith <j@x>", "j@x\n"},
    {"name_with_8_bit_bytes", "J\xc3\xb6rg <j@x>", "j@x\n"},
    {"name_in_encoded_words", "=?utf-8?q?J=2C?= <j@x>", "j@x\n"},
    {"address_as_display_name", "j@x <k@y>", "k@y\n"},
    {"name_behind_address", "Joe <j@x> Smith", "j@x\nSmith\n"},
    {"comma_separated", "a@b, c@d,e@f", "a@b\nc@d\ne@f\n"},
    {"semicolon_separated", "a@b; c@d", "a@b\nc@d\n"},
    {"blank_separated", "a@b c@d\te@f", "a@b\nc@d\ne@f\n"},
    {"bracketed_one_after_another", "A <a@b> B <c@d>", "a@b\nc@d\n"},
    {"folded_list", " a@b,\n\tC\n <c@d>", "a@b\nc@d\n"},
    {"empty_members", ",a@b,,;c@d,", "a@b\nc@d\n"},
    {"unquoted_comma_in_name", "Smith, Joe <j@x>", "Smith\nj@x\n"},
    {"local_user", "root", "root\n"},
    {"comment_behind", "j@x (Joe)", "j@x\n"},
    {"comment_in_front", "(Joe) j@x", "j@x\n"},
    {"comments_everywhere", "a(1).b(2)@(3)x(4).y(5)", "a.b@x.y\n"},
    {"nested_comments", "(a (b (c)) \\) d) j@x", "j@x\n"},
    {"comment_between_addresses", "a@b (c) d@e", "a@b\nd@e\n"},
    {"address_in_comment", "j@x (not k@y, l@z)", "j@x\n"},
    {"parenthesis_in_quotes", "\"joe (x\" <j@x>", "j@x\n"},
    {"blanks_around_dots", "a . b @ c . d", "a.b@c.d\n"},
    {"blanks_in_angle_brackets", "< a . b @ c >", "a.b@c\n"},
    {"route", "<@a,@b:c@d>", "c@d\n"},
    {"route_with_blanks", "X < @a , @b : c@d >", "c@d\n"},
    {"route_without_brackets", "@a:c@d", "c@d\n"},
    {"route_with_comment", "<(x)@a(y):(z)c@d>", "c@d\n"},
    {"route_to_nobody", "<@a:>", ""},
    {"at_sign_first_in_quotes_is_no_route", "\"@a:b\"@c", "\"@a:b\"@c\n"},
    {"colon_behind_word_is_no_route", "<a@b:c@d>", "\"a@b:c\"@d\n"},
    {"group", "G: a@b, C <c@d>;", "a@b\nc@d\n"},
    {"group_and_more", "G: a@b;, e@f", "a@b\ne@f\n"},
    {"two_groups", "G: a@b, c@d; H: e@f;", "a@b\nc@d\ne@f\n"},
    {"group_in_group", "G: H: a@b;", "a@b\n"},
    {"group_of_phrase", "\"Our\" list (x) : a@b;", "a@b\n"},
    {"group_behind_address", "a@b, G: c@d;, e@f", "a@b\nc@d\ne@f\n"},
    {"group_with_folds", "G:\n a@b,\n c@d\n ;", "a@b\nc@d\n"},
    {"empty_group", "undisclosed-recipients:;", ""},
    {"domain_literal", "joe@[192.0.2.1]", "joe@[192.0.2.1]\n"},
    {"ipv6_literal", "joe@[IPv6:::1]", "joe@[IPv6:::1]\n"},
    {"literal_with_blanks", "joe@[ 192.0.2.1\t]", "joe@[192.0.2.1]\n"},
    {"escape_in_literal", "joe@[a\\b]", "joe@[ab]\n"},
    {"tab_in_quotes", "\"a\tb\"@c", "\"a b\"@c\n"},
    {"fold_in_quotes", "\"a\n b\"@c", "\"a b\"@c\n"},
    {"blanks_at_the_ends_of_quotes", "\" a \"@c", "\" a \"@c\n"},
    {"quoted_words_with_dots", "\"a\".\"b c\".d@e", "\"a.b c.d\"@e\n"},
    {"quotes_without_need", "\"joe\"@x", "joe@x\n"},
    {"quotes_around_all", "\"joe@x\"", "joe@x\n"},
    {"blank_in_local_part", "\"joe smith\"@x", "\"joe smith\"@x\n"},
    {"quote_in_local_part", "\"a\\\"b\"@x", "\"a\\\"b\"@x\n"},
    {"backslash_in_local_part", "\"a\\\\b\"@x", "\"a\\\\b\"@x\n"},
    {"backslash_outside_quotes", "joe\\ smith@x", "\"joe smith\"@x\n"},
    {"at_sign_in_local_part", "\"a@b\"@c", "\"a@b\"@c\n"},
    {"two_at_signs", "a@b@c", "\"a@b\"@c\n"},
    {"dot_at_the_end_of_local_part", "joe.@x", "\"joe.\"@x\n"},
    {"plus_and_tags", "joe+tag=1@x", "joe+tag=1@x\n"},
    {"uucp_and_percent", "a!b%c@d", "a!b%c@d\n"},
    {"apostrophe", "o'neil@x", "o'neil@x\n"},
    {"utf8_address", "j\xc3\xb6rg@x", "j\xc3\xb6rg@x\n"},
    {"trailing_dot_of_domain", "joe@x.", "joe@x.\n"},
    {"null_address", "<>", ""},
    {"null_address_and_another", "<>, a@b", "a@b\n"},
    {"empty", "", ""},
    {"blanks_only", " \t\n ", ""},
    {"comment_only", "(nobody)", ""},
    /* What no RFC allows, as postfix's sendmail -t takes it. */
    {"unterminated_comment", "j@x (Joe, k@y", "j@x\n"},
    {"unterminated_quote", "\"joe", "joe\n"},
    {"unterminated_quote_around_name", "a@b, \"joe@x", "a@b\njoe@x\n"},
    {"unterminated_literal", "a@[1.2.3.4", "a@[1.2.3.4]\n"},
    {"backslash_at_the_end", "a@b\\", "a@b\n"},
    {"backslash_at_the_end_of_quotes", "a@b, \"joe\\", "a@b\njoe\n"},
    {"backslash_only", "\\", ""},
    {"bracket_never_closed", "<a@b", "\"<a\"@b\n"},
    {"bracket_never_opened", "a@b>", "a@b\n"},
    {"bracket_never_opened_and_name", "a@b> Joe <c@d>", "a@b\nc@d\n"},
    {"last_opening_bracket_counts", "x <y <a@b>", "a@b\n"},
    {"list_in_brackets", "<a@b, c@d>", "\"a@b,c\"@d\n"},
    {"blank_within_brackets", "<a b@c>", "ab@c\n"},
    {"parenthesis_never_opened", "a)b@c", "\"a)b\"@c\n"},
    {"group_without_end", "Foo: a@b", "\"Foo:a\"@b\n"},
    {"group_of_named_without_end", "Foo: A <a@b>, c@d", "Foo\na@b\nc@d\n"},
    {"colons_without_end", "A: B: <a@b>", "\"A:B\"\na@b\n"},
    {"semicolon_in_brackets_ends_no_group", "A: <a;b@c>", "A\n\"a;b\"@c\n"},
    {"colon_behind_the_last_group", "G: a@b; C: d@e", "a@b\n\"C:d\"@e\n"},
    {"no_local_part", "@b", "@b\n"},
    {"no_domain", "a@", "a@\n"},
    {"operator_only", "!", "!\n"},
    {"unquoted_comma_in_encoded_word", "=?utf-8?q?J,_x?= <j@x>",
	"=?utf-8?q?J\nj@x\n"},
    /* Where postfix would lose an address, make one up, or send to nobody. */
    {"brackets_twice", "<<j@x>>", "j@x\n"},
    {"bracket_never_opened_behind_comma", "a@b, c@d>", "a@b\nc@d\n"},
    {"address_in_front_of_group", "A <a@b> B: c@d;", "a@b\nc@d\n"},
    {"group_behind_group", "G: a@b; H: c@d;", "a@b\nc@d\n"},
    {"empty_quotes", "\"\"", ""},
    {"empty_quotes_and_another", "\"\", a@b", "a@b\n"},
};

static void
add_line(void *context, const char *address, size_t len)
{
	struct buf *b = context;

	buf_add(b, address, len);
	buf_add_char(b, '\n');
}

START_TEST(list_yields_its_addresses)
{
	struct buf got = BUF_INIT;
	int err = address_parse_list(
	    lists[_i].list, strlen(lists[_i].list), add_line, &got);

	ck_assert_msg(
	    err == 0, "%s: got error %d, want none", lists[_i].name, err);
	ck_assert_msg(strcmp(got.data, lists[_i].want) == 0,
	    "%s: got %s, want %s", lists[_i].name, got.data, lists[_i].want);
	buf_release(&got);
}
END_TEST

#define TEXT(s) s, sizeof(s) - 1

static const struct {
	const char *name, *list;
	size_t len;
	const char *want; /* found before the bad one */
} bad_lists[] = {
    {"nul", TEXT("a\0b@c"), ""},
    {"nul_in_quotes", TEXT("\"a\0b\"@c"), ""},
    {"escape", TEXT("a\033[2J@c"), ""},
    {"delete", TEXT("a\x7f@c"), ""},
    {"blank_in_domain", TEXT("a@\"b c\""), ""},
    {"bracket_in_domain", TEXT("a@\"b>c\""), ""},
    {"quote_in_domain", TEXT("a@b\\\"c"), ""},
    {"control_in_atom", TEXT("a\001b@c"), ""},
    {"vertical_tab_is_no_blank", TEXT("a@b\vc@d"), ""},
    {"parenthesis_behind_address", TEXT("a@b)"), ""},
    {"bracket_behind_address", TEXT("a@b]"), ""},
    {"quote_that_swallows_the_address", TEXT("\"joe <j@x>"), ""},
    {"route_in_quotes", TEXT("@\"a:root\""), ""},
    {"literal_within_a_domain", TEXT("[@a[b]"), ""},
    {"literal_within_a_quoted_domain", TEXT("a@\"[b]c\""), ""},
    {"after_a_good_one", TEXT("a@b, c\001@d, e@f"), "a@b\n"},
};

START_TEST(list_with_a_bad_address_is_refused)
{
	struct buf got = BUF_INIT;
	int err = address_parse_list(
	    bad_lists[_i].list, bad_lists[_i].len, add_line, &got);

	ck_assert_msg(err == -EINVAL, "%s: got %d, want %d", bad_lists[_i].name,
	    err, -EINVAL);
	ck_assert_msg(strcmp(got.data, bad_lists[_i].want) == 0,
	    "%s: got %s, want %s", bad_lists[_i].name, got.data,
	    bad_lists[_i].want);
	buf_release(&got);
}
END_TEST

START_TEST(address_that_is_too_long_is_refused)
{
	char list[ENVELOPE_ADDRESS_MAX + 1];
	struct buf got = BUF_INIT;

	memset(list, 'a', sizeof(list));
	ck_assert_int_eq(
	    address_parse_list(list, sizeof(list), add_line, &got), -EINVAL);
	ck_assert_int_eq(
	    address_parse_list(list, sizeof(list) - 1, add_line, &got), 0);
	ck_assert_uint_eq(got.len, ENVELOPE_ADDRESS_MAX + 1);
	buf_release(&got);
}
END_TEST

/* ---- hostile lists ------------------------------------------------------- */

static const char *const patterns[] = {"(", ")", "\"", "\\", "[", "<", ">",
    "<>", ",", ";", ":", "@", ".", "a ", "a,", "<a", "a<", "(<", ":;", "<,",
    "\"\"", "()", "a>", "a@b,", "<:", ":<a>", "a:<b>;", "@:", "<@a:", "[]",
    "\\(", "(\\", "a b<c", "\n ", "\xff"};

/* What a list of garbage yielded; asserting each time would take minutes. */
struct tally {
	size_t valid, invalid;
};

static void
count(void *context, const char *address, size_t len)
{
	struct tally *t = context;

	if (address_is_valid(address, len))
		t->valid++;
	else
		t->invalid++;
}

/* Quadratic time would take hours here, recursion the stack. */
START_TEST(long_list_takes_linear_time)
{
	enum { LEN = 1024 * 1024 };
	size_t step = strlen(patterns[_i]);
	char *list = malloc(LEN);
	struct tally t = {0};
	int err;

	ck_assert_ptr_nonnull(list);
	for (size_t i = 0; i < LEN; i++)
		list[i] = patterns[_i][i % step];
	err = address_parse_list(list, LEN, count, &t);
	ck_assert_msg(err == 0 || err == -EINVAL, "%s: got %d, want 0 or %d",
	    patterns[_i], err, -EINVAL);
	ck_assert_uint_eq(t.invalid, 0);
	free(list);
}
END_TEST

/* ---- validity ------------------------------------------------------------ */

static const struct {
	const char *name, *address;
	size_t len;
	bool want;
} validities[] = {
    {"plain", TEXT("joe@example.org"), true},
    {"unqualified", TEXT("joe"), true},
    {"quoted", TEXT("\"joe smith, <x>\"@y"), true},
    {"quoted_pair", TEXT("\"a\\\"b\\\\\"@y"), true},
    {"literal", TEXT("joe@[IPv6:::1]"), true},
    {"utf8", TEXT("j\xc3\xb6rg@b\xc3\xbc.de"), true},
    {"empty", TEXT(""), false},
    {"cr", TEXT("a\rb@x"), false},
    {"lf", TEXT("a@x\nRCPT"), false},
    {"nul", TEXT("a@x\0"), false},
    {"nul_in_quotes", TEXT("\"\0\"@x"), false},
    {"escaped_lf", TEXT("\"\\\n\"@x"), false},
    {"delete", TEXT("a\x7f"), false},
    {"blank", TEXT("a b@x"), false},
    {"closing_bracket", TEXT("a>@x"), false},
    {"opening_bracket", TEXT("<a@x"), false},
    {"comma", TEXT("a@x,b@y"), false},
    {"semicolon", TEXT("a@x;b@y"), false},
    {"comment", TEXT("a(b)@x"), false},
    {"backslash", TEXT("a@x\\"), false},
    {"open_quote", TEXT("\"a@x"), false},
    {"escaped_end_quote", TEXT("\"a\\\""), false},
    {"quote_in_domain", TEXT("a@\"x y\""), false},
    {"open_literal", TEXT("a@[1.2.3.4"), false},
    {"closed_literal_only", TEXT("a@1.2.3.4]"), false},
    {"blank_in_literal", TEXT("a@[1 2]"), false},
    {"literal_in_local_part", TEXT("[a]@x"), false},
    {"route", TEXT("@a:b@c"), false},
    {"route_to_a_name", TEXT("@a:b"), false},
    {"literal_joined_to_a_domain", TEXT("a@x.[1]%[2]"), true},
    {"literal_within_a_domain", TEXT("a@x[1]"), false},
    {"text_behind_a_literal", TEXT("a@[1]x"), false},
    {"two_literals", TEXT("a@[1][2]"), false},
    {"quote_in_literal", TEXT("a@[\"]"), false},
};

START_TEST(address_fits_an_smtp_command_or_not)
{
	bool got = address_is_valid(validities[_i].address, validities[_i].len);

	ck_assert_msg(got == validities[_i].want, "%s: got %d, want %d",
	    validities[_i].name, got, validities[_i].want);
}
END_TEST

START_TEST(valid_address_has_a_greatest_length)
{
	char address[ENVELOPE_ADDRESS_MAX + 1];

	memset(address, 'a', sizeof(address));
	ck_assert(address_is_valid(address, ENVELOPE_ADDRESS_MAX));
	ck_assert(!address_is_valid(address, ENVELOPE_ADDRESS_MAX + 1));
}
END_TEST

START_TEST(utf8_is_what_is_not_ascii)
{
	ck_assert(!address_is_utf8(TEXT("joe@x")));
	ck_assert(!address_is_utf8(TEXT("")));
	ck_assert(address_is_utf8(TEXT("joe@\xc3\xbc")));
}
END_TEST

/* What comes out goes in again, and comes out as it was. */
START_TEST(found_address_stays_as_it_is)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;

	ck_assert_int_eq(address_parse_list(lists[_i].list,
			     strlen(lists[_i].list), add_line, &once),
	    0);
	ck_assert_int_eq(
	    address_parse_list(once.data, once.len, add_line, &twice), 0);
	ck_assert_msg(strcmp(once.data, twice.data) == 0, "%s: got %s, want %s",
	    lists[_i].name, twice.data, once.data);
	buf_release(&once);
	buf_release(&twice);
}
END_TEST

START_TEST(random_lists_yield_valid_addresses_only)
{
	static const char bytes[] = "ab@.,;:<>()[]\"\\ \t\n|%!\001\x7f\xc3-";
	char list[64];
	struct tally t = {0};

	srand(1);
	for (int round = 0; round < 50000; round++) {
		size_t len = (size_t)rand() % sizeof(list);

		for (size_t i = 0; i < len; i++)
			list[i] = bytes[(size_t)rand() % sizeof(bytes)];
		int err = address_parse_list(list, len, count, &t);

		if (err != 0 && err != -EINVAL)
			ck_abort_msg("got %d, want 0 or %d", err, -EINVAL);
	}
	ck_assert_uint_gt(t.valid, 0);
	ck_assert_uint_eq(t.invalid, 0);
}
END_TEST

Suite *
address_suite(void)
{
	Suite *s = suite_create("address");
	TCase *t = tcase_create("list");

	tcase_add_loop_test(t, list_yields_its_addresses, 0, ARRAY_LEN(lists));
	tcase_add_loop_test(
	    t, found_address_stays_as_it_is, 0, ARRAY_LEN(lists));
	tcase_add_loop_test(
	    t, list_with_a_bad_address_is_refused, 0, ARRAY_LEN(bad_lists));
	tcase_add_test(t, address_that_is_too_long_is_refused);
	tcase_add_loop_test(
	    t, long_list_takes_linear_time, 0, ARRAY_LEN(patterns));
	tcase_add_test(t, random_lists_yield_valid_addresses_only);
	suite_add_tcase(s, t);
	t = tcase_create("validity");
	tcase_add_loop_test(
	    t, address_fits_an_smtp_command_or_not, 0, ARRAY_LEN(validities));
	tcase_add_test(t, valid_address_has_a_greatest_length);
	tcase_add_test(t, utf8_is_what_is_not_ascii);
	suite_add_tcase(s, t);
	return s;
}
