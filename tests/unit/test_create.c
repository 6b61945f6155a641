/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "spool/create.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

enum { OTHER = 54321, OTHER_GROUP = 54322 };

static const struct spool_plan *
plan_for(uid_t uid, gid_t gid)
{
	static struct spool_plan plan;

	plan = (struct spool_plan){.uid = uid,
	    .gid = gid,
	    .site = "site1",
	    .settings = spool_settings_default};
	plan.settings.quota_bytes = 12345;
	return &plan;
}

static const struct spool_plan *
plan_for_caller(void)
{
	return plan_for((uid_t)-1, (gid_t)-1);
}

START_TEST(a_new_spool_opens_with_its_settings_and_is_empty)
{
	struct spool_settings settings;
	struct census c;
	uint64_t id = 0;

	ck_assert_int_eq(spool_create(fixture_path, plan_for_caller()), 0);
	ck_assert_int_eq(spool_open(fixture_path, &fixture_spool), 0);
	fixture_begin(SPOOL_READ);
	ck_assert_int_eq(spool_get_settings(fixture_spool, &settings), 0);
	ck_assert_uint_eq(settings.quota_bytes, 12345);
	ck_assert_uint_eq(settings.message_bytes_max, 52428800);
	ck_assert_int_eq(spool_next(fixture_spool, &id), -ENOENT);
	spool_abort(fixture_spool);
	fixture_census(&c);
	ck_assert_uint_eq(c.key_count, 3);
	ck_assert_uint_eq(fixture_count_names(fixture_dir), 1);
	ck_assert_uint_eq(fixture_count_names(fixture_path), 3);
}
END_TEST

START_TEST(a_new_spool_knows_where_it_was_made)
{
	struct spool_identity identity;
	struct environment e;
	struct stat dir;
	struct stat file;
	MDB_val value;

	ck_assert_int_eq(spool_create(fixture_path, plan_for_caller()), 0);
	ck_assert_int_eq(stat(fixture_path, &dir), 0);
	ck_assert_int_eq(stat(fixture_name("spool/" SPOOL_FILE), &file), 0);
	fixture_open_raw(&e);
	ck_assert_int_eq(environment_get(&e, ENVIRONMENT_IDENTITY, &value), 0);
	ck_assert_int_eq(
	    record_decode_identity(value.mv_data, value.mv_size, &identity), 0);
	ck_assert_uint_eq(identity.directory_inode, dir.st_ino);
	ck_assert_uint_eq(identity.file_inode, file.st_ino);
	ck_assert_uint_eq(identity.copied_to_id, 0);
	ck_assert_str_eq(identity.site, "site1");
	free(identity.site);
	environment_close(&e);
}
END_TEST

static const struct {
	const char *name;
	mode_t mode;
} names[] = {
    {"spool", S_IFDIR | 0700},
    {"spool/" SPOOL_FILE, S_IFREG | 0600},
    {"spool/" SPOOL_INCOMING, S_IFDIR | 0700},
    {"spool/" SPOOL_WORKER_LOCK, S_IFREG | 0600},
};

static void
check_names(uid_t uid, gid_t gid)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct stat st;

		ck_assert_int_eq(lstat(fixture_name(names[i].name), &st), 0);
		ck_assert_msg(st.st_mode == names[i].mode,
		    "%s: got mode %o, want %o", names[i].name, st.st_mode,
		    names[i].mode);
		ck_assert_msg(st.st_uid == uid && st.st_gid == gid,
		    "%s: got owner %u:%u, want %u:%u", names[i].name, st.st_uid,
		    st.st_gid, uid, gid);
	}
}

START_TEST(a_new_spool_is_its_owners_alone_whatever_the_umask)
{
	static const mode_t umasks[] = {0, 022, 027, 077};

	umask(umasks[_i]);
	ck_assert_int_eq(spool_create(fixture_path, plan_for_caller()), 0);
	umask(022);
	check_names(geteuid(), getegid());
}
END_TEST

START_TEST(a_new_spool_is_given_to_its_user)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(
	    spool_create(fixture_path, plan_for(OTHER, OTHER_GROUP)), 0);
	check_names(OTHER, OTHER_GROUP);
}
END_TEST

/* ---- names --------------------------------------------------------- */

static const struct {
	const char *path; /* from the fixture's directory, which is the
			     working directory */
	int want;
} paths[] = {
    {"new", 0},
    {"./new", 0},
    {"new/", 0},
    {"new///", 0},
    {"missing/new", -ENOENT},
    {"file/new", -ENOTDIR},
    {"file", -EEXIST},
    {"directory", -EEXIST},
    {"dangling", -EEXIST},
    {"", -EINVAL},
    {"/", -EINVAL},
    {".", -EINVAL},
    {"directory/..", -EINVAL},
};

