/* SPDX-License-Identifier: ISC */
#include <linux/magic.h>
#include <stddef.h>

#include "base/compiler.h"
#include "flushctl/filesystem.h"
#include "unit/suites.h"

/* As the kernel's own header has them, where it has. */
static const struct {
	uint32_t type;
	const char *name; /* NULL: a spool may be there */
} types[] = {
    {NFS_SUPER_MAGIC, "NFS"}, {SMB_SUPER_MAGIC, "SMB"},
#ifdef FUSE_SUPER_MAGIC /* since Linux 5.19 */
    {CIFS_SUPER_MAGIC, "CIFS"}, {SMB2_SUPER_MAGIC, "SMB"},
    {FUSE_SUPER_MAGIC, "FUSE"}, {CEPH_SUPER_MAGIC, "Ceph"},
#endif
    {V9FS_MAGIC, "9p"}, {AFS_SUPER_MAGIC, "AFS"}, {AFS_FS_MAGIC, "AFS"},
    {CODA_SUPER_MAGIC, "Coda"}, {NCP_SUPER_MAGIC, "NCP"},
    {OCFS2_SUPER_MAGIC, "OCFS2"}, {EXT4_SUPER_MAGIC, NULL},
    {XFS_SUPER_MAGIC, NULL}, {BTRFS_SUPER_MAGIC, NULL},
    {F2FS_SUPER_MAGIC, NULL}, {TMPFS_MAGIC, NULL},
    {OVERLAYFS_SUPER_MAGIC, NULL}, {0x2fc12fc1, NULL}, /* ZFS */
};

START_TEST(a_file_system_of_a_network_is_unfit)
{
	const char *got = filesystem_unfit(types[_i].type);
	const char *want = types[_i].name;

	if (!want)
		ck_assert_ptr_null(got);
	else
		ck_assert_pstr_eq(got, want);
}
END_TEST

Suite *
filesystem_suite(void)
{
	Suite *s = suite_create("filesystem");
	TCase *tc = tcase_create("filesystem");

	tcase_add_loop_test(
	    tc, a_file_system_of_a_network_is_unfit, 0, (int)ARRAY_LEN(types));
	suite_add_tcase(s, tc);
	return s;
}
