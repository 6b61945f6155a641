/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "site/conf.h"
#include "unit/suites.h"

enum { PATH_LEN = 128, SAID_MAX = 4096 };

static char dir[] = "/tmp/conf-test.XXXXXX";
static struct conf conf;
static char said[SAID_MAX]; /* on standard error */

static const char *
path(const char *name)
{
	static char text[PATH_LEN];

	snprintf(text, sizeof(text), "%s/%s", dir, name);
	return text;
}

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(mkdir(path("sites.d"), 0700), 0);
}

static void
teardown(void)
{
	char command[PATH_LEN];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

#define SITE "root = /srv/a\nuser = 1001\n"

static int
load_from(bool is_global)
{
	int before = dup(STDERR_FILENO);
	int fd = open(path("said"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	ssize_t len;
	int rc;

	ck_assert_int_ge(fd, 0);
	dup2(fd, STDERR_FILENO);
	rc = is_global ? conf_load_global(dir, &conf.global)
		       : conf_load(dir, &conf);
	dup2(before, STDERR_FILENO);
	len = pread(fd, said, sizeof(said) - 1, 0);
	ck_assert_int_ge(len, 0);
	said[len] = '\0';
	close(fd);
	close(before);
	return rc;
}

static int
load(void)
{
	return load_from(false);
}

/* ---- what is well -------------------------------------------------- */

START_TEST(without_files_there_are_defaults_and_no_sites)
{
	ck_assert_int_eq(rmdir(path("sites.d")), 0);
	ck_assert_int_eq(load(), 0);
	ck_assert_str_eq(conf.global.relay.name, "127.0.0.1:25");
	ck_assert_uint_eq(conf.global.workers_max, 32);
	ck_assert_uint_eq(conf.global.connections_max, 20);
	ck_assert_str_eq(
	    conf.global.status_socket, "/run/mini-sendmail/status");
	ck_assert_uint_eq(conf.site_count, 0);
	conf_release(&conf);
}
END_TEST

START_TEST(a_site_has_what_is_said_of_all_but_what_it_says_itself)
{
	struct site site;

	put("flushd.conf",
	    "; a comment\n\n# another\nrelay = [::1]:2525\nquota = 5G\n"
	    "lifetime=2d\nmax_workers = 8\n");
	put("sites.d/b.conf", SITE);
	put("sites.d/a.example.conf",
	    "  root=/srv/b  \nuser = 1002 ; who\nspool = /mail\n"
	    "lifetime = 12h\ndomain = b.example\nmessage_size = 10M\n"
	    "recipients = 50\n");
	ck_assert_int_eq(load(), 0);
	ck_assert_str_eq(said, "");
	ck_assert_str_eq(conf.global.relay.name, "[::1]:2525");
	ck_assert_uint_eq(conf.global.workers_max, 8);
	ck_assert_uint_eq(conf.site_count, 2);

	conf_get_site(&conf.sites[0], &site);
	ck_assert_str_eq(site.name, "a.example");
	ck_assert_str_eq(site.root, "/srv/b");
	ck_assert_str_eq(site.path, "/mail");
	ck_assert(site.has_uid);
	ck_assert_uint_eq(site.uid, 1002);
	ck_assert_str_eq(site.user, "1002");
	site_release(&site);
	conf_get_site(&conf.sites[1], &site);
	ck_assert_str_eq(site.name, "b");
	ck_assert_str_eq(site.path, "/var/spool/mini-sendmail");
	site_release(&site);

	for (size_t i = 0; i < 2; i++) {
		const struct policy *p = &conf.sites[i].values.policy;

		ck_assert(p->has_limits);
		ck_assert_str_eq(p->site, i ? "b" : "a.example");
		ck_assert_uint_eq(p->quota_bytes, UINT64_C(5) << 30);
		ck_assert_int_eq(
		    p->retry.lifetime_ms, (i ? 48 : 12) * 3600 * 1000);
		ck_assert_uint_eq(p->recipients_max, i ? 1000 : 50);
		ck_assert_uint_eq(p->message_bytes_max, (i ? 50U : 10U) << 20);
		ck_assert_str_eq(p->domain, i ? "" : "b.example");
	}
	conf_release(&conf);
}
END_TEST

START_TEST(other_files_are_no_sites)
{
	put("sites.d/a.conf", SITE);
	put("sites.d/.a.conf", "rubbish");
	put("sites.d/a.conf~", "rubbish");
	put("sites.d/a.conf.dpkg-old", "rubbish");
	put("sites.d/conf", "rubbish");
	put("sites.d/.conf", "rubbish");
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(conf.site_count, 1);
	conf_release(&conf);
}
END_TEST

START_TEST(what_is_printed_reads_the_same)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	put("flushd.conf",
	    "quota = 1536M\nrelay = localhost:26\nsoft_bounce = yes\n");
	put("sites.d/a.conf",
	    SITE "domain = a.example\nlifetime = 90m\nover_rate = refuse\n"
		 "recipients_per_hour = 500\n");
	ck_assert_int_eq(load(), 0);
	conf_print(&conf, out);
	conf_release(&conf);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "\n# sites.d/a.conf\n"));
	*strstr(text, "\n# sites.d/a.conf\n") = '\0';
	put("flushd.conf", text);
	put("sites.d/a.conf", text + strlen(text) + 1);
	ck_assert_int_eq(load(), 0);
	ck_assert_uint_eq(
	    conf.sites[0].values.policy.quota_bytes, UINT64_C(1536) << 20);
	ck_assert_int_eq(
	    conf.sites[0].values.policy.retry.lifetime_ms, 90 * 60 * 1000);
	ck_assert_str_eq(conf.global.relay.name, "localhost:26");
	ck_assert(conf.sites[0].values.policy.is_soft_bounce);
	ck_assert_int_eq(conf.sites[0].values.policy.over_rate, POLICY_REFUSE);
	ck_assert_uint_eq(conf.sites[0].values.policy.rate.recipients, 500);
	conf_release(&conf);
	free(text);
}
END_TEST

