/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "site/users.h"

struct user {
	char *name;
	uid_t uid;
	size_t place; /* in the file: of two with one name the first counts */
};

struct users {
	struct user *list; /* by name */
	size_t count;
	size_t size;
};

static int
by_name(const void *a, const void *b)
{
	const struct user *x = a;
	const struct user *y = b;
	const int order = strcmp(x->name, y->name);

	if (order != 0)
		return order;
	return x->place < y->place ? -1 : x->place > y->place;
}

static void
add(struct users *u, const struct passwd *pw)
{
	if (u->count == u->size) {
		u->size = u->size > 0 ? 2 * u->size : 64;
		u->list = alloc_resize(u->list, u->size, sizeof(*u->list));
	}
	u->list[u->count] = (struct user){
	    .name = alloc_copy(pw->pw_name, strlen(pw->pw_name)),
	    .uid = pw->pw_uid,
	    .place = u->count,
	};
	u->count++;
}

struct users *
users_new(FILE *passwd)
{
	struct users *u = alloc_zeroed(sizeof(*u));
	const struct passwd *pw;

	if (!passwd)
		return u;
	while ((pw = fgetpwent(passwd)))
		add(u, pw);
	fclose(passwd);
	if (u->count > 0)
		qsort(u->list, u->count, sizeof(*u->list), by_name);
	return u;
}

void
users_free(struct users *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->count; i++)
		free(u->list[i].name);
	free(u->list);
	free(u);
}

/* The first that does not come before it. */
static const struct user *
find(const struct users *u, const char *name)
{
	size_t low = 0;
	size_t high = u->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(u->list[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < u->count && strcmp(u->list[low].name, name) == 0
		   ? &u->list[low]
		   : NULL;
}

int
users_find(const struct users *u, const char *name, uid_t *uid)
{
	const struct user *known = find(u, name);
	const struct passwd *pw;

	if (known) {
		*uid = known->uid;
		return 0;
	}
	pw = getpwnam(name);
	if (!pw)
		return -ESRCH;
	*uid = pw->pw_uid;
	return 0;
}
