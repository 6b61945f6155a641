/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/compiler.h"
#include "mail/domain.h"
#include "unit/suites.h"

#define LABEL_63                                                               \
	"a23456789012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *name;
	bool is_valid;
} names[] = {
    {"example.org", true},
    {"EXAMPLE.Org", true},
    {"localhost", true},
    {"a", true},
    {"1.2.3.4", true},
    {"xn--bcher-kva.example", true},
    {"a-b.c--d.e", true},
    {LABEL_63 ".org", true},
    {LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63, true},
    {LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 ".a", false},
    {LABEL_63 "4.org", false},
    {"", false},
    {".", false},
    {"a.", false},
    {".a", false},
    {"a..b", false},
    {"-a.org", false},
    {"a-.org", false},
    {"a_b.org", false},
    {"a b", false},
    {"a\nb", false},
    {"[127.0.0.1]", false},
    {"b\xc3\xbc"
     "cher.example",
	false},
    {"a@b", false},
};

START_TEST(a_domain_is_told_from_other_words)
{
	const char *name = names[_i].name;

	ck_assert_msg(domain_is_valid(name, strlen(name)) == names[_i].is_valid,
	    "%s", name);
}
END_TEST

START_TEST(only_so_many_bytes_count)
{
	ck_assert(domain_is_valid("a.b!", 3));
	ck_assert(!domain_is_valid("a\0b", 3));
}
END_TEST

Suite *
domain_suite(void)
{
	Suite *s = suite_create("domain");
	TCase *tc = tcase_create("domain");

	tcase_add_loop_test(
	    tc, a_domain_is_told_from_other_words, 0, (int)ARRAY_LEN(names));
	tcase_add_test(tc, only_so_many_bytes_count);
	suite_add_tcase(s, tc);
	return s;
}
