/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "jailsh/words.h"
#include "unit/suites.h"

/* The words, each in brackets. */
static void
show(const char *text, size_t len, struct buf *shown)
{
	struct words_refusal why;
	struct words w;

	if (words_parse(text, len, &w, &why) < 0) {
		buf_add_format(shown, "byte %zu: %s", why.at, why.what);
		return;
	}
	for (size_t i = 0; i < w.count; i++)
		buf_add_format(shown, "[%s]", w.argv[i]);
	ck_assert_ptr_null(w.argv[w.count]);
	words_release(&w);
}

static void
check(const char *text, const char *want)
{
	struct buf got = BUF_INIT;

	show(text, strlen(text), &got);
	ck_assert_msg(strcmp(got.data, want) == 0, "%s: got '%s', want '%s'",
	    text, got.data, want);
	buf_release(&got);
}

/* ---- what is split ------------------------------------------------- */

static const struct {
	const char *text;
	const char *words;
} taken[] = {
    {"", ""},
    {" \t ", ""},
    {"\n \n", ""},
    {"sendmail", "[sendmail]"},
    {"/usr/sbin/sendmail -t -i", "[/usr/sbin/sendmail][-t][-i]"},
    {" \ta\t b ", "[a][b]"},
    {"a b\n", "[a][b]"},
    {"a b \n\t\n", "[a][b]"},
    {"a \r\v\f b", "[a][\r\v\f][b]"},
    {"a 'b c' \"d e\"", "[a][b c][d e]"},
    {"a '' \"\"", "[a][][]"},
    {"''", "[]"},
    {"'a'b\"c\"\\d", "[abcd]"},
    {"a b'\n'c", "[a][b\nc]"},
    {"a \"b\nc\"", "[a][b\nc]"},
    {"a 'it'\\''s'", "[a][it's]"},
    {"a '\\'", "[a][\\]"},
    {"a '\"$`\\!*?[]{}()<>|&;#~ \t'", "[a][\"$`\\!*?[]{}()<>|&;#~ \t]"},
    {"a \"'*?[]{}()<>|&;#~!\"", "[a]['*?[]{}()<>|&;#~!]"},
    {"a \"\\$\\`\\\"\\\\\"", "[a][$`\"\\]"},
    {"a \"\\a\\'\\*\\ \"", "[a][\\a\\'\\*\\ ]"},
    {"a \\$\\`\\\"\\'\\\\\\ \\*\\a", "[a][$`\"'\\ *a]"},
    {"a \\;\\|\\&\\<\\>\\(\\)\\[\\?\\#\\~\\{\\}", "[a][;|&<>()[?#~{}]"},
    {"a b\\\nc", "[a][bc]"},
    {"a \\\n b", "[a][b]"},
    {"a \\\n", "[a]"},
    {"\\\n", ""},
    {"a \"b\\\nc\"", "[a][bc]"},
    {"a 'b\\\nc'", "[a][b\\\nc]"},
    {"a b#c b~c b!c ! b= = ^ % @ ] - +",
	"[a][b#c][b~c][b!c][!][b=][=][^][%][@][]][-][+]"},
    {"a ''~ \"\"#", "[a][~][#]"},
    {"a B=c", "[a][B=c]"},
    {"a B=~", "[a][B=~]"},
    {"'A'=b", "[A=b]"},
    {"A\\=b", "[A=b]"},
    {"=b", "[=b]"},
    {"1A=b", "[1A=b]"},
    {"a-b=c", "[a-b=c]"},
    {"a/A=b", "[a/A=b]"},
    {"'if'", "[if]"},
    {"\\while", "[while]"},
    {"a if then cd :", "[a][if][then][cd][:]"},
    {"iff", "[iff]"},
    {"/bin/cd", "[/bin/cd]"},
    {"echo", "[echo]"},
    {"a \xff\x80\x81\x88 \\\xff \"\\\xff\" '\x81'",
	"[a][\xff\x80\x81\x88][\xff][\\\xff][\x81]"},
};

START_TEST(words_are_those_of_a_shell)
{
	check(taken[_i].text, taken[_i].words);
}
END_TEST

/* ---- what is refused ----------------------------------------------- */

