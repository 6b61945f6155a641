/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>

#include "base/compiler.h"
#include "sendmail/failure.h"
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
	int got = failure_exit_code(codes[_i].err, &what);

	ck_assert_msg(got == codes[_i].want, "%s: got %d, want %d",
	    codes[_i].name, got, codes[_i].want);
	ck_assert(what && *what);
}
END_TEST

START_TEST(no_error_is_called_a_success_or_loses_the_mail)
{
	for (int err = 1; err < 200; err++) {
		const char *what;
		int code = failure_exit_code(-err, &what);

		/* PHP takes 75 for success; Bugzilla drops mail at 67, 68. */
		ck_assert_int_ne(code, EX_OK);
		ck_assert_int_ne(code, EX_TEMPFAIL);
		ck_assert_int_ne(code, EX_NOUSER);
		ck_assert_int_ne(code, EX_NOHOST);
	}
}
END_TEST

/* ---- words --------------------------------------------------------- */

enum { KB = 1024 };
#define MB (UINT64_C(1024) * KB)
#define GB (1024 * MB)

static const struct {
	const char *name;
	struct submit_result result;
	uint64_t text_len;
	size_t recipient_count;
	int want;
	const char *want_why;
} limits[] = {
    {"blocked", {.limit = SUBMIT_BLOCKED}, 10, 1, EX_UNAVAILABLE,
	"this site is blocked: it may not send mail now"},
    {"rate", {.limit = SUBMIT_RATE}, 10, 1, EX_UNAVAILABLE,
	"this site has sent as much as it may within an hour"},
    {"long",
	{.limit = SUBMIT_MESSAGE_BYTES, .settings.message_bytes_max = 52428800},
	60000000, 1, EX_UNAVAILABLE,
	"the message has 60000000 bytes, and this site may send at most "
	"52428800"},
    {"long for the relay",
	{.limit = SUBMIT_RELAY_BYTES,
	    .relay_bytes = 10240512,
	    .settings = {.relay_bytes_max = 10240000, .is_relay_known = true}},
	10000000, 1, EX_UNAVAILABLE,
	"the message has 10240512 bytes when it is sent, and the relay takes "
	"at most 10240000"},
    {"long for the relay, it is assumed",
	{.limit = SUBMIT_RELAY_BYTES,
	    .relay_bytes = 10240512,
	    .settings.relay_bytes_max = 10240000},
	10000000, 1, EX_UNAVAILABLE,
	"the message has 10240512 bytes when it is sent, and a relay that was "
	"not yet asked may take no more than 10240000"},
    {"recipients",
	{.limit = SUBMIT_RECIPIENTS, .settings.recipients_max = 1000}, 10, 1200,
	EX_UNAVAILABLE, "1200 recipients, and a message may have at most 1000"},
    {"quota",
	{.limit = SUBMIT_QUOTA,
	    .settings.quota_bytes = GB,
	    .counters = {.bytes = GB - 1, .count = {1000, 200, 30, 4}}},
	300, 1, EX_CANTCREAT,
	"/spool: the spool is full: 1234 messages of 1023.9 MB wait, this one "
	"has 300 bytes, and 1.0 GB is all they may have"},
    {"quota, one message",
	{.limit = SUBMIT_QUOTA,
	    .settings.quota_bytes = 100 * MB,
	    .counters = {.bytes = 10240, .count = {1}}},
	100 * MB, 1, EX_CANTCREAT,
	"/spool: the spool is full: 1 message of 10.0 kB waits, this one has "
	"100.0 MB, and 100.0 MB is all they may have"},
    {"quota, no message", {.limit = SUBMIT_QUOTA, .settings.quota_bytes = 1},
	10239, 1, EX_CANTCREAT,
	"/spool: the spool is full: 0 messages of 0 bytes wait, this one has "
	"10239 bytes, and 1 byte is all they may have"},
    {"quota, the largest numbers",
	{.limit = SUBMIT_QUOTA,
	    .settings.quota_bytes = UINT64_MAX,
	    .counters = {.bytes = UINT64_MAX, .count = {1, UINT64_MAX}}},
	UINT64_MAX, 1, EX_CANTCREAT,
	"/spool: the spool is full: 0 messages of 15.9 EB wait, this one has "
	"15.9 EB, and 15.9 EB is all they may have"},
};

START_TEST(each_limit_is_said_in_numbers)
{
	struct buf why = BUF_INIT;
	int got = failure_of_limit("/spool", &limits[_i].result,
	    limits[_i].text_len, limits[_i].recipient_count, &why);

	ck_assert_msg(got == limits[_i].want, "%s: got %d, want %d",
	    limits[_i].name, got, limits[_i].want);
	ck_assert_msg(strcmp(why.data, limits[_i].want_why) == 0,
	    "%s: got %s, want %s", limits[_i].name, why.data,
	    limits[_i].want_why);
	buf_release(&why);
}
END_TEST

START_TEST(a_strange_name_of_a_spool_stays_within_its_line)
{
	char name[1000];
	struct buf why = BUF_INIT;

	ck_assert_int_eq(
	    failure_of_spool("/a\nb\033[2J", -ENOSPC, &why), EX_CANTCREAT);
	ck_assert_str_eq(
	    why.data, "/a\\x0ab\\x1b[2J: the disk, or a quota on it, is full");
	buf_clear(&why);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(failure_of_spool(name, -ENOENT, &why), EX_OSFILE);
	ck_assert_uint_lt(why.len, 300);
	ck_assert_ptr_nonnull(strstr(why.data, "...: there is no spool here"));
	buf_release(&why);
}
END_TEST

Suite *
failure_suite(void)
{
	Suite *s = suite_create("failure");
	TCase *t = tcase_create("exit");

	tcase_add_loop_test(
	    t, each_error_has_its_exit_code, 0, (int)ARRAY_LEN(codes));
	tcase_add_loop_test(
	    t, each_limit_is_said_in_numbers, 0, (int)ARRAY_LEN(limits));
	tcase_add_test(t, a_strange_name_of_a_spool_stays_within_its_line);
	tcase_add_test(t, no_error_is_called_a_success_or_loses_the_mail);
	suite_add_tcase(s, t);
	return s;
}
