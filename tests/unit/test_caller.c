/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compiler.h"
#include "sendmail/caller.h"
#include "unit/suites.h"

static char word[] = "sendmail";
static char *no_words[] = {word, NULL};

/* Each test has a process of its own, and so an environment. */
static void
setup(void)
{
	clearenv();
}

/* ---- the environment --------------------------------------------------- */

static const struct {
	const char *name;
	const char *environment[8]; /* name, value ... */
	const char *want;	    /* NULL: not known */
} scripts[] = {
    {"PHP's FPM: nothing of the script", {"USER", "www", "HOME", "/"}, NULL},
    {"cron and PHP's CLI: nothing either",
	{"SHELL", "/bin/sh", "PWD", "/home/u", "LOGNAME", "u"}, NULL},
    {"CGI",
	{"SCRIPT_NAME", "/a.php", "PATH_TRANSLATED", "/w/t.php",
	    "SCRIPT_FILENAME", "/w/a.php"},
	"/w/a.php"},
    {"CGI without a file name",
	{"SCRIPT_NAME", "/a.php", "PATH_TRANSLATED", "/w/t.php"}, "/w/t.php"},
    {"only a path of the URL", {"SCRIPT_NAME", "/a.php"}, "/a.php"},
    {"an empty one is none", {"SCRIPT_FILENAME", "", "SCRIPT_NAME", "/a.php"},
	"/a.php"},
    {"any bytes", {"SCRIPT_FILENAME", "a\r\nb\x1b[2J\xff"},
	"a\r\nb\x1b[2J\xff"},
};

START_TEST(script_is_what_a_web_server_says)
{
	struct submitter s;

	for (size_t i = 0; scripts[_i].environment[i]; i += 2)
		setenv(scripts[_i].environment[i],
		    scripts[_i].environment[i + 1], 1);
	caller_read(&s, 33, no_words);
	if (scripts[_i].want)
		ck_assert_str_eq(s.script, scripts[_i].want);
	else
		ck_assert_ptr_null(s.script);
	submitter_release(&s);
}
END_TEST

START_TEST(ten_megabytes_are_cut)
{
	enum { LONG = 10 * 1024 * 1024 };
	char *text = calloc(1, LONG + 1);
	char *words[] = {word, text, text, NULL};
	struct submitter s;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', LONG);
	setenv("SCRIPT_FILENAME", text, 1);
	caller_read(&s, 33, words);
	ck_assert_uint_eq(strlen(s.script), SUBMITTER_SCRIPT_MAX);
	ck_assert_uint_eq(strlen(s.argv), SUBMITTER_ARGV_MAX);
	ck_assert_int_eq(strncmp(s.argv, "sendmail xxx", 12), 0);
	ck_assert_str_eq(s.argv + SUBMITTER_ARGV_MAX - 4, "x...");
	submitter_release(&s);
	free(text);
}
END_TEST

/* ---- words -------------------------------------------------------------- */

START_TEST(words_are_joined)
{
	char t[] = "-t", f[] = "-f", empty[] = "", odd[] = "a\n\x1b \xff";
	char *words[] = {word, t, f, empty, odd, NULL};
	struct submitter s;

	caller_read(&s, 33, words);
	ck_assert_str_eq(s.argv, "sendmail -t -f  a\n\x1b \xff");
	submitter_release(&s);
	caller_read(&s, 33, words + 5);
	ck_assert_str_eq(s.argv, "");
	submitter_release(&s);
}
END_TEST

START_TEST(very_many_words_are_cut)
{
	enum { COUNT = 100000 };
	char **words = calloc(COUNT + 1, sizeof(*words));
	struct submitter s;

	ck_assert_ptr_nonnull(words);
	for (int i = 0; i < COUNT; i++)
		words[i] = word + 7; /* "l" */
	caller_read(&s, 33, words);
	ck_assert_uint_eq(strlen(s.argv), SUBMITTER_ARGV_MAX);
	ck_assert_str_eq(s.argv + SUBMITTER_ARGV_MAX - 6, "l l...");
	submitter_release(&s);
	free(words);
}
END_TEST

/* ---- numbers and the directory ------------------------------------------ */

START_TEST(numbers_are_those_of_the_process)
{
	struct submitter s;

	caller_read(&s, 33, no_words);
	ck_assert_uint_eq(s.uid, 33);
	ck_assert_uint_eq(s.pid, (unsigned int)getpid());
	ck_assert_uint_eq(s.ppid, (unsigned int)getppid());
	submitter_release(&s);
}
END_TEST

START_TEST(directory_is_the_real_one)
{
	struct submitter s;

	setenv("PWD", "/a/lie", 1);
	ck_assert_int_eq(chdir("/usr"), 0);
	caller_read(&s, 33, no_words);
	ck_assert_str_eq(s.cwd, "/usr");
	submitter_release(&s);
}
END_TEST

START_TEST(of_a_directory_that_is_gone_the_shells_word_is_taken)
{
	char dir[] = "/tmp/unit-caller.XXXXXX";
	struct submitter s;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	caller_read(&s, 33, no_words);
	ck_assert_ptr_null(s.cwd);
	submitter_release(&s);
	setenv("PWD", dir, 1);
	caller_read(&s, 33, no_words);
	ck_assert_str_eq(s.cwd, dir);
	submitter_release(&s);
}
END_TEST

/* Go down so deep that the kernel has no room for the name, and clean up. */
START_TEST(a_directory_too_deep_to_have_a_name_is_unknown)
{
	enum { DEPTH = 30 };
	char dir[] = "/tmp/unit-caller.XXXXXX";
	char name[200] = "";
	struct submitter s;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	memset(name, 'd', sizeof(name) - 1);
	ck_assert_int_eq(chdir(dir), 0);
	for (int i = 0; i < DEPTH; i++)
		ck_assert(mkdir(name, 0700) == 0 && chdir(name) == 0);
	caller_read(&s, 33, no_words);
	ck_assert_ptr_null(s.cwd);
	submitter_release(&s);
	for (int i = 0; i < DEPTH; i++)
		ck_assert(chdir("..") == 0 && rmdir(name) == 0);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

Suite *
caller_suite(void)
{
	Suite *s = suite_create("caller");
	TCase *t = tcase_create("caller");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(
	    t, script_is_what_a_web_server_says, 0, (int)ARRAY_LEN(scripts));
	tcase_add_test(t, ten_megabytes_are_cut);
	tcase_add_test(t, words_are_joined);
	tcase_add_test(t, very_many_words_are_cut);
	tcase_add_test(t, numbers_are_those_of_the_process);
	tcase_add_test(t, directory_is_the_real_one);
	tcase_add_test(t, of_a_directory_that_is_gone_the_shells_word_is_taken);
	tcase_add_test(t, a_directory_too_deep_to_have_a_name_is_unknown);
	suite_add_tcase(s, t);
	return s;
}