static const struct {
	const char *text;
	const char *why;
} refused[] = {
    {"a; b", "byte 1: an unquoted ;"},
    {"a|b", "byte 1: an unquoted |"},
    {"a &", "byte 2: an unquoted &"},
    {"a >b", "byte 2: an unquoted >"},
    {"a 2>&1", "byte 3: an unquoted >"},
    {"a <b", "byte 2: an unquoted <"},
    {"(a)", "byte 0: an unquoted ("},
    {"a)", "byte 1: an unquoted )"},
    {"{ a", "byte 0: an unquoted {"},
    {"a }", "byte 2: an unquoted }"},
    {"a $b", "byte 2: an unquoted $"},
    {"a \"$b\"", "byte 3: an unquoted $"},
    {"a `b`", "byte 2: an unquoted `"},
    {"a \"`b`\"", "byte 3: a `"},
    {"a *", "byte 2: an unquoted *"},
    {"a b?", "byte 3: an unquoted ?"},
    {"[ a ]", "byte 0: an unquoted ["},
    {"# a", "byte 0: an unquoted #"},
    {"a #b", "byte 2: an unquoted #"},
    {"a \\\n#b", "byte 4: an unquoted #"},
    {"~/a", "byte 0: an unquoted ~"},
    {"a ~", "byte 2: an unquoted ~"},
    {"a\nb", "byte 1: a second line"},
    {"\na", "byte 0: a second line"},
    {"A=b c", "byte 0: a variable that is set"},
    {" _a1=b", "byte 1: a variable that is set"},
    {"A\\\n=b", "byte 0: a variable that is set"},
    {"! a", "byte 0: a reserved word"},
    {"if a", "byte 0: a reserved word"},
    {" i\\\nf", "byte 1: a reserved word"},
    {"cd /", "byte 0: a command that only a shell can carry out"},
    {" 'cd' /", "byte 1: a command that only a shell can carry out"},
    {". a", "byte 0: a command that only a shell can carry out"},
    {"exec a", "byte 0: a command that only a shell can carry out"},
    {"a 'b", "byte 2: a ' without its other"},
    {"'", "byte 0: a ' without its other"},
    {"a b\"c'", "byte 3: a \" without its other"},
    {"a \"b\\", "byte 2: a \" without its other"},
    {"a \"b\\\"", "byte 2: a \" without its other"},
    {"a \\", "byte 2: a \\ with nothing behind it"},
};

START_TEST(what_a_shell_would_do_more_about_is_refused)
{
	check(refused[_i].text, refused[_i].why);
}
END_TEST

START_TEST(a_nul_is_refused_wherever_it_is)
{
	static const struct {
		const char *text;
		size_t len;
		const char *why;
	} rows[] = {
	    {"a\0b", 3, "byte 1: a NUL"},
	    {"\0", 1, "byte 0: a NUL"},
	    {"a 'b\0'", 6, "byte 2: a word that holds a NUL"},
	    {"a \"\0\"", 5, "byte 2: a word that holds a NUL"},
	    {"a \\\0", 4, "byte 2: a word that holds a NUL"},
	    {"a \"\\\0\"", 6, "byte 2: a word that holds a NUL"},
	    {"a\n\0", 3, "byte 1: a second line"},
	};
	struct buf got = BUF_INIT;

	show(rows[_i].text, rows[_i].len, &got);
	ck_assert_str_eq(got.data, rows[_i].why);
	buf_release(&got);
}
END_TEST

/* ---- limits -------------------------------------------------------- */

START_TEST(only_so_many_bytes_are_looked_at)
{
	check("ab", "[ab]");
	struct buf got = BUF_INIT;

	show("ab;", 2, &got);
	ck_assert_str_eq(got.data, "[ab]");
	buf_release(&got);
}
END_TEST

static int
parse_repeated(const char *piece, size_t count, struct words_refusal *why)
{
	struct buf text = BUF_INIT;
	struct words w;
	int rc;

	for (size_t i = 0; i < count; i++)
		buf_add_str(&text, piece);
	rc = words_parse(text.data, text.len, &w, why);
	buf_release(&text);
	if (rc == 0)
		words_release(&w);
	return rc;
}

START_TEST(what_is_too_long_is_refused)
{
	struct words_refusal why;

	ck_assert_int_eq(parse_repeated("a", WORDS_TEXT_MAX, &why), 0);
	ck_assert_int_eq(
	    parse_repeated("a", WORDS_TEXT_MAX + 1, &why), -EINVAL);
	ck_assert_str_eq(why.what, "more than 131072 bytes");
	ck_assert_int_eq(parse_repeated("a ", WORDS_MAX, &why), 0);
	ck_assert_int_eq(parse_repeated("a ", WORDS_MAX + 1, &why), -EINVAL);
	ck_assert_str_eq(why.what, "too many words");
}
END_TEST

START_TEST(a_refusal_leaves_the_words_alone)
{
	struct words_refusal why;
	struct words w = {.count = 12345};

	ck_assert_int_eq(words_parse("a;", 2, &w, &why), -EINVAL);
	ck_assert_uint_eq(w.count, 12345);
}
END_TEST

Suite *
words_suite(void)
{
	Suite *s = suite_create("words");
	TCase *tc = tcase_create("words");

	tcase_add_loop_test(
	    tc, words_are_those_of_a_shell, 0, (int)ARRAY_LEN(taken));
	tcase_add_loop_test(tc, what_a_shell_would_do_more_about_is_refused, 0,
	    (int)ARRAY_LEN(refused));
	tcase_add_loop_test(tc, a_nul_is_refused_wherever_it_is, 0, 7);
	tcase_add_test(tc, only_so_many_bytes_are_looked_at);
	tcase_add_test(tc, what_is_too_long_is_refused);
	tcase_add_test(tc, a_refusal_leaves_the_words_alone);
	suite_add_tcase(s, tc);
	return s;
}
