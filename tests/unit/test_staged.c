/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "spool/staged.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

#define TEXT "Subject: staged\n\ntext\n"

enum { HEADER_LEN = 40 };

static const uint64_t ID = 1795398945112760; /* a time, as ids are */

static int incoming;
static struct envelope envelope;
static struct spool_piece piece;
static struct spool_draft draft;
static struct staged file;

static void
setup(void)
{
	fixture_setup();
	incoming = fixture_open_incoming();
	piece = (struct spool_piece){TEXT, strlen(TEXT)};
	fixture_envelope(&envelope, 2, piece.len);
	ck_assert_int_eq(spool_draft_init(&draft, &envelope, &piece, 1,
			     SIZE_MAX, FIXTURE_NOW_MS),
	    0);
	ck_assert_int_eq(staged_make(&file, incoming, &draft), 0);
}

static void
teardown(void)
{
	staged_close(&file);
	spool_draft_release(&draft);
	envelope_release(&envelope);
	close(incoming);
	fixture_teardown();
}

static size_t
count_files(void)
{
	return fixture_count_names(fixture_name("spool/" SPOOL_INCOMING));
}

static const char *
name_of(uint64_t name, const char *suffix)
{
	static char text[40];

	snprintf(text, sizeof(text), "%016jx%s", (uintmax_t)name, suffix);
	return text;
}

/* ---- names --------------------------------------------------------- */

static const struct {
	const char *text;
	bool is_name;
	uint64_t name;
	bool is_withdrawn;
} names[] = {
    {"0123456789abcdef", true, 0x0123456789abcdef, false},
    {"0123456789abcdef.w", true, 0x0123456789abcdef, true},
    {"ffffffffffffffff", true, UINT64_MAX, false},
    {"", false, 0, false},
    {".", false, 0, false},
    {"..", false, 0, false},
    {".w", false, 0, false},
    {"0123456789abcde", false, 0, false},
    {"0123456789abcdef0", false, 0, false},
    {"0123456789ABCDEF", false, 0, false},
    {"0123456789abcdef.", false, 0, false},
    {"0123456789abcdef.w.w", false, 0, false},
    {"0123456789abcdef.x", false, 0, false},
};

START_TEST(a_name_is_known_by_its_form)
{
	bool is_withdrawn = false;
	uint64_t name = 0;

	ck_assert_int_eq(
	    staged_parse_name(names[_i].text, &name, &is_withdrawn),
	    names[_i].is_name);
	if (!names[_i].is_name)
		return;
	ck_assert_uint_eq(name, names[_i].name);
	ck_assert_int_eq(is_withdrawn, names[_i].is_withdrawn);
}
END_TEST

/* ---- both sides ---------------------------------------------------- */

START_TEST(what_is_staged_is_read_as_it_was)
{
	struct staged_message m;

	ck_assert_int_eq(staged_read(incoming, file.name, &m), 0);
	ck_assert_uint_eq(m.text.len, piece.len);
	ck_assert_mem_eq(m.text.data, TEXT, piece.len);
	ck_assert_uint_eq(m.sealed.len, draft.sealed.len);
	ck_assert_mem_eq(m.sealed.data, draft.sealed.data, m.sealed.len);
	ck_assert_uint_eq(m.envelope.recipient_count, 2);
	ck_assert_uint_eq(staged_id(&file), 0);
	staged_message_release(&m);
}
END_TEST

START_TEST(its_sender_is_told_the_id_and_the_name_goes)
{
	ck_assert_int_eq(staged_acknowledge(incoming, file.name, ID), 0);
	ck_assert_uint_eq(staged_id(&file), ID);
	ck_assert_uint_eq(count_files(), 0);
	/* By somebody who does not know that it was done. */
	ck_assert_int_eq(staged_acknowledge(incoming, file.name, ID), 0);
}
END_TEST

