/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>

#include "flushctl/user.h"

static int
parse_id(const char *text, uid_t *uid)
{
	unsigned long n;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || n >= (uid_t)-1)
		return -EINVAL;
	*uid = (uid_t)n;
	return 0;
}

int
user_find(const char *text, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw = getpwnam(text);
	uid_t number;

	if (!pw && parse_id(text, &number) < 0)
		return -ENOENT;
	if (!pw)
		pw = getpwuid(number);
	*uid = pw ? pw->pw_uid : number;
	*gid = pw ? pw->pw_gid : (gid_t)number;
	return 0;
}
