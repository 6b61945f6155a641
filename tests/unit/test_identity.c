/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sendmail/identity.h"
#include "unit/suites.h"

/* ---- fixture: two files in a directory of their own ---------------------- */

static char dir[] = "/tmp/identity.XXXXXX";
static char passwd[64], mailname[64];

static void
make_directory(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(passwd, sizeof(passwd), "%s/passwd", dir);
	snprintf(mailname, sizeof(mailname), "%s/mailname", dir);
}

static void
remove_directory(void)
{
	unlink(passwd);
	unlink(mailname);
	rmdir(dir);
}

static void
write_file(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static void
read_identity(struct identity *id, const char *hostname)
{
	struct identity_sources from = {passwd, mailname, hostname};

	identity_read(id, 1000, &from);
}

/* ---- the user ------------------------------------------------------------ */

#define ROOT "root:x:0:0:root:/root:/bin/sh\n"

static const struct {
	const char *name, *passwd, *want_user, *want_name;
} users[] = {
    {"found", ROOT "joe:x:1000:1000:Joe User:/:/bin/sh\n", "joe", "Joe User"},
    {"first_of_two", "a:x:1000:1:A:/:\nb:x:1000:1:B:/:\n", "a", "A"},
    {"gecos_has_more", "joe:x:1000:1:Joe,Room 1,,:/:\n", "joe", "Joe"},
    {"gecos_has_ampersand", "joe:x:1000:1:& User:/:\n", "joe", "Joe User"},
    {"gecos_empty", "joe:x:1000:1::/:\n", "joe", ""},
    {"gecos_with_control", "joe:x:1000:1:Joe\tUser:/:\n", "joe", ""},
    {"last_line_without_end", ROOT "joe:x:1000:1:J:/:/bin/sh", "joe", "J"},
    {"not_there", ROOT, "uid1000", ""},
    {"empty_file", "", "uid1000", ""},
    {"garbage", "::::::\n\n:\njoe\n1000\n", "uid1000", ""},
    {"too_few_fields", "joe:x:1000:1000\n", "uid1000", ""},
    {"uid_with_sign", "joe:x:+1000:1:J:/:\n", "uid1000", ""},
    {"uid_with_junk", "joe:x:1000x:1:J:/:\n", "uid1000", ""},
    {"uid_that_wraps", "joe:x:4294968296:1:J:/:\n", "uid1000", ""},
    {"uid_very_long", "joe:x:18446744073709552616:1:J:/:\n", "uid1000", ""},
    {"name_with_blank", "j oe:x:1000:1:J:/:\n", "uid1000", ""},
    {"name_with_at", "j@oe:x:1000:1:J:/:\n", "uid1000", ""},
    {"name_with_dash_first", "-joe:x:1000:1:J:/:\n", "uid1000", ""},
    {"name_with_8_bit", "j\xc3\xb6:x:1000:1:J:/:\n", "uid1000", ""},
    {"name_empty", ":x:1000:1:J:/:\n", "uid1000", ""},
    {"name_with_dots", "j.o-e_1:x:1000:1:J:/:\n", "j.o-e_1", "J"},
    {"name_with_two_dots", "j..e:x:1000:1:J:/:\n", "uid1000", ""},
};

START_TEST(user_is_looked_up)
{
	struct identity id;

	write_file(passwd, users[_i].passwd, strlen(users[_i].passwd));
	read_identity(&id, "h");
	ck_assert_msg(strcmp(id.user.data, users[_i].want_user) == 0,
	    "%s: got %s, want %s", users[_i].name, id.user.data,
	    users[_i].want_user);
	ck_assert_msg(strcmp(id.name.data, users[_i].want_name) == 0,
	    "%s: got %s, want %s", users[_i].name, id.name.data,
	    users[_i].want_name);
	identity_release(&id);
}
END_TEST

START_TEST(gecos_of_ampersands_is_bounded)
{
	struct buf line = BUF_INIT;
	struct identity id;

	buf_add_str(&line, "joe:x:1000:1:");
	for (int i = 0; i < 100000; i++)
		buf_add_char(&line, '&');
	buf_add_str(&line, ":/:\n");
	write_file(passwd, line.data, line.len);
	read_identity(&id, "h");
	ck_assert_str_eq(id.user.data, "joe");
	ck_assert_uint_eq(id.name.len, 0);
	identity_release(&id);
	buf_release(&line);
}
END_TEST

/* ---- the host ------------------------------------------------------------ */

#define LABEL_63                                                               \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *name, *mailname, *hostname, *want;
} hosts[] = {
    {"mailname", "mail.example.org\n", "h", "mail.example.org"},
    {"mailname_without_end", "mail.example.org", "h", "mail.example.org"},
    {"blanks_around", "  x.org \t\r\n", "h", "x.org"},
    {"first_line_only", "x.org\ny.org\n", "h", "x.org"},
    {"one_label", "host\n", "h", "host"},
    {"underscore_and_digits", "web_1.x-2.org\n", "h", "web_1.x-2.org"},
    {"longest_label", LABEL_63 ".org\n", "h", LABEL_63 ".org"},
    {"empty", "", "h.example", "h.example"},
    {"empty_first_line", "\nx.org\n", "h.example", "h.example"},
    {"blank_within", "x org\n", "h", "h"},
    {"at_sign", "a@x.org\n", "h", "h"},
    {"bracket", "x.org>\n", "h", "h"},
    {"8_bit", "\xc3\xb6.org\n", "h", "h"},
    {"dot_first", ".org\n", "h", "h"},
    {"dot_last", "x.org.\n", "h", "h"},
    {"two_dots", "x..org\n", "h", "h"},
    {"dash_first", "-x.org\n", "h", "h"},
    {"dash_before_dot", "x-.org\n", "h", "h"},
    {"dash_last", "x.org-\n", "h", "h"},
    {"label_too_long", LABEL_63 "a.org\n", "h", "h"},
    {"too_long", LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 ".a\n", "h",
	"h"},
    {"neither", "", "(none)", "localhost"},
    {"no_hostname", "", "", "localhost"},
};

