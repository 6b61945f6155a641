/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "listing/listing.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

static struct listing listing;

static void
setup(void)
{
	fixture_setup();
	listing = (struct listing){0};
}

static void
teardown(void)
{
	listing_release(&listing);
	fixture_teardown();
}

static int
read_page(void)
{
	int rc;

	fixture_begin(SPOOL_READ);
	rc = listing_read_page(&listing, fixture_spool);
	spool_abort(fixture_spool);
	return rc;
}

static void
add_no_time(struct buf *b, int64_t wall_ms)
{
	(void)wall_ms;
	buf_add_str(b, "then");
}

/* Read and show all there is, as the programs do; how many pages. */
static size_t
list(struct buf *out)
{
	const struct entry *e;
	size_t pages = 0;
	int rc;

	do {
		rc = read_page();
		pages++;
		while ((e = listing_next(&listing)))
			listing_add_text(&listing, e, out, add_no_time);
	} while (rc > 0);
	ck_assert_int_eq(rc, 0);
	listing_add_end(&listing, out);
	return pages;
}

static size_t
count_of(const char *text, const char *word)
{
	size_t count = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		count++;
	return count;
}

static void
put(size_t count, size_t recipient_count)
{
	const struct spool_piece piece = {"text\n", 5};
	struct envelope e;
	uint64_t id;

	fixture_envelope(&e, recipient_count, piece.len);
	fixture_begin(SPOOL_WRITE);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(spool_put(fixture_spool, &e, &piece, 1,
				     FIXTURE_NOW_MS, &id),
		    0);
	fixture_commit();
	envelope_release(&e);
}

START_TEST(an_empty_spool_is_one_line)
{
	struct buf out = BUF_INIT;

	ck_assert_uint_eq(list(&out), 1);
	ck_assert_str_eq(out.data, "Mail queue is empty\n");
	buf_release(&out);
}
END_TEST

START_TEST(one_message_has_a_heading_and_an_end)
{
	static const char want[] =
	    "-Queue ID-  --Size-- ----Arrival Time---- "
	    "-Sender/Recipient-------\n"
	    "%s       5                then  a@example.org\n"
	    "                                         "
	    "recipient-0@example.org\n"
	    "\n-- 0 Kbytes in 1 Request.\n";
	struct buf out = BUF_INIT;

	fixture_put_one("text\n");
	list(&out);
	ck_assert_uint_gt(out.len, sizeof(want));
	/* The id is of eleven places. */
	ck_assert_int_eq(strncmp(out.data, want, strcspn(want, "%")), 0);
	ck_assert_ptr_nonnull(strstr(out.data, strstr(want, "       5")));
	buf_release(&out);
}
END_TEST

START_TEST(a_page_has_so_many_messages_and_the_next_goes_on)
{
	struct buf out = BUF_INIT;
	size_t pages;

	put(2 * LISTING_PAGE_MESSAGES + 1, 1);
	pages = list(&out);
	/* More where the machine is slow: a page has an end in time, too. */
	ck_assert_uint_ge(pages, 3);
	ck_assert_uint_eq(count_of(out.data, entry_heading), 1);
	ck_assert_uint_eq(count_of(out.data, " a@example.org\n"),
	    2 * LISTING_PAGE_MESSAGES + 1);
	ck_assert_uint_eq(
	    count_of(out.data, "\n\n"), 2 * LISTING_PAGE_MESSAGES + 1);
	ck_assert_ptr_nonnull(
	    strstr(out.data, "\n\n-- 0 Kbytes in 201 Requests.\n"));
	buf_release(&out);
}
END_TEST

START_TEST(a_page_ends_behind_so_many_recipients)
{
	put(6, LISTING_PAGE_RECIPIENTS / 5);
	ck_assert_int_eq(read_page(), 1);
	ck_assert_uint_ge(listing.page.count, 1);
	ck_assert_uint_le(listing.page.count, 5);
}
END_TEST

START_TEST(a_page_of_one_message_is_no_standstill)
{
	struct buf out = BUF_INIT;

	put(3, LISTING_PAGE_RECIPIENTS + 1);
	ck_assert_uint_eq(list(&out), 4);
	ck_assert_uint_eq(listing.count, 3);
	buf_release(&out);
}
END_TEST

START_TEST(what_comes_and_goes_between_pages_is_no_matter)
{
	struct buf out = BUF_INIT;
	uint64_t last_id;

	put(LISTING_PAGE_MESSAGES, 1);
	ck_assert_int_eq(read_page(), 1);
	while (listing_next(&listing))
		;
	last_id = listing.last_id;
	fixture_begin(SPOOL_CHANGE);
	ck_assert_int_eq(spool_remove(fixture_spool, last_id), 0);
	fixture_commit();
	put(1, 1);
	list(&out);
	ck_assert_uint_eq(listing.count, LISTING_PAGE_MESSAGES + 1);
	buf_release(&out);
}
END_TEST

/* ---- what is wanted ------------------------------------------------ */

/* So many of these senders, one after the other. */
static void
put_from(const char *sender, size_t count)
{
	const struct spool_piece piece = {"text\n", 5};
	struct envelope e;
	uint64_t id;

	fixture_envelope(&e, 1, piece.len);
	envelope_set_sender(&e, sender, strlen(sender));
	fixture_begin(SPOOL_WRITE);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(spool_put(fixture_spool, &e, &piece, 1,
				     FIXTURE_NOW_MS, &id),
		    0);
	fixture_commit();
	envelope_release(&e);
}