/* ---- what is wrong ------------------------------------------------- */

static const struct {
	const char *file;
	const char *text;
	const char *said;
} wrongs[] = {
    {"flushd.conf", "foo = 1\n", "flushd.conf:1: foo: there is no such key"},
    {"flushd.conf", "\n\nquota = x\n",
	"flushd.conf:3: quota = x: want a number of bytes"},
    {"flushd.conf", "quota = 1\n", ":1: quota = 1: must be from 1M to 1T"},
    {"flushd.conf", "quota = 99999999999999999999\n", "must be from 1M to 1T"},
    {"flushd.conf", "quota =\n", ":1: quota = : want"},
    {"flushd.conf", "relay = mail.example:25\n", ":1: relay = mail.example:25"},
    {"flushd.conf", "max_workers = 0\n", "must be from 1 to 1000"},
    {"flushd.conf", "max_workers = 1K\n", "want a number"},
    {"flushd.conf", "lifetime = 5\n", "want a number and s, m, h or d"},
    {"flushd.conf", "lifetime = 400d\n", "must be from 1m to 365d"},
    {"flushd.conf", "domain = a_b\n", "want a domain"},
    {"flushd.conf", "over_rate = bounce\n", "want pace, hold or refuse"},
    {"flushd.conf", "messages_per_hour = 1h\n", "want a number"},
    {"flushd.conf", "soft_bounce = 1\n", "want yes or no"},
    {"flushd.conf", "status_socket = run/status\n",
	"want an absolute path of at most 100 bytes"},
    {"flushd.conf",
	"status_socket = "
	"/0123456789/0123456789/0123456789/0123456789/0123456789/"
	"0123456789/0123456789/0123456789/0123456789/0123456789\n",
	"want an absolute path of at most 100 bytes"},
    {"flushd.conf", "root = /srv\n", "root: is a key of the files in sites.d"},
    {"flushd.conf", "quota = 1G\nquota = 2G\n",
	":2: quota: was given in line 1 already"},
    {"flushd.conf", "quota = 1G\n  2G\n", ":2: quota: was given in line 1"},
    {"flushd.conf", "rubbish\n", ":1: is no 'key = value'"},
    {"flushd.conf", "[global]\nquota = 1G\n", "there are no sections"},
    {"flushd.conf", "quota = \033[2J\n", "quota = \\x1b[2J: want"},
};

