/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "site/landlock.h"

enum {
	/* What a worker does with the files of its spool... */
	ALLOWED = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
		  LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
		  LANDLOCK_ACCESS_FS_MAKE_REG,
	/* ...and all that the first version of the interface can forbid. */
	HANDLED = ALLOWED | LANDLOCK_ACCESS_FS_EXECUTE |
		  LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_CHAR |
		  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK |
		  LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		  LANDLOCK_ACCESS_FS_MAKE_SYM,
};

/* libc has none of the three calls. */
static int
apply(int ruleset, int dir_fd)
{
	const struct landlock_path_beneath_attr below = {
	    .allowed_access = ALLOWED, .parent_fd = dir_fd};

	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		&below, 0) < 0 ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return -errno;
	return 0;
}

int
landlock_enter(int dir_fd)
{
	const struct landlock_ruleset_attr attr = {
	    .handled_access_fs = HANDLED};
	int ruleset =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	int rc;

	if (ruleset < 0)
		return -errno;
	rc = apply(ruleset, dir_fd);
	close(ruleset);
	return rc;
}
