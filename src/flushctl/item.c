/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stddef.h>

#include "flushctl/item.h"

#define OWN_DIRECTORY "/usr/libexec/mini-sendmail"

/*
 * The links are absolute: they are followed in the jail, and mean the same
 * whether /bin is a directory or a link there.
 */
static const struct {
	const char *dir;
	const char *name;
	const char *path;
	const char *target; /* of a link */
} items[ITEM_COUNT] = {
    [SENDMAIL_COPY] = {OWN_DIRECTORY, "mini_sendmail", ITEM_SENDMAIL, NULL},
    [SENDMAIL_LINK] = {"/usr/sbin", "sendmail", "/usr/sbin/sendmail",
	ITEM_SENDMAIL},
    [SHELL_COPY] = {OWN_DIRECTORY, "jailsh", ITEM_JAILSH, NULL},
    [SHELL_LINK] = {"/bin", "sh", "/bin/sh", ITEM_JAILSH},
};

const char *
item_path(enum item i)
{
	return items[i].path;
}

bool
item_is_copy(enum item i)
{
	return !items[i].target;
}

const char *
item_own_directory(void)
{
	return OWN_DIRECTORY;
}

static const struct buf *
bytes_of(const struct programs *p, enum item i)
{
	return i == SENDMAIL_COPY ? &p->sendmail : &p->shell;
}

int
item_look(const struct jail *j, const struct programs *p, enum item i,
    struct item_look *look)
{
	struct item_look found = {PLACE_MISSING, false, BUF_INIT};
	struct jail_dir d;
	int rc = jail_open_dir(j, items[i].dir, false, &d);

	if (rc == -ENOENT) {
		buf_add_str(&found.why, "is missing");
		*look = found;
		return 0;
	}
	if (rc < 0)
		return rc;
	rc = items[i].target ? place_look_link(&d, items[i].name,
				   items[i].target, &found.why)
			     : place_look_file(&d, items[i].name,
				   bytes_of(p, i), &found.why);
	found.is_users = d.is_users;
	jail_dir_close(&d);
	if (rc < 0) {
		buf_release(&found.why);
		return rc;
	}
	found.state = (enum place_state)rc;
	*look = found;
	return 0;
}

void
item_look_release(struct item_look *look)
{
	buf_release(&look->why);
}

int
item_put(const struct jail *j, const struct programs *p, enum item i)
{
	struct jail_dir d;
	int rc = jail_open_dir(j, items[i].dir, true, &d);

	if (rc < 0)
		return rc;
	rc = items[i].target ? place_link(&d, items[i].name, items[i].target)
			     : place_file(&d, items[i].name, bytes_of(p, i));
	jail_dir_close(&d);
	return rc;
}

int
item_remove(const struct jail *j, enum item i)
{
	struct jail_dir d;
	int rc = jail_open_dir(j, items[i].dir, false, &d);

	if (rc < 0)
		return rc;
	rc = place_remove(&d, items[i].name);
	jail_dir_close(&d);
	return rc;
}
