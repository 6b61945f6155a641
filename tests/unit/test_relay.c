/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "site/relay.h"
#include "unit/suites.h"

static const struct {
	const char *text;
	int family; /* 0: refused */
	const char *host;
	in_port_t port;
} cases[] = {
    {"127.0.0.1:25", AF_INET, "127.0.0.1", 25},
    {"localhost:10025", AF_INET, "127.0.0.1", 10025},
    {"[::1]:25", AF_INET6, "::1", 25},
    {"10.1.2.3:65535", AF_INET, "10.1.2.3", 65535},
    {"", 0, NULL, 0},
    {":", 0, NULL, 0},
    {"127.0.0.1", 0, NULL, 0},
    {"127.0.0.1:", 0, NULL, 0},
    {":25", 0, NULL, 0},
    {"127.0.0.1:0", 0, NULL, 0},
    {"127.0.0.1:65536", 0, NULL, 0},
    {"127.0.0.1:-1", 0, NULL, 0},
    {"127.0.0.1: 25", 0, NULL, 0},
    {"127.0.0.1:25x", 0, NULL, 0},
    {"127.0.0.1:18446744073709551641", 0, NULL, 0},
    {"127.0.0.256:25", 0, NULL, 0},
    {"::1:25", 0, NULL, 0},
    {"[::1:25", 0, NULL, 0},
    {"[]:25", 0, NULL, 0},
    {"[::1%eth0]:25", 0, NULL, 0},
    {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]:25", 0, NULL, 0},
    {"mail.example.org:25", 0, NULL, 0},
    {"a-name-that-is-longer-than-any-address-can-be-and-goes-on-and-on-for-"
     "long.test:25",
	0, NULL, 0},
};

START_TEST(relay_is_a_numeric_address_and_a_port)
{
	struct relay r = {.name = "untouched"};
	const struct sockaddr_in *v4 = (const void *)&r.address;
	const struct sockaddr_in6 *v6 = (const void *)&r.address;
	char host[INET6_ADDRSTRLEN];
	int rc = relay_parse(cases[_i].text, &r);

	if (cases[_i].family == 0) {
		ck_assert_msg(rc == -EINVAL, "%s: got %d, want -EINVAL",
		    cases[_i].text, rc);
		ck_assert_str_eq(r.name, "untouched");
		return;
	}
	ck_assert_msg(rc == 0, "%s: got %d, want 0", cases[_i].text, rc);
	ck_assert_str_eq(r.name, cases[_i].text);
	ck_assert_int_eq(r.address.ss_family, cases[_i].family);
	if (cases[_i].family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		ck_assert_int_eq(ntohs(v4->sin_port), cases[_i].port);
		ck_assert_int_eq(r.address_len, sizeof(*v4));
	} else {
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		ck_assert_int_eq(ntohs(v6->sin6_port), cases[_i].port);
		ck_assert_int_eq(r.address_len, sizeof(*v6));
	}
	ck_assert_str_eq(host, cases[_i].host);
}
END_TEST

Suite *
relay_suite(void)
{
	Suite *s = suite_create("relay");
	TCase *t = tcase_create("parse");

	tcase_add_loop_test(t, relay_is_a_numeric_address_and_a_port, 0,
	    (int)(sizeof(cases) / sizeof(cases[0])));
	suite_add_tcase(s, t);
	return s;
}