START_TEST(what_is_wrong_is_said_where_it_is)
{
	put(wrongs[_i].file, wrongs[_i].text);
	put("sites.d/a.conf", SITE);
	ck_assert_int_lt(load(), 0);
	ck_assert_msg(strstr(said, wrongs[_i].said), "no '%s' in: %s",
	    wrongs[_i].said, said);
	ck_assert_uint_eq(conf.site_count, 0);
}
END_TEST

static const struct {
	const char *file; /* in sites.d */
	const char *text;
	const char *said;
} site_wrongs[] = {
    {"a.conf", "user = 1001\n", "a.conf: root is missing"},
    {"a.conf", "root = /srv\n", "a.conf: user is missing"},
    {"a.conf", SITE "relay = 127.0.0.1:25\n",
	":3: relay: is a key of flushd.conf"},
    {"a.conf", "root = srv\nuser = 1001\n", "want an absolute path"},
    {"a.conf", "root = /srv\nuser = root\n", ":2: user = root: must"},
    {"a.conf", "root = /srv\nuser = 0\n", ":2: user = 0: must not be"},
    {"a.conf", "root = /srv\nuser = 4294967295\n", "want a user's"},
    {"a b.conf", SITE, "the name of a site is 1 to 64 of"},
    {"-a.conf", SITE, "the name of a site is 1 to 64 of"},
};

START_TEST(what_is_wrong_with_a_site_is_the_end_of_that_one_only)
{
	char file[PATH_LEN];

	snprintf(file, sizeof(file), "sites.d/%s", site_wrongs[_i].file);
	put(file, site_wrongs[_i].text);
	put("sites.d/good.conf", "root = /srv/good\nuser = 1002\n");
	ck_assert_int_eq(load(), 0);
	ck_assert_msg(strstr(said, site_wrongs[_i].said), "no '%s' in: %s",
	    site_wrongs[_i].said, said);
	ck_assert(conf.has_mistakes);
	ck_assert_uint_eq(conf.site_count, 1);
	ck_assert_str_eq(conf.sites[0].name, "good");
	ck_assert_int_eq(conf_is_wrong(&conf, "a"),
	    strcmp(site_wrongs[_i].file, "a.conf") == 0);
	ck_assert(!conf_is_wrong(&conf, "good"));
	conf_release(&conf);
}
END_TEST

/* There may be one when its spool is opened. */
START_TEST(a_user_may_be_missing)
{
	struct site site;

	put("sites.d/a.conf", "root = /srv\nuser = no-such-user\n");
	ck_assert_int_eq(load(), 0);
	ck_assert_ptr_nonnull(
	    strstr(said, "a.conf: user = no-such-user: there is no such user"));
	ck_assert(conf.has_mistakes);
	ck_assert(!conf_is_wrong(&conf, "a"));
	ck_assert_uint_eq(conf.site_count, 1);
	conf_get_site(&conf.sites[0], &site);
	ck_assert(site.has_uid);
	ck_assert_uint_eq(site.uid, 0);
	site_release(&site);
	conf_release(&conf);
}
END_TEST

START_TEST(all_that_is_wrong_is_said)
{
	put("flushd.conf", "a = 1\nb = 2\n");
	put("sites.d/a.conf", "c = 3\n");
	put("sites.d/b.conf", "d = 4\n");
	ck_assert_int_lt(load(), 0);
	ck_assert_ptr_nonnull(strstr(said, "flushd.conf:1: a"));
	ck_assert_ptr_nonnull(strstr(said, "flushd.conf:2: b"));
	ck_assert_ptr_nonnull(strstr(said, "a.conf:1: c"));
	ck_assert_ptr_nonnull(strstr(said, "b.conf:1: d"));
}
END_TEST

