/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "site/site.h"
#include "unit/suites.h"

enum { PATH_LEN = 128 };

static char base[] = "/tmp/site-test.XXXXXX";
static char root[PATH_LEN];
static char in_jail[] = "/var/spool/mail";
static struct site site;
static struct site_spool spool;

static void
run_shell(const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", base, command);
	ck_assert_msg(system(line) == 0, "%s", line);
}

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(base));
	snprintf(root, sizeof(root), "%s/jail", base);
	run_shell("mkdir -p jail/var/spool/mail outside/mail && "
		  "touch jail/var/spool/mail/worker outside/mail/worker");
	site = (struct site){.name = in_jail, .root = root, .path = in_jail};
}

static void
teardown(void)
{
	site_close(&spool);
	run_shell("rm -r ../$(basename $PWD)");
}

static int
try_open(void)
{
	site_close(&spool);
	return site_open(&site, &spool);
}

START_TEST(a_spool_is_found_below_its_jail_and_locked)
{
	struct site_spool other;

	ck_assert_int_eq(try_open(), 0);
	ck_assert(site_is_there(&site, &spool));
	ck_assert_int_eq(site_open(&site, &other), -EBUSY);
	ck_assert_int_eq(other.dir_fd, -1);
	site_close(&spool);
	ck_assert_int_eq(try_open(), 0);
}
END_TEST

/* All that the jail's user can do on the way to his spool. */
static const struct {
	const char *command;
	int want;
} tricks[] = {
    {"true", 0},
    {"rm -r jail/var/spool/mail", -ENOENT},
    {"rm -r jail/var", -ENOENT},
    {"rm -r jail", -ENOENT},
    {"rm -r jail/var/spool/mail && ln -s ../../../outside/mail "
     "jail/var/spool/mail",
	-ENOTDIR},
    {"mv jail/var/spool jail/var/moved && ln -s moved jail/var/spool",
	-ENOTDIR},
    {"mv jail/var moved && ln -s ../moved jail/var", -ENOTDIR},
    {"rm -r jail/var/spool/mail && touch jail/var/spool/mail", -ENOTDIR},
    {"rm -r jail/var/spool/mail && mkfifo jail/var/spool/mail", -ENOTDIR},
    {"rm -r jail/var/spool && mkfifo jail/var/spool", -ENOTDIR},
    {"rm jail/var/spool/mail/worker", -EBADMSG},
    {"cd jail/var/spool/mail && rm worker && ln -s /etc/passwd worker",
	-EBADMSG},
    {"cd jail/var/spool/mail && rm worker && mkfifo worker", -EBADMSG},
    {"cd jail/var/spool/mail && rm worker && mkdir worker", -EBADMSG},
};

START_TEST(what_the_user_puts_in_the_way_leads_nowhere)
{
	run_shell(tricks[_i].command);
	ck_assert_int_eq(try_open(), tricks[_i].want);
	ck_assert_int_eq(spool.dir_fd >= 0, tricks[_i].want == 0);
}
END_TEST

START_TEST(no_path_leads_out_of_the_jail)
{
	static char outside[] = "/var/../../outside/mail";

	site.path = outside;
	ck_assert_int_eq(try_open(), -ELOOP);
}
END_TEST

START_TEST(the_operator_s_own_links_are_followed)
{
	run_shell("mv jail moved && ln -s moved jail");
	ck_assert_int_eq(try_open(), 0);
}
END_TEST

/* As flushctl opens one: beside its worker, and with the same care. */
START_TEST(a_directory_is_opened_though_somebody_serves_it)
{
	int fd;

	ck_assert_int_eq(try_open(), 0);
	fd = site_open_dir(&site);
	ck_assert_int_ge(fd, 0);
	close(fd);
	run_shell("mv jail/var moved && ln -s ../moved jail/var");
	ck_assert_int_eq(site_open_dir(&site), -ENOTDIR);
	run_shell("rm jail/var && mv moved jail/var");
	site.has_uid = true;
	site.uid = geteuid() + 1;
	ck_assert_int_eq(site_open_dir(&site), -EPERM);
}
END_TEST

