/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/log.h"
#include "site/conf.h"
#include "site/conf_file.h"
#include "site/users.h"

#define SITES_DIR CONF_SITES_DIR
#define SUFFIX	  CONF_SITE_SUFFIX

static void
release_site(struct conf_site *s)
{
	free(s->name);
	conf_values_release(&s->values);
}

void
conf_release(struct conf *c)
{
	for (size_t i = 0; i < c->site_count; i++)
		release_site(&c->sites[i]);
	for (size_t i = 0; i < c->wrong_count; i++)
		free(c->wrong[i]);
	free(c->sites);
	free(c->wrong);
	conf_values_release(&c->global);
	*c = (struct conf){0};
}

void
conf_get_site(const struct conf_site *s, struct site *site)
{
	const struct conf_values *v = &s->values;

	*site = (struct site){
	    .name = alloc_copy(s->name, strlen(s->name)),
	    .root = alloc_copy(v->root, strlen(v->root)),
	    .path = alloc_copy(v->spool, strlen(v->spool)),
	    .user = alloc_copy(v->user, strlen(v->user)),
	    .has_uid = true,
	    .uid = v->uid,
	};
}

/* ---- sites --------------------------------------------------------- */

bool
conf_is_site_name(const char *name, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_";

	return len > 0 && len <= POLICY_SITE_MAX && name[0] != '-' &&
	       strspn(name, allowed) >= len;
}

/* What is not a file of ours: editors and package managers leave some. */
static int
is_site_file(const struct dirent *entry)
{
	const size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len >= strlen(SUFFIX) &&
	       strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static int
check_site(const char *path, const struct conf_values *v)
{
	if (!v->root)
		log_error("%s: root is missing: the jail's directory", path);
	if (!v->user)
		log_error("%s: user is missing: the owner of the spool", path);
	return v->root && v->user ? 0 : -EINVAL;
}

/* Takes the values over. */
static void
add_site(
    struct conf *c, const char *name, size_t name_len, struct conf_values *v)
{
	memcpy(v->policy.site, name, name_len);
	v->policy.site[name_len] = '\0';
	if (!v->spool)
		v->spool = alloc_copy(CONF_SPOOL, strlen(CONF_SPOOL));
	c->sites = alloc_resize(c->sites, c->site_count + 1, sizeof(*c->sites));
	c->sites[c->site_count++] = (struct conf_site){
	    .name = alloc_copy(name, name_len),
	    .values = *v,
	};
}

static void
add_wrong(struct conf *c, const char *name, size_t name_len)
{
	c->wrong =
	    alloc_resize(c->wrong, c->wrong_count + 1, sizeof(*c->wrong));
	c->wrong[c->wrong_count++] = alloc_copy(name, name_len);
	c->has_mistakes = true;
}

static void
read_site(struct conf *c, const char *path, const char *file)
{
	const size_t len = strlen(file) - strlen(SUFFIX);
	struct conf_values v = c->global;
	int rc;

	if (!conf_is_site_name(file, len)) {
		log_error("%s: the name of a site is 1 to %d of A-Z a-z 0-9 . "
			  "- _",
		    path, POLICY_SITE_MAX);
		c->has_mistakes = true;
		return;
	}
	rc = conf_file_read(path, CONF_SITE, &v);
	if (rc == -ENOENT) /* removed since, or a link to nowhere */
		log_error("%s: %s", path, strerror(ENOENT));
	if (rc == 0)
		rc = check_site(path, &v);
	if (rc < 0) {
		add_wrong(c, file, len);
		conf_values_release(&v);
		return;
	}
	add_site(c, file, len, &v);
}

static int
read_sites(struct conf *c, const char *dir)
{
	struct dirent **files = NULL;
	struct buf path = BUF_INIT;
	int count;
	int rc = 0;

	buf_add_format(&path, "%s/" SITES_DIR, dir);
	count = scandir(path.data, &files, is_site_file, NULL);
	if (count < 0 && errno != ENOENT) {
		log_error("%s: %s", path.data, strerror(errno));
		rc = -EINVAL;
	}
	for (int i = 0; i < count; i++) {
		buf_clear(&path);
		buf_add_format(
		    &path, "%s/" SITES_DIR "/%s", dir, files[i]->d_name);
		read_site(c, path.data, files[i]->d_name);
		free(files[i]);
	}
	free(files);
	buf_release(&path);
	return rc;
}

/* ---- users --------------------------------------------------------- */

static void
log_user(const char *dir, const struct conf_site *s, bool is_root)
{
	const char *user = s->values.user;
	struct buf path = BUF_INIT;
	struct buf shown = BUF_INIT;

	buf_add_format(&path, "%s/" SITES_DIR "/%s" SUFFIX, dir, s->name);
	log_clean(&shown, user, strlen(user), POLICY_SITE_MAX);
	if (is_root)
		log_error(
		    "%s: user = %s: must not be root", path.data, shown.data);
	else
		log_error("%s: user = %s: there is no such user", path.data,
		    shown.data);
	buf_release(&path);
	buf_release(&shown);
}

/* False: it is no site's, and the log says so. */
static bool
find_user(struct conf *c, const char *dir, const struct users *users,
    struct conf_site *s)
{
	uid_t uid = 0;

	if (s->values.uid != 0)
		return true;
	if (users_find(users, s->values.user, &uid) < 0) {
		/* There may be one when the spool is opened. */
		log_user(dir, s, false);
		c->has_mistakes = true;
		return true;
	}
	s->values.uid = uid;
	if (uid == 0)
		log_user(dir, s, true);
	return uid != 0;
}

static void
find_users(struct conf *c, const char *dir)
{
	struct users *users = users_new(fopen("/etc/passwd", "re"));
	size_t kept = 0;

	for (size_t i = 0; i < c->site_count; i++) {
		struct conf_site *s = &c->sites[i];

		if (find_user(c, dir, users, s)) {
			c->sites[kept++] = *s;
		} else {
			add_wrong(c, s->name, strlen(s->name));
			release_site(s);
		}
	}
	c->site_count = kept;
	users_free(users);
}

/* ---- order --------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	const struct conf_site *x = a;
	const struct conf_site *y = b;

	return strcmp(x->name, y->name);
}

static int
by_spool(const void *a, const void *b)
{
	const struct conf_site *x = a;
	const struct conf_site *y = b;
	const int order = strcmp(x->values.root, y->values.root);

	return order != 0 ? order : strcmp(x->values.spool, y->values.spool);
}

static int
by_word(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* How many sites from this one on have its spool; they are sorted by that. */
static size_t
count_sharers(const struct conf *c, size_t first)
{
	size_t count = 1;

	while (first + count < c->site_count &&
	       by_spool(&c->sites[first], &c->sites[first + count]) == 0)
		count++;
	return count;
}

/* Nobody knows which of them is meant. */
static void
drop_sharers(struct conf *c, struct conf_site *first, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			log_error("sites %s and %s have the same spool",
			    first->name, first[i].name);
		add_wrong(c, first[i].name, strlen(first[i].name));
	}
	for (size_t i = 0; i < count; i++)
		release_site(&first[i]);
}