START_TEST(of_a_wrong_file_the_rest_is_known)
{
	put("flushd.conf", "quota = much\nstatus_socket = /run/a\nrelay\n");
	put("sites.d/a.conf", "root\n");
	ck_assert_int_eq(load_from(true), -EINVAL);
	ck_assert_str_eq(conf.global.status_socket, "/run/a");
	ck_assert_ptr_nonnull(strstr(said, "flushd.conf:1: "));
	ck_assert_ptr_null(strstr(said, "sites.d"));
}
END_TEST

/* Nobody can tell which of them is meant. */
START_TEST(sites_that_share_a_spool_are_wrong)
{
	put("sites.d/a.conf", SITE);
	put("sites.d/b.conf", SITE "spool = /other\n");
	put("sites.d/c.conf", SITE);
	put("sites.d/d.conf", SITE);
	ck_assert_int_eq(load(), 0);
	for (char c = 'a'; c <= 'd'; c++) {
		const char name[] = {c, '\0'};

		ck_assert_int_eq(conf_is_wrong(&conf, name), c != 'b');
	}
	ck_assert(strstr(said, " have the same spool"));
	ck_assert(conf.has_mistakes);
	ck_assert_uint_eq(conf.wrong_count, 3);
	ck_assert_uint_eq(conf.site_count, 1);
	ck_assert_str_eq(conf.sites[0].name, "b");
	conf_release(&conf);
}
END_TEST

/* A value that a library cut off would be another value. */
START_TEST(a_line_has_a_greatest_length)
{
	char text[400];

	memset(text, 'x', sizeof(text));
	memcpy(text, "root = /", 8);
	snprintf(text + 300, 100, "\nuser = 1001\nquota = 5M\n");
	put("sites.d/a.conf", text);
	ck_assert_int_eq(load(), 0);
	ck_assert_ptr_nonnull(strstr(said, "a.conf:1: is longer than"));
	ck_assert_ptr_null(strstr(said, "a.conf:2"));
	ck_assert(conf_is_wrong(&conf, "a"));
	conf_release(&conf);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_said)
{
	ck_assert_int_eq(mkdir(path("flushd.conf"), 0700), 0);
	ck_assert_int_eq(symlink("/nowhere", path("sites.d/a.conf")), 0);
	ck_assert_int_lt(load(), 0);
	ck_assert_ptr_nonnull(strstr(said, "flushd.conf: "));
	ck_assert_ptr_nonnull(strstr(said, "a.conf: No such file"));
}
END_TEST

START_TEST(a_pipe_is_not_waited_for)
{
	ck_assert_int_eq(mkfifo(path("sites.d/a.conf"), 0600), 0);
	ck_assert_int_eq(load(), 0);
	ck_assert_ptr_nonnull(strstr(said, "a.conf: is no file"));
	conf_release(&conf);
}
END_TEST

Suite *
conf_suite(void)
{
	Suite *s = suite_create("conf");
	TCase *tc = tcase_create("conf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, without_files_there_are_defaults_and_no_sites);
	tcase_add_test(
	    tc, a_site_has_what_is_said_of_all_but_what_it_says_itself);
	tcase_add_test(tc, other_files_are_no_sites);
	tcase_add_test(tc, what_is_printed_reads_the_same);
	tcase_add_loop_test(
	    tc, what_is_wrong_is_said_where_it_is, 0, (int)ARRAY_LEN(wrongs));
	tcase_add_test(tc, all_that_is_wrong_is_said);
	tcase_add_test(tc, of_a_wrong_file_the_rest_is_known);
	tcase_add_loop_test(tc,
	    what_is_wrong_with_a_site_is_the_end_of_that_one_only, 0,
	    (int)ARRAY_LEN(site_wrongs));
	tcase_add_test(tc, a_user_may_be_missing);
	tcase_add_test(tc, sites_that_share_a_spool_are_wrong);
	tcase_add_test(tc, a_line_has_a_greatest_length);
	tcase_add_test(tc, a_file_that_cannot_be_read_is_said);
	tcase_add_test(tc, a_pipe_is_not_waited_for);
	suite_add_tcase(s, tc);
	return s;
}