START_TEST(host_is_looked_up)
{
	struct identity id;

	write_file(mailname, hosts[_i].mailname, strlen(hosts[_i].mailname));
	read_identity(&id, hosts[_i].hostname);
	ck_assert_msg(strcmp(id.host.data, hosts[_i].want) == 0,
	    "%s: got %s, want %s", hosts[_i].name, id.host.data,
	    hosts[_i].want);
	identity_release(&id);
}
END_TEST

/* ---- files that are none ------------------------------------------------- */

START_TEST(missing_files_are_skipped)
{
	struct identity id;

	read_identity(&id, "h");
	ck_assert_str_eq(id.user.data, "uid1000");
	ck_assert_str_eq(id.host.data, "h");
	identity_release(&id);
}
END_TEST

START_TEST(fifo_does_not_hang)
{
	struct identity id;

	ck_assert_int_eq(mkfifo(mailname, 0600), 0);
	ck_assert_int_eq(mkfifo(passwd, 0600), 0);
	read_identity(&id, "h");
	ck_assert_str_eq(id.user.data, "uid1000");
	ck_assert_str_eq(id.host.data, "h");
	identity_release(&id);
}
END_TEST

START_TEST(symlink_is_not_followed)
{
	struct identity id;

	write_file(passwd, "x.org\n", 6);
	ck_assert_int_eq(symlink(passwd, mailname), 0);
	read_identity(&id, "h");
	ck_assert_str_eq(id.host.data, "h");
	identity_release(&id);
}
END_TEST

START_TEST(directory_is_skipped)
{
	struct identity_sources from = {dir, dir, "h"};
	struct identity id;

	identity_read(&id, 1000, &from);
	ck_assert_str_eq(id.user.data, "uid1000");
	ck_assert_str_eq(id.host.data, "h");
	identity_release(&id);
}
END_TEST

START_TEST(nul_in_a_file_ends_it)
{
	struct identity id;

	write_file(mailname, "x\0.org\n", 7);
	write_file(passwd, "a:x\0\njoe:x:1000:1:J:/:\n", 23);
	read_identity(&id, "h");
	ck_assert_str_eq(id.user.data, "uid1000");
	ck_assert_str_eq(id.host.data, "x");
	identity_release(&id);
}
END_TEST

Suite *
identity_suite(void)
{
	Suite *s = suite_create("identity");
	TCase *t = tcase_create("identity");

	tcase_add_checked_fixture(t, make_directory, remove_directory);
	tcase_add_loop_test(t, user_is_looked_up, 0, ARRAY_LEN(users));
	tcase_add_test(t, gecos_of_ampersands_is_bounded);
	tcase_add_loop_test(t, host_is_looked_up, 0, ARRAY_LEN(hosts));
	tcase_add_test(t, missing_files_are_skipped);
	tcase_add_test(t, fifo_does_not_hang);
	tcase_add_test(t, symlink_is_not_followed);
	tcase_add_test(t, directory_is_skipped);
	tcase_add_test(t, nul_in_a_file_ends_it);
	suite_add_tcase(s, t);
	return s;
}
