/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "flushd/deadline.h"
#include "unit/smtp_play.h"
#include "unit/suites.h"

/* A conversation whose MAIL, RCPT, RCPT, DATA are out. */
static void
begin(struct play *p, struct deadline *d)
{
	play_init(p, &play_message, 1, PLAY_WHOLE);
	deadline_follow(d, p->s, false, 1000);
	play_feed(p, "220 mx\r\n", 8);
	play_feed(p, "250-mx\r\n250 PIPELINING\r\n", 24);
}

static void
say(struct play *p, const char *words)
{
	play_feed(p, words, strlen(words));
}

START_TEST(each_reply_has_a_time_of_its_own)
{
	struct deadline d = {0};
	struct play p;

	begin(&p, &d);
	ck_assert_int_eq(d.due_ms, 1000 + 90000);
	ck_assert(deadline_follow(&d, p.s, false, 2000));
	ck_assert_int_eq(d.due_ms, 2000 + 300000);
	say(&p, "250 ok\r\n250 o"); /* MAIL, and some of RCPT */
	ck_assert(deadline_follow(&d, p.s, false, 3000));
	ck_assert_int_eq(d.due_ms, 3000 + 300000);
	say(&p, "k\r\n"); /* the next RCPT, in the same phase */
	ck_assert(deadline_follow(&d, p.s, false, 4000));
	ck_assert_int_eq(d.due_ms, 4000 + 300000);
	play_release(&p);
}
END_TEST

START_TEST(bytes_of_a_reply_do_not_extend_its_time)
{
	struct deadline d = {0};
	struct play p;

	begin(&p, &d);
	deadline_follow(&d, p.s, false, 2000);
	say(&p, "250-");
	ck_assert(!deadline_follow(&d, p.s, false, 3000));
	say(&p, "a line\r\n");
	ck_assert(!deadline_follow(&d, p.s, false, 4000));
	ck_assert_int_eq(d.due_ms, 2000 + 300000);
	play_release(&p);
}
END_TEST

START_TEST(time_for_a_reply_begins_when_all_is_written)
{
	struct deadline d = {0};
	struct play p;

	begin(&p, &d);
	ck_assert(deadline_follow(&d, p.s, true, 2000));
	ck_assert_int_eq(d.due_ms, 2000 + 180000);
	ck_assert(!deadline_follow(&d, p.s, true, 3000));
	ck_assert(deadline_follow(&d, p.s, false, 4000));
	ck_assert_int_eq(d.due_ms, 4000 + 300000);
	play_release(&p);
}
END_TEST

START_TEST(nobody_waits_between_messages)
{
	struct deadline d = {0};
	struct play p;

	begin(&p, &d);
	say(&p, "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
	ck_assert(deadline_follow(&d, p.s, false, 2000));
	ck_assert_int_eq(d.due_ms, 2000 + 600000); /* the dot is out */
	say(&p, "250 ok\r\n");
	ck_assert(deadline_follow(&d, p.s, false, 3000));
	ck_assert_ptr_null(d.phase);
	ck_assert_int_eq(d.due_ms, 0);
	play_release(&p);
}
END_TEST

Suite *
deadline_suite(void)
{
	Suite *s = suite_create("deadline");
	TCase *tc = tcase_create("deadline");

	tcase_add_test(tc, each_reply_has_a_time_of_its_own);
	tcase_add_test(tc, bytes_of_a_reply_do_not_extend_its_time);
	tcase_add_test(tc, time_for_a_reply_begins_when_all_is_written);
	tcase_add_test(tc, nobody_waits_between_messages);
	suite_add_tcase(s, tc);
	return s;
}
