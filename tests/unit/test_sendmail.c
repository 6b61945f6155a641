/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sysexits.h>

#include "base/compiler.h"
#include "sendmail/sendmail.h"
#include "unit/suites.h"

static const struct {
	const char *name;
	int err;
	int want;
} codes[] = {
    {"no spool", -ENOENT, EX_OSFILE},
    {"no directory", -ENOTDIR, EX_OSFILE},
    {"may not enter", -EACCES, EX_NOPERM},
    {"another's", -EPERM, EX_CONFIG},
    {"a link", -ELOOP, EX_CONFIG},
    {"damaged", -EBADMSG, EX_CONFIG},
    {"disk full", -ENOSPC, EX_CANTCREAT},
    {"a write cut short by a full disk", -EIO, EX_CANTCREAT},
    {"over the file size limit", -EFBIG, EX_CANTCREAT},
    {"quota", -EDQUOT, EX_CANTCREAT},
    {"read-only", -EROFS, EX_CANTCREAT},
    {"lock", -ETIMEDOUT, EX_CANTCREAT},
    {"perhaps stored", -EINPROGRESS, EX_IOERR},
    {"too long", -EMSGSIZE, EX_UNAVAILABLE},
    {"too many", -E2BIG, EX_UNAVAILABLE},
    {"blocked", -ECANCELED, EX_UNAVAILABLE},
    {"memory", -ENOMEM, EX_OSERR},
    {"descriptors", -EMFILE, EX_OSERR},
    {"what nobody expected", -EXDEV, EX_SOFTWARE},
};

START_TEST(each_error_has_its_exit_code)
{
	const char *what = NULL;
	int got = sendmail_exit_code(codes[_i].err, &what);

	ck_assert_msg(got == codes[_i].want, "%s: got %d, want %d",
	    codes[_i].name, got, codes[_i].want);
	ck_assert(what && *what);
}
END_TEST

START_TEST(no_error_is_called_a_success_or_loses_the_mail)
{
	for (int err = 1; err < 200; err++) {
		const char *what;
		int code = sendmail_exit_code(-err, &what);

		/* PHP takes 75 for success; Bugzilla drops mail at 67, 68. */
		ck_assert_int_ne(code, EX_OK);
		ck_assert_int_ne(code, EX_TEMPFAIL);
		ck_assert_int_ne(code, EX_NOUSER);
		ck_assert_int_ne(code, EX_NOHOST);
	}
}
END_TEST

Suite *
sendmail_suite(void)
{
	Suite *s = suite_create("sendmail");
	TCase *t = tcase_create("exit");

	tcase_add_loop_test(
	    t, each_error_has_its_exit_code, 0, (int)ARRAY_LEN(codes));
	tcase_add_test(t, no_error_is_called_a_success_or_loses_the_mail);
	suite_add_tcase(s, t);
	return s;
}
