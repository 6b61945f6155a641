/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flushctl/jail.h"
#include "flushctl/place.h"
#include "unit/spool_fixture.h"
#include "unit/suites.h"

/* Programs belong to root: who is not cannot put any. */
#define NEEDS_ROOT()                                                           \
	do {                                                                   \
		if (geteuid() != 0)                                            \
			return;                                                \
	} while (0)

enum { SITE = 54321 };

static struct jail jail;
static struct jail_dir dir = {.fd = -1};
static struct buf why = BUF_INIT;

static void
setup(void)
{
	umask(022);
	fixture_setup_dir();
	ck_assert_int_eq(jail_open(&jail, fixture_dir, SITE, SITE), 0);
}

static void
teardown(void)
{
	jail_dir_close(&dir);
	jail_close(&jail);
	buf_release(&why);
	fixture_teardown();
}

static int
open_dir(const char *path, bool may_make)
{
	jail_dir_close(&dir);
	return jail_open_dir(&jail, path, may_make, &dir);
}

/* ---- the way ------------------------------------------------------- */

START_TEST(directories_are_made_if_they_may_be)
{
	struct stat st;

	ck_assert_int_eq(open_dir("/usr/sbin", false), -ENOENT);
	ck_assert_uint_eq(fixture_count_names(fixture_dir), 0);
	ck_assert_int_eq(open_dir("/usr/sbin", true), 0);
	ck_assert_int_eq(fstat(dir.fd, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFDIR | 0755);
	ck_assert_uint_eq(st.st_uid, geteuid());
	ck_assert_int_eq(open_dir("usr//sbin/", false), 0);
}
END_TEST

static const struct {
	const char *link; /* from the jail */
	const char *target;
	const char *path;
	int want;
} links[] = {
    {"usr", "/", "/usr", -ENOTDIR},
    {"usr", ".", "/usr/sbin", -ENOTDIR},
    {"other", ".", "/other", -ENOTDIR},
    {"other", "nowhere", "/other", -ENOTDIR},
    {"other", "..", "/other/x", -ENOTDIR},
    {"other", ".", "/..", -ELOOP},
    {"bin", "usr/bin", "/bin", 0},
    {"bin", "/usr/bin", "/bin", 0},
    {"sbin", "usr/sbin", "/sbin", 0},
    {"sbin", "usr/bin", "/sbin", -ENOTDIR},
    {"bin", "../usr/bin", "/bin", -ENOTDIR},
    {"bin", "//usr/bin", "/bin", -ENOTDIR},
    {"bin", "usr/bin/", "/bin", -ENOTDIR},
    {"bin", "usr/bin", "/binary", 0},
    {"lib", "usr/lib", "/lib", -ENOTDIR},
};

START_TEST(no_link_is_followed_but_that_of_a_merged_usr)
{
	int rc;

	ck_assert_int_eq(
	    symlink(links[_i].target, fixture_name(links[_i].link)), 0);
	rc = open_dir(links[_i].path, true);
	ck_assert_msg(rc == links[_i].want, "%s -> %s, %s: got %d, want %d",
	    links[_i].link, links[_i].target, links[_i].path, rc,
	    links[_i].want);
}
END_TEST

START_TEST(the_merged_directory_is_the_one_in_usr)
{
	struct stat merged;
	struct stat st;

	ck_assert_int_eq(symlink("usr/bin", fixture_name("bin")), 0);
	ck_assert_int_eq(open_dir("/bin", true), 0);
	ck_assert_int_eq(fstat(dir.fd, &st), 0);
	ck_assert_int_eq(lstat(fixture_name("usr/bin"), &merged), 0);
	ck_assert_uint_eq(st.st_ino, merged.st_ino);
}
END_TEST

START_TEST(who_else_may_change_it_is_known)
{
	static const struct {
		mode_t mode;
		uid_t uid;
		gid_t gid;
		bool is_users;
	} rows[] = {
	    {0755, 0, 0, false},
	    {0775, 0, 0, false},
	    {0755, SITE, 0, true},
	    {0755, 0, SITE, false},
	    {0775, 0, SITE, true},
	    {0777, 0, 0, true},
	    {01777, 0, 0, true},
	};
	const char *top;

	NEEDS_ROOT();
	ck_assert_int_eq(open_dir("/top/below", true), 0);
	top = fixture_name("top");
	ck_assert_int_eq(chown(top, rows[_i].uid, rows[_i].gid), 0);
	ck_assert_int_eq(chmod(top, rows[_i].mode), 0);
	ck_assert_int_eq(open_dir("/top/below", false), 0);
	ck_assert_int_eq(dir.is_users, rows[_i].is_users);
}
END_TEST

START_TEST(a_jail_is_a_directory_with_an_absolute_path)
{
	static const struct {
		const char *path;
		int want;
	} rows[] = {
	    {"/", -EINVAL},
	    {"//", -EINVAL},
	    {"", -EINVAL},
	    {".", -EINVAL},
	    {"usr", -EINVAL},
	    {"/usr/../usr", -ELOOP},
	    {"/no/such/jail", -ENOENT},
	    {"/proc/self", -ENOTDIR},
	    {"/dev/null", -ENOTDIR},
	};
	struct jail other;

	ck_assert_int_eq(
	    jail_open(&other, rows[_i].path, SITE, SITE), rows[_i].want);
	jail_close(&other);
}
END_TEST

/* ---- what is put there --------------------------------------------- */

static const struct buf *
program(const char *text)
{
	static struct buf bytes;

	buf_release(&bytes);
	buf_init(&bytes);
	buf_add_str(&bytes, text);
	return &bytes;
}

static int
look(const char *text)
{
	buf_clear(&why);
	return place_look_file(&dir, "program", program(text), &why);
}

START_TEST(a_program_is_put_there_and_replaced)
{
	struct stat first;
	struct stat second;

	NEEDS_ROOT();
	ck_assert_int_eq(open_dir("/bin", true), 0);
	ck_assert_int_eq(look("one"), PLACE_MISSING);
	ck_assert_int_eq(place_file(&dir, "program", program("one")), 0);
	ck_assert_int_eq(look("one"), PLACE_CURRENT);
	ck_assert_uint_eq(why.len, 0);
	ck_assert_int_eq(lstat(fixture_name("bin/program"), &first), 0);
	ck_assert_uint_eq(first.st_mode, S_IFREG | 0755);
	ck_assert_int_eq(look("two"), PLACE_OUTDATED);
	ck_assert_int_eq(look("on"), PLACE_OUTDATED);
	ck_assert_int_eq(look("ones"), PLACE_OUTDATED);
	ck_assert_int_eq(place_file(&dir, "program", program("two")), 0);
	ck_assert_int_eq(look("two"), PLACE_CURRENT);
	ck_assert_int_eq(lstat(fixture_name("bin/program"), &second), 0);
	ck_assert_uint_ne(first.st_ino, second.st_ino);
	ck_assert_uint_eq(fixture_count_names(fixture_name("bin")), 1);
}
END_TEST

static void
plant_link(const char *name)
{
	ck_assert_int_eq(symlink("../secret", name), 0);
}

static void
plant_hard_link(const char *name)
{
	ck_assert_int_eq(link(fixture_name("secret"), name), 0);
}

static void
plant_pipe(const char *name)
{
	ck_assert_int_eq(mkfifo(name, 0755), 0);
}

static const struct {
	const char *name; /* in /bin */
	void (*plant)(const char *name);
} plants[] = {
    {"bin/program", plant_link},
    {"bin/program", plant_hard_link},
    {"bin/program", plant_pipe},
    {"bin/.program.new", plant_link},
    {"bin/.program.new", plant_hard_link},
    {"bin/.program.new", plant_pipe},
};

START_TEST(what_is_there_is_replaced_and_never_written_to)
{
	struct stat before;
	struct stat after;
	int fd;

	NEEDS_ROOT();
	fd = open(fixture_name("secret"), O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "secret", 6), 6);
	ck_assert_int_eq(fstat(fd, &before), 0);
	ck_assert_int_eq(open_dir("/bin", true), 0);
	ck_assert_int_eq(chdir(fixture_dir), 0);
	plants[_i].plant(plants[_i].name);
	ck_assert_int_ne(look("one"), PLACE_CURRENT);
	ck_assert_int_eq(place_file(&dir, "program", program("one")), 0);
	ck_assert_int_eq(look("one"), PLACE_CURRENT);
	ck_assert_int_eq(fstat(fd, &after), 0);
	ck_assert_int_eq(after.st_size, 6);
	ck_assert_uint_eq(after.st_mode, before.st_mode);
	ck_assert_uint_eq(after.st_nlink, 1);
	ck_assert_int_eq(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	ck_assert_uint_eq(fixture_count_names(fixture_name("bin")), 1);
	close(fd);
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(a_link_is_put_where_there_is_nothing_only)
{
	ck_assert_int_eq(open_dir("/bin", true), 0);
	ck_assert_int_eq(
	    place_look_link(&dir, "sh", "/x", &why), PLACE_MISSING);
	ck_assert_int_eq(place_link(&dir, "sh", "/x"), 0);
	ck_assert_int_eq(
	    place_look_link(&dir, "sh", "/x", &why), PLACE_CURRENT);
	ck_assert_int_eq(place_link(&dir, "sh", "/y"), -EAGAIN);
	buf_clear(&why);
	ck_assert_int_eq(
	    place_look_link(&dir, "sh", "/y", &why), PLACE_FOREIGN);
	ck_assert_str_eq(why.data, "is a link to /x");
	ck_assert_int_eq(place_remove(&dir, "sh"), 0);
	ck_assert_int_eq(place_remove(&dir, "sh"), 0);
	ck_assert_uint_eq(fixture_count_names(fixture_name("bin")), 0);
}
END_TEST

START_TEST(a_directory_is_in_the_way)
{
	NEEDS_ROOT();
	ck_assert_int_eq(open_dir("/bin/program", true), 0);
	ck_assert_int_eq(open_dir("/bin", true), 0);
	ck_assert_int_eq(look("one"), PLACE_FOREIGN);
	ck_assert_str_eq(why.data, "is a directory");
	ck_assert_int_eq(place_file(&dir, "program", program("one")), -EISDIR);
	ck_assert_uint_eq(fixture_count_names(fixture_name("bin")), 1);
}
END_TEST

START_TEST(nothing_is_put_on_another_mount)
{
	ck_assert_int_eq(open_dir("/bin", true), 0);
	dir.is_elsewhere = true;
	ck_assert_int_eq(place_file(&dir, "program", program("x")), -EXDEV);
	ck_assert_int_eq(place_link(&dir, "sh", "/x"), -EXDEV);
	ck_assert_int_eq(place_remove(&dir, "sh"), -EXDEV);
	ck_assert_uint_eq(fixture_count_names(fixture_name("bin")), 0);
}
END_TEST

Suite *
jail_suite(void)
{
	Suite *s = suite_create("jail");
	TCase *tc = tcase_create("jail");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, directories_are_made_if_they_may_be);
	tcase_add_loop_test(tc, no_link_is_followed_but_that_of_a_merged_usr, 0,
	    (int)ARRAY_LEN(links));
	tcase_add_test(tc, the_merged_directory_is_the_one_in_usr);
	tcase_add_loop_test(tc, who_else_may_change_it_is_known, 0, 7);
	tcase_add_loop_test(
	    tc, a_jail_is_a_directory_with_an_absolute_path, 0, 9);
	tcase_add_test(tc, a_program_is_put_there_and_replaced);
	tcase_add_loop_test(tc, what_is_there_is_replaced_and_never_written_to,
	    0, (int)ARRAY_LEN(plants));
	tcase_add_test(tc, a_link_is_put_where_there_is_nothing_only);
	tcase_add_test(tc, a_directory_is_in_the_way);
	tcase_add_test(tc, nothing_is_put_on_another_mount);
	suite_add_tcase(s, tc);
	return s;
}