START_TEST(what_is_not_wanted_is_not_counted)
{
	static const struct filter filter = {
	    .sender = "rare@b.test", .state = FILTER_ANY};
	struct buf out = BUF_INIT;

	put_from("rare@b.test", 1);
	put_from("often@b.test", 3 * LISTING_PAGE_MESSAGES);
	put_from("rare@b.test", 1);
	listing.filter = &filter;
	list(&out);
	ck_assert_uint_eq(listing.count, 2);
	ck_assert_uint_eq(listing.bytes, 10);
	ck_assert_uint_eq(count_of(out.data, "rare@b.test"), 2);
	ck_assert_uint_eq(count_of(out.data, "often@b.test"), 0);
	ck_assert_uint_eq(count_of(out.data, entry_heading), 1);
	buf_release(&out);
}
END_TEST

static void
set_state(uint64_t id, enum message_phase phase, int64_t due_ms)
{
	fixture_begin(SPOOL_CHANGE);
	fixture_set(id, phase, due_ms);
	fixture_commit();
}

/* The ids in the order they are listed in, over all pages. */
static size_t
list_ids(uint64_t *ids, size_t max)
{
	const struct entry *e;
	size_t count = 0;
	int rc;

	do {
		rc = read_page();
		while ((e = listing_next(&listing))) {
			ck_assert_uint_lt(count, max);
			ids[count++] = e->id;
		}
	} while (rc > 0);
	ck_assert_int_eq(rc, 0);
	return count;
}

START_TEST(by_time_the_next_comes_first_and_what_has_none_last)
{
	uint64_t ids[5];
	uint64_t got[6];

	for (size_t i = 0; i < 5; i++)
		ids[i] = fixture_put_one("text\n");
	set_state(ids[0], PHASE_DEFERRED, INT64_C(1) << 60);
	set_state(ids[1], PHASE_HELD, 0);
	set_state(ids[2], PHASE_DEFERRED, 3000);
	set_state(ids[3], PHASE_DEFERRED, 2000);
	set_state(ids[4], PHASE_FAILED, 0);
	listing.order = LISTING_BY_TIME;
	ck_assert_uint_eq(list_ids(got, 6), 5);
	ck_assert_uint_eq(got[0], ids[3]);
	ck_assert_uint_eq(got[1], ids[2]);
	ck_assert_uint_eq(got[2], ids[0]);
	ck_assert_uint_eq(got[3], ids[1]);
	ck_assert_uint_eq(got[4], ids[4]);
}
END_TEST

START_TEST(by_time_every_page_comes_once)
{
	enum { COUNT = 3 * LISTING_PAGE_MESSAGES + 7 };
	static uint64_t got[COUNT + 1];

	put(COUNT, 1);
	listing.order = LISTING_BY_TIME;
	ck_assert_uint_eq(list_ids(got, COUNT + 1), COUNT);
	for (size_t i = 1; i < COUNT; i++)
		ck_assert_uint_gt(got[i], got[i - 1]);
}
END_TEST

START_TEST(the_name_of_a_site_stands_in_front_of_the_id)
{
	struct buf out = BUF_INIT;
	const char *line;

	fixture_put_one("text\n");
	listing.site = "shop";
	listing.site_width = 7;
	list(&out);
	ck_assert_int_eq(
	    strncmp(out.data, "-Site/Queue ID-     --Size-- ", 29), 0);
	line = strchr(out.data, '\n') + 1;
	ck_assert_int_eq(strncmp(line, "shop/", 5), 0);
	/* Both addresses stand in one column. */
	ck_assert_uint_eq(strcspn(line, "@"), 49 + 1);
	line = strchr(line, '\n') + 1;
	ck_assert_uint_eq(strspn(line, " "), 49);
	buf_release(&out);
}
END_TEST

/* ---- damage -------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned char part;
	const char *value; /* NULL: it is removed */
} damages[] = {
    {"an envelope that is none", 1, "x"},
    {"no envelope", 1, NULL},
    {"a state that is none", 2, "x"},
    {"no state", 2, NULL},
};

START_TEST(a_damaged_message_hides_no_other)
{
	struct buf out = BUF_INIT;
	uint64_t id;

	fixture_put_one("first\n");
	id = fixture_put_one("second\n");
	fixture_put_one("third\n");
	fixture_set_chunk(id, damages[_i].part, 0, damages[_i].value, 1);
	list(&out);
	ck_assert_msg(listing.count == 3 && listing.damaged_count == 1,
	    "%s: got %ju, %ju damaged, want 3, 1 damaged", damages[_i].name,
	    listing.count, listing.damaged_count);
	ck_assert_uint_eq(listing.bytes, strlen("first\n") + strlen("third\n"));
	ck_assert_uint_eq(count_of(out.data, "(damaged: "), 1);
	ck_assert_uint_eq(count_of(out.data, " a@example.org\n"), 2);
	buf_release(&out);
}
END_TEST

Suite *
listing_suite(void)
{
	Suite *s = suite_create("listing");
	TCase *tc = tcase_create("listing");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_empty_spool_is_one_line);
	tcase_add_test(tc, one_message_has_a_heading_and_an_end);
	tcase_add_test(tc, a_page_has_so_many_messages_and_the_next_goes_on);
	tcase_add_test(tc, a_page_ends_behind_so_many_recipients);
	tcase_add_test(tc, a_page_of_one_message_is_no_standstill);
	tcase_add_test(tc, what_comes_and_goes_between_pages_is_no_matter);
	tcase_add_test(tc, what_is_not_wanted_is_not_counted);
	tcase_add_test(tc, by_time_the_next_comes_first_and_what_has_none_last);
	tcase_add_test(tc, by_time_every_page_comes_once);
	tcase_add_test(tc, the_name_of_a_site_stands_in_front_of_the_id);
	tcase_add_loop_test(
	    tc, a_damaged_message_hides_no_other, 0, (int)ARRAY_LEN(damages));
	suite_add_tcase(s, tc);
	return s;
}