/* Not when it has waited for long enough. */
START_TEST(its_sender_is_woken)
{
	const unsigned int long_us = 20 * 1000 * 1000;
	int64_t begun = clock_boot_us();
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		staged_wait(&file, long_us);
		_exit(staged_id(&file) != ID);
	}
	usleep(30 * 1000);
	ck_assert_int_eq(staged_acknowledge(incoming, file.name, ID), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_lt(clock_boot_us() - begun, long_us / 2);
}
END_TEST

START_TEST(what_was_acknowledged_cannot_be_withdrawn)
{
	ck_assert_int_eq(staged_acknowledge(incoming, file.name, ID), 0);
	ck_assert_int_eq(staged_withdraw(&file), 1);
	ck_assert_uint_eq(count_files(), 0);
}
END_TEST

START_TEST(what_was_withdrawn_cannot_be_acknowledged)
{
	struct staged_message m;

	ck_assert_int_eq(staged_withdraw(&file), 0);
	ck_assert_int_eq(staged_read(incoming, file.name, &m), -ENOENT);
	ck_assert_int_eq(staged_acknowledge(incoming, file.name, ID), 1);
	ck_assert_uint_eq(staged_id(&file), 0);
	ck_assert_uint_eq(count_files(), 1);
	staged_forget(incoming, file.name);
	ck_assert_uint_eq(count_files(), 0);
}
END_TEST

START_TEST(what_somebody_removed_is_in_doubt)
{
	ck_assert_int_eq(unlinkat(incoming, name_of(file.name, ""), 0), 0);
	ck_assert_int_eq(staged_withdraw(&file), -EINPROGRESS);
}
END_TEST

START_TEST(what_is_taken_back_is_gone)
{
	staged_take_back(&file);
	ck_assert_int_eq(file.fd, -1);
	ck_assert_uint_eq(count_files(), 0);
}
END_TEST

START_TEST(the_file_of_a_dead_sender_is_removed)
{
	struct staged_message m;

	staged_close(&file);
	ck_assert_int_eq(staged_read(incoming, file.name, &m), -ENOENT);
	ck_assert_uint_eq(count_files(), 0);
}
END_TEST

START_TEST(what_is_too_long_is_not_staged)
{
	static const uint64_t lengths[] = {
	    STAGED_MAX, STAGED_MAX + 1, UINT64_MAX};
	struct staged other;

	envelope.text_len = lengths[_i];
	ck_assert_int_eq(staged_make(&other, incoming, &draft), -EFBIG);
	ck_assert_int_eq(other.fd, -1);
	ck_assert_uint_eq(count_files(), 1);
}
END_TEST

