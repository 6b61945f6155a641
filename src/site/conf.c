/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "site/conf.h"
#include "site/conf_file.h"

#define SITES_DIR CONF_SITES_DIR
#define SUFFIX	  CONF_SITE_SUFFIX

void
conf_release(struct conf *c)
{
	for (size_t i = 0; i < c->site_count; i++) {
		free(c->sites[i].name);
		conf_values_release(&c->sites[i].values);
	}
	free(c->sites);
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

static int
read_site(struct conf *c, const char *path, const char *file)
{
	const size_t len = strlen(file) - strlen(SUFFIX);
	struct conf_values v = c->global;
	int rc;

	if (!conf_is_site_name(file, len)) {
		log_error("%s: the name of a site is 1 to %d of A-Z a-z 0-9 . "
			  "- _",
		    path, POLICY_SITE_MAX);
		return -EINVAL;
	}
	rc = conf_file_read(path, CONF_SITE, &v);
	if (rc == -ENOENT) /* removed since, or a link to nowhere */
		log_error("%s: %s", path, strerror(ENOENT));
	if (rc == 0)
		rc = check_site(path, &v);
	if (rc == 0)
		add_site(c, file, len, &v);
	else
		conf_values_release(&v);
	return rc;
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
		if (read_site(c, path.data, files[i]->d_name) < 0)
			rc = -EINVAL;
		free(files[i]);
	}
	free(files);
	buf_release(&path);
	return rc;
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

/* Each would find it served by the other, by turns. */
static int
sort_sites(struct conf *c)
{
	int rc = 0;

	if (c->site_count == 0)
		return 0;
	qsort(c->sites, c->site_count, sizeof(*c->sites), by_spool);
	for (size_t i = 1; i < c->site_count; i++) {
		if (by_spool(&c->sites[i - 1], &c->sites[i]) != 0)
			continue;
		log_error("sites %s and %s have the same spool",
		    c->sites[i - 1].name, c->sites[i].name);
		rc = -EINVAL;
	}
	qsort(c->sites, c->site_count, sizeof(*c->sites), by_name);
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
	if (rc == 0)
		rc = sort_sites(c);
	if (rc < 0)
		conf_release(c);
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
