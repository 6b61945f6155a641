/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "site/users.h"
#include "unit/suites.h"

static char passwd[] = "www-b:x:1002:1002::/:/bin/false\n"
		       "www-a:x:1001:1001::/:/bin/false\n"
		       "nonsense\n"
		       "+::::::\n"
		       "www-b:x:9999:9999::/:/bin/false\n"
		       "www-ab:x:1003:1003::/:/bin/false\n"
		       "nobody-of-this-host:x:1004:1004::/:/bin/false\n";

static const struct {
	const char *name;
	int rc;
	uid_t uid;
} rows[] = {
    {"www-a", 0, 1001},
    {"www-ab", 0, 1003},
    {"nobody-of-this-host", 0, 1004},
    /* The first counts, as for getpwnam(). */
    {"www-b", 0, 1002},
    {"www-", -ESRCH, 0},
    {"www-c", -ESRCH, 0},
    {"", -ESRCH, 0},
    /* Who is not in the file is looked for elsewhere. */
    {"root", 0, 0},
};

START_TEST(a_user_is_found_by_his_name)
{
	struct users *u = users_new(fmemopen(passwd, strlen(passwd), "r"));
	uid_t uid = 0;

	ck_assert_int_eq(users_find(u, rows[_i].name, &uid), rows[_i].rc);
	ck_assert_uint_eq(uid, rows[_i].uid);
	users_free(u);
}
END_TEST

START_TEST(without_a_file_there_is_the_host_s)
{
	struct users *u = users_new(NULL);
	uid_t uid = 1;

	ck_assert_int_eq(users_find(u, "www-a", &uid), -ESRCH);
	ck_assert_int_eq(users_find(u, "root", &uid), 0);
	ck_assert_uint_eq(uid, 0);
	users_free(u);
	users_free(NULL);
}
END_TEST

Suite *
users_suite(void)
{
	Suite *s = suite_create("users");
	TCase *tc = tcase_create("users");

	tcase_add_loop_test(
	    tc, a_user_is_found_by_his_name, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, without_a_file_there_is_the_host_s);
	suite_add_tcase(s, tc);
	return s;
}