/* Each would find it served by the other, by turns. */
static void
sort_sites(struct conf *c)
{
	size_t kept = 0;
	size_t count;

	if (c->site_count > 0)
		qsort(c->sites, c->site_count, sizeof(*c->sites), by_spool);
	for (size_t i = 0; i < c->site_count; i += count) {
		count = count_sharers(c, i);
		if (count > 1)
			drop_sharers(c, &c->sites[i], count);
		else
			c->sites[kept++] = c->sites[i];
	}
	c->site_count = kept;
	if (kept > 0)
		qsort(c->sites, kept, sizeof(*c->sites), by_name);
	if (c->wrong_count > 0)
		qsort(c->wrong, c->wrong_count, sizeof(*c->wrong), by_word);
}

bool
conf_is_wrong(const struct conf *c, const char *name)
{
	return c->wrong_count > 0 && bsearch(&name, c->wrong, c->wrong_count,
					 sizeof(*c->wrong), by_word);
}

/* ---- all of it ----------------------------------------------------- */

int
conf_check_dir(const char *dir)
{
	struct stat st;
	int rc = 0;

	if (stat(dir, &st) < 0)
		rc = -errno;
	else if (!S_ISDIR(st.st_mode))
		rc = -ENOTDIR;
	if (rc < 0)
		log_error("%s: %s", dir, strerror(-rc));
	return rc;
}

int
conf_load_global(const char *dir, struct conf_values *v)
{
	struct buf path = BUF_INIT;
	int rc;

	conf_values_init(v);
	buf_add_format(&path, "%s/" CONF_FILE, dir);
	rc = conf_file_read(path.data, CONF_GLOBAL, v);
	buf_release(&path);
	return rc < 0 && rc != -ENOENT ? -EINVAL : 0;
}

int
conf_load(const char *dir, struct conf *c)
{
	int rc;
	int sites_rc;

	*c = (struct conf){0};
	rc = conf_load_global(dir, &c->global);
	/* Of all files what is wrong is said. */
	sites_rc = read_sites(c, dir);
	if (rc == 0)
		rc = sites_rc;
	if (rc < 0) {
		conf_release(c);
	} else {
		find_users(c, dir);
		sort_sites(c);
	}
	return rc < 0 ? -EINVAL : 0;
}

void
conf_print(const struct conf *c, FILE *out)
{
	fprintf(out, "# " CONF_FILE "\n");
	conf_file_print(&c->global, CONF_GLOBAL, out);
	for (size_t i = 0; i < c->site_count; i++) {
		fprintf(
		    out, "\n# " SITES_DIR "/%s" SUFFIX "\n", c->sites[i].name);
		conf_file_print(&c->sites[i].values, CONF_SITE, out);
	}
}