START_TEST(slashes_do_not_count)
{
	static char slashes[] = "//var///spool/mail//";

	site.path = slashes;
	ck_assert_int_eq(try_open(), 0);
}
END_TEST

START_TEST(a_spool_must_be_its_user_s_and_not_root_s)
{
	if (geteuid() != 0)
		return;
	site.has_uid = true;
	site.uid = 12345;
	ck_assert_int_eq(try_open(), -EPERM);
	site.uid = 12345;
	run_shell("chown 12345 jail/var/spool/mail");
	ck_assert_int_eq(try_open(), 0);
}
END_TEST

START_TEST(a_user_who_is_missing_is_looked_for_again)
{
	static char nobody[] = "no-such-user";
	static char root_user[] = "root";
	struct buf why = BUF_INIT;

	site.has_uid = true;
	site.user = nobody;
	site_find_user(&site);
	ck_assert_int_eq(try_open(), -ESRCH);
	ck_assert_int_eq(site_open_dir(&site), -ESRCH);
	site_explain(&site, -ESRCH, &why);
	ck_assert_str_eq(
	    why.data, "user = no-such-user: there is no such user");
	buf_release(&why);
	/* Whose spools are not served. */
	site.user = root_user;
	site_find_user(&site);
	ck_assert_int_eq(try_open(), -ESRCH);
}
END_TEST

START_TEST(what_is_wrong_is_said_with_its_path)
{
	static char odd[] = "/var/\033[2J";
	struct buf why = BUF_INIT;
	struct buf want = BUF_INIT;

	site.path = odd;
	site_explain(&site, try_open(), &why);
	buf_add_format(
	    &want, "%s/var/\\x1b[2J: No such file or directory", root);
	ck_assert_str_eq(why.data, want.data);
	buf_release(&why);
	buf_release(&want);
}
END_TEST

START_TEST(one_that_was_replaced_is_not_there)
{
	ck_assert_int_eq(try_open(), 0);
	run_shell("mv jail/var/spool/mail jail/var/spool/old && "
		  "mkdir jail/var/spool/mail");
	ck_assert(!site_is_there(&site, &spool));
	run_shell("rmdir jail/var/spool/mail");
	ck_assert(!site_is_there(&site, &spool));
}
END_TEST

START_TEST(without_a_root_it_is_a_path_like_any_other)
{
	static char name[] = "/tmp/site-test.XXXXXX/outside/mail/";

	snprintf(name, sizeof(name), "%s/outside/mail", base);
	site.root = NULL;
	site.path = name;
	ck_assert_int_eq(try_open(), 0);
}
END_TEST

Suite *
site_suite(void)
{
	Suite *s = suite_create("site");
	TCase *tc = tcase_create("site");

	spool = (struct site_spool){.dir_fd = -1, .lock_fd = -1};
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_spool_is_found_below_its_jail_and_locked);
	tcase_add_loop_test(tc, what_the_user_puts_in_the_way_leads_nowhere, 0,
	    (int)ARRAY_LEN(tricks));
	tcase_add_test(tc, no_path_leads_out_of_the_jail);
	tcase_add_test(tc, the_operator_s_own_links_are_followed);
	tcase_add_test(tc, a_directory_is_opened_though_somebody_serves_it);
	tcase_add_test(tc, slashes_do_not_count);
	tcase_add_test(tc, a_spool_must_be_its_user_s_and_not_root_s);
	tcase_add_test(tc, a_user_who_is_missing_is_looked_for_again);
	tcase_add_test(tc, what_is_wrong_is_said_with_its_path);
	tcase_add_test(tc, one_that_was_replaced_is_not_there);
	tcase_add_test(tc, without_a_root_it_is_a_path_like_any_other);
	suite_add_tcase(s, tc);
	return s;
}