START_TEST(a_group_that_shares_the_spool_can_commit_it)
{
	struct staged other;
	struct stat st;

	ck_assert_int_eq(fstat(file.fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(fchmod(incoming, 02770), 0);
	ck_assert_int_eq(staged_make(&other, incoming, &draft), 0);
	ck_assert_int_eq(fstat(other.fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
	staged_take_back(&other);
}
END_TEST

/* ---- what a site can put there ------------------------------------- */

enum { NAME = 0x1234 };

/* Open, and so alive, until it is closed or the test ends. */
static int
plant(const char *bytes, size_t len)
{
	int fd = openat(incoming, name_of(NAME, ""),
	    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	return fd;
}

/* Of the one that is valid. */
static char *
copy_of_file(size_t *len)
{
	struct stat st;
	char *bytes;

	ck_assert_int_eq(fstat(file.fd, &st), 0);
	*len = (size_t)st.st_size;
	bytes = malloc(*len);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_int_eq(pread(file.fd, bytes, *len, 0), (ssize_t)st.st_size);
	return bytes;
}

START_TEST(half_a_message_is_left_alone)
{
	struct staged_message m;
	size_t len;
	char *bytes = copy_of_file(&len);

	for (size_t i = 0; i < len; i++) {
		int fd = plant(bytes, i);

		ck_assert_int_eq(staged_read(incoming, NAME, &m), -ENOENT);
		ck_assert_uint_eq(count_files(), 2);
		ck_assert_int_eq(unlinkat(incoming, name_of(NAME, ""), 0), 0);
		close(fd);
	}
	free(bytes);
}
END_TEST

static const struct {
	size_t at;
	const char *bytes;
} wrong[] = {
    {0, "M"},	  /* the magic */
    {15, "\2"},	  /* its version */
    {24, "\xff"}, /* the envelope's length */
    {31, "\0"},
    {32, "\xff"}, /* the text's */
    {39, "\0"},
    {HEADER_LEN, "\xfe"}, /* the envelope */
    {HEADER_LEN + 1, "\xff"},
    {HEADER_LEN + 4, "\xff"},
};

START_TEST(what_is_no_message_is_left_alone)
{
	struct staged_message m;
	size_t len;
	char *bytes = copy_of_file(&len);

	bytes[wrong[_i].at] = wrong[_i].bytes[0];
	plant(bytes, len);
	ck_assert_int_eq(staged_read(incoming, NAME, &m), -ENOENT);
	ck_assert_uint_eq(count_files(), 2);
	free(bytes);
}
END_TEST

static void
plant_pipe(void)
{
	ck_assert_int_eq(mkfifoat(incoming, name_of(NAME, ""), 0600), 0);
}

static void
plant_directory(void)
{
	ck_assert_int_eq(mkdirat(incoming, name_of(NAME, ""), 0700), 0);
}

static void
plant_link(void)
{
	ck_assert_int_eq(symlinkat(fixture_name("spool/" SPOOL_FILE), incoming,
			     name_of(NAME, "")),
	    0);
}

static void
plant_hard_link(void)
{
	ck_assert_int_eq(linkat(AT_FDCWD, fixture_name("spool/" SPOOL_FILE),
			     incoming, name_of(NAME, ""), 0),
	    0);
}

static void
plant_dangling_link(void)
{
	ck_assert_int_eq(symlinkat("nowhere", incoming, name_of(NAME, "")), 0);
}

static void (*const plants[])(void) = {plant_pipe, plant_directory, plant_link,
    plant_hard_link, plant_dangling_link};

START_TEST(what_is_no_file_of_its_own_is_neither_read_nor_written)
{
	struct staged_message m;
	struct census before;
	struct census after;

	fixture_census(&before);
	plants[_i]();
	ck_assert_int_eq(staged_read(incoming, NAME, &m), -ENOENT);
	ck_assert_int_eq(staged_acknowledge(incoming, NAME, ID), 0);
	ck_assert_uint_eq(count_files(), 2);
	fixture_census(&after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	if (plants[_i] == plant_directory)
		ck_assert_int_eq(
		    unlinkat(incoming, name_of(NAME, ""), AT_REMOVEDIR), 0);
}
END_TEST

/* ---- the suite ----------------------------------------------------- */

Suite *
staged_suite(void)
{
	Suite *s = suite_create("staged");
	TCase *tc = tcase_create("staged");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, a_name_is_known_by_its_form, 0, (int)ARRAY_LEN(names));
	tcase_add_test(tc, what_is_staged_is_read_as_it_was);
	tcase_add_test(tc, its_sender_is_told_the_id_and_the_name_goes);
	tcase_add_test(tc, its_sender_is_woken);
	tcase_add_test(tc, what_was_acknowledged_cannot_be_withdrawn);
	tcase_add_test(tc, what_was_withdrawn_cannot_be_acknowledged);
	tcase_add_test(tc, what_somebody_removed_is_in_doubt);
	tcase_add_test(tc, what_is_taken_back_is_gone);
	tcase_add_test(tc, the_file_of_a_dead_sender_is_removed);
	tcase_add_loop_test(tc, what_is_too_long_is_not_staged, 0, 3);
	tcase_add_test(tc, a_group_that_shares_the_spool_can_commit_it);
	tcase_add_test(tc, half_a_message_is_left_alone);
	tcase_add_loop_test(
	    tc, what_is_no_message_is_left_alone, 0, (int)ARRAY_LEN(wrong));
	tcase_add_loop_test(tc,
	    what_is_no_file_of_its_own_is_neither_read_nor_written, 0,
	    (int)ARRAY_LEN(plants));
	suite_add_tcase(s, tc);
	return s;
}