START_TEST(a_path_is_taken_or_refused)
{
	int rc;

	ck_assert_int_eq(chdir(fixture_dir), 0);
	ck_assert_int_eq(mkdir("directory", 0700), 0);
	ck_assert_int_eq(symlink("nowhere", "dangling"), 0);
	close(open("file", O_CREAT | O_WRONLY, 0600));
	rc = spool_create(paths[_i].path, plan_for_caller());
	ck_assert_msg(rc == paths[_i].want, "%s: got %d, want %d",
	    paths[_i].path, rc, paths[_i].want);
	ck_assert_uint_eq(fixture_count_names(fixture_dir), rc == 0 ? 4 : 3);
	ck_assert_uint_eq(fixture_count_names(fixture_name("directory")), 0);
}
END_TEST

START_TEST(a_spool_that_exists_stays_as_it_is)
{
	struct census before;
	struct census after;

	ck_assert_int_eq(spool_create(fixture_path, plan_for_caller()), 0);
	ck_assert_int_eq(spool_open(fixture_path, &fixture_spool), 0);
	fixture_put_one("mail\n");
	fixture_census(&before);
	ck_assert_int_eq(
	    spool_create(fixture_path, plan_for_caller()), -EEXIST);
	fixture_census(&after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ck_assert_uint_eq(fixture_count_names(fixture_dir), 1);
}
END_TEST

/* A power cut left it; processes of containers often have the same pid. */
START_TEST(a_draft_that_was_left_behind_is_no_hindrance)
{
	char draft[64];

	snprintf(draft, sizeof(draft), ".spool.new.%d", (int)getpid());
	ck_assert_int_eq(mkdir(fixture_name(draft), 0700), 0);
	ck_assert_int_eq(spool_create(fixture_path, plan_for_caller()), 0);
}
END_TEST

/* ---- failures ------------------------------------------------------ */

static int
create_as_it_is(void)
{
	return -spool_create(fixture_path, plan_for(OTHER, OTHER_GROUP));
}

START_TEST(a_spool_that_cannot_be_given_away_leaves_nothing)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(fixture_dir, 0777), 0);
	ck_assert_int_eq(fixture_run_as(1, create_as_it_is), EPERM);
	ck_assert_uint_eq(fixture_count_names(fixture_dir), 0);
}
END_TEST

START_TEST(a_parent_that_is_not_ours_leaves_nothing)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(fixture_dir, 0755), 0);
	ck_assert_int_eq(fixture_run_as(1, create_as_it_is), EACCES);
	ck_assert_uint_eq(fixture_count_names(fixture_dir), 0);
}
END_TEST

START_TEST(a_full_disk_leaves_nothing)
{
	static const rlim_t lens[] = {0, 4096, 8192, 8200};
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit limit = {lens[_i], RLIM_INFINITY};
	int rc;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	rc = spool_create(fixture_path, plan_for_caller());
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	ck_assert_msg(rc < 0, "%ju bytes: got %d, want an error",
	    (uintmax_t)lens[_i], rc);
	ck_assert_uint_eq(fixture_count_names(fixture_dir), 0);
	ck_assert_int_eq(spool_create(fixture_path, plan_for_caller()), 0);
}
END_TEST

Suite *
create_suite(void)
{
	Suite *s = suite_create("create");
	TCase *tc = tcase_create("create");

	tcase_add_checked_fixture(tc, fixture_setup_dir, fixture_teardown);
	tcase_add_test(tc, a_new_spool_opens_with_its_settings_and_is_empty);
	tcase_add_test(tc, a_new_spool_knows_where_it_was_made);
	tcase_add_loop_test(
	    tc, a_new_spool_is_its_owners_alone_whatever_the_umask, 0, 4);
	tcase_add_test(tc, a_new_spool_is_given_to_its_user);
	tcase_add_loop_test(
	    tc, a_path_is_taken_or_refused, 0, (int)ARRAY_LEN(paths));
	tcase_add_test(tc, a_spool_that_exists_stays_as_it_is);
	tcase_add_test(tc, a_draft_that_was_left_behind_is_no_hindrance);
	tcase_add_test(tc, a_spool_that_cannot_be_given_away_leaves_nothing);
	tcase_add_test(tc, a_parent_that_is_not_ours_leaves_nothing);
	tcase_add_loop_test(tc, a_full_disk_leaves_nothing, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}
