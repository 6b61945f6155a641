/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/quantity.h"
#include "mail/domain.h"
#include "site/conf_file.h"

enum {
	KIB = 1024,
	MIB = 1024 * KIB,
	MINUTE_MS = 60 * 1000,
	DAY_MS = 24 * 60 * MINUTE_MS,
	RATE_MAX = 1000 * 1000 * 1000,
};

void
conf_values_init(struct conf_values *v)
{
	*v = (struct conf_values){
	    .workers_max = POLICY_WORKERS_MAX,
	    .connections_max = POLICY_CONNECTIONS_MAX,
	    .status_socket = CONF_STATUS_SOCKET,
	};
	policy_init(&v->policy);
	v->policy.has_limits = true;
	if (relay_parse("127.0.0.1:25", &v->relay) < 0)
		abort();
}

/* ---- keys ---------------------------------------------------------- */

enum type {
	TYPE_RELAY,    /* struct relay */
	TYPE_COUNT,    /* uint64_t */
	TYPE_SIZE,     /* uint64_t, bytes */
	TYPE_DURATION, /* int64_t, milliseconds */
	TYPE_BOOL,     /* bool */
	TYPE_OVER,     /* enum policy_over */
	TYPE_DOMAIN,   /* char[RECORD_DOMAIN_MAX + 1] */
	TYPE_PATH,     /* char *, absolute */
	TYPE_SOCKET,   /* char[LOCAL_PATH_MAX + 1], absolute */
	TYPE_USER,     /* char *, and uid */
};

/* Where there is no range, min and max are 0. */
struct key {
	const char *name;
	unsigned int scopes;
	enum type type;
	size_t offset; /* in struct conf_values */
	uint64_t min;
	uint64_t max;
};

#define AT(member) offsetof(struct conf_values, member)
#define EITHER	   (CONF_GLOBAL | CONF_SITE)

static const struct key keys[] = {
    {"relay", CONF_GLOBAL, TYPE_RELAY, AT(relay), 0, 0},
    {"max_workers", CONF_GLOBAL, TYPE_COUNT, AT(workers_max), 1, 1000},
    {"max_connections", CONF_GLOBAL, TYPE_COUNT, AT(connections_max), 1, 1000},
    {"status_socket", CONF_GLOBAL, TYPE_SOCKET, AT(status_socket), 0, 0},
    {"root", CONF_SITE, TYPE_PATH, AT(root), 0, 0},
    {"spool", CONF_SITE, TYPE_PATH, AT(spool), 0, 0},
    {"user", CONF_SITE, TYPE_USER, AT(user), 0, 0},
    {"domain", EITHER, TYPE_DOMAIN, AT(policy.domain), 0, 0},
    {"message_size", EITHER, TYPE_SIZE, AT(policy.message_bytes_max), KIB,
	UINT64_C(1) << 30},
    {"recipients", EITHER, TYPE_COUNT, AT(policy.recipients_max), 1, 10000},
    {"quota", EITHER, TYPE_SIZE, AT(policy.quota_bytes), MIB,
	UINT64_C(1) << 40},
    {"lifetime", EITHER, TYPE_DURATION, AT(policy.retry.lifetime_ms), MINUTE_MS,
	365 * (uint64_t)DAY_MS},
    {"failed_keep", EITHER, TYPE_DURATION, AT(policy.retry.failed_keep_ms),
	MINUTE_MS, 365 * (uint64_t)DAY_MS},
    {"messages_per_hour", EITHER, TYPE_COUNT, AT(policy.rate.messages), 0,
	RATE_MAX},
    {"recipients_per_hour", EITHER, TYPE_COUNT, AT(policy.rate.recipients), 0,
	RATE_MAX},
    {"over_rate", EITHER, TYPE_OVER, AT(policy.over_rate), 0, 0},
    {"soft_bounce", EITHER, TYPE_BOOL, AT(policy.is_soft_bounce), 0, 0},
};

enum { KEY_COUNT = ARRAY_LEN(keys) };

static void *
place_of(struct conf_values *v, const struct key *k)
{
	return (char *)v + k->offset;
}

static const void *
value_of(const struct conf_values *v, const struct key *k)
{
	return (const char *)v + k->offset;
}

/* ---- values -------------------------------------------------------- */

static int
take_domain(const char *text, char *domain)
{
	const size_t len = strlen(text);

	if (len > RECORD_DOMAIN_MAX || !domain_is_valid(text, len))
		return -EINVAL;
	memcpy(domain, text, len + 1);
	return 0;
}

static int
take_bool(const char *text, bool *value)
{
	*value = strcmp(text, "yes") == 0;
	return *value || strcmp(text, "no") == 0 ? 0 : -EINVAL;
}

static const char *const over_words[POLICY_OVER_COUNT] = {
    [POLICY_PACE] = "pace",
    [POLICY_HOLD] = "hold",
    [POLICY_REFUSE] = "refuse",
};

static int
take_over(const char *text, enum policy_over *over)
{
	for (int i = 0; i < POLICY_OVER_COUNT; i++) {
		if (strcmp(text, over_words[i]) != 0)
			continue;
		*over = (enum policy_over)i;
		return 0;
	}
	return -EINVAL;
}

static int
take_path(const char *text, char **path)
{
	if (*text != '/')
		return -EINVAL;
	free(*path);
	*path = alloc_copy(text, strlen(text));
	return 0;
}

static int
take_socket(const char *text, char *path)
{
	const size_t len = strlen(text);

	if (*text != '/' || len > LOCAL_PATH_MAX)
		return -EINVAL;
	memcpy(path, text, len + 1);
	return 0;
}

/* A number is a uid whether or not somebody has it; a name is looked up later,
 * with all others. */
static int
take_user(const char *text, struct conf_values *v)
{
	uint64_t uid;
	const bool is_number = quantity_parse_count(text, &uid) == 0;

	if (*text == '\0')
		return -EINVAL;
	if (is_number ? uid == 0 : strcmp(text, "root") == 0)
		return -EPERM;
	if (is_number && uid >= (uid_t)-1)
		return -ERANGE;
	free(v->user);
	v->user = alloc_copy(text, strlen(text));
	v->uid = is_number ? (uid_t)uid : 0;
	return 0;
}

static int
take_number(const struct key *k, const char *text, uint64_t *number)
{
	uint64_t n = 0;
	int64_t ms = 0;
	int rc;

	if (k->type == TYPE_COUNT) {
		rc = quantity_parse_count(text, &n);
	} else if (k->type == TYPE_SIZE) {
		rc = quantity_parse_size(text, &n);
	} else {
		rc = quantity_parse_duration(text, &ms);
		n = (uint64_t)ms;
	}
	if (rc == 0 && (n < k->min || n > k->max))
		rc = -ERANGE;
	if (rc == 0)
		*number = n;
	return rc;
}

static int
take_value(struct conf_values *v, const struct key *k, const char *text)
{
	void *value = place_of(v, k);
	uint64_t n;
	int rc;

	switch (k->type) {
	case TYPE_RELAY:
		return relay_parse(text, value);
	case TYPE_DOMAIN:
		return take_domain(text, value);
	case TYPE_BOOL:
		return take_bool(text, value);
	case TYPE_OVER:
		return take_over(text, value);
	case TYPE_PATH:
		return take_path(text, value);
	case TYPE_SOCKET:
		return take_socket(text, value);
	case TYPE_USER:
		return take_user(text, v);
	case TYPE_COUNT:
	case TYPE_SIZE:
		rc = take_number(k, text, &n);
		if (rc == 0)
			*(uint64_t *)value = n;
		return rc;
	case TYPE_DURATION:
		rc = take_number(k, text, &n);
		if (rc == 0)
			*(int64_t *)value = (int64_t)n;
		return rc;
	}
	return -EINVAL;
}

/* ---- what is wrong ------------------------------------------------- */

struct reading {
	const char *path;
	FILE *file;
	int line;
	enum conf_scope scope;
	struct conf_values *values;
	int lines[KEY_COUNT]; /* where each was given; 0: not yet */
	bool has_section;
	bool is_bad;
};

static void wrong(struct reading *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
wrong(struct reading *r, const char *fmt, ...)
{
	struct buf words = BUF_INIT;
	struct buf shown = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_add_vformat(&words, fmt, ap);
	va_end(ap);
	log_clean(&shown, words.data, words.len, 1000);
	log_error("%s:%d: %s", r->path, r->line, shown.data);
	r->is_bad = true;
	buf_release(&words);
	buf_release(&shown);
}

/* A number as it could stand in the file. */
static const char *
format_number(const struct key *k, uint64_t n, char *text)
{
	if (k->type == TYPE_SIZE)
		return quantity_format_size(n, text);
	if (k->type == TYPE_DURATION)
		return quantity_format_duration((int64_t)n, text);
	snprintf(text, QUANTITY_TEXT_MAX, "%ju", (uintmax_t)n);
	return text;
}

static void
wrong_value(struct reading *r, const struct key *k, const char *text, int rc)
{
	static const char *const wants[] = {
	    [TYPE_RELAY] = "an address or localhost, and a port: 127.0.0.1:25",
	    [TYPE_COUNT] = "a number",
	    [TYPE_SIZE] = "a number of bytes, perhaps with K, M, G or T",
	    [TYPE_DURATION] = "a number and s, m, h or d, as in 5d",
	    [TYPE_BOOL] = "yes or no",
	    [TYPE_OVER] = "pace, hold or refuse",
	    [TYPE_DOMAIN] = "a domain, as in example.org",
	    [TYPE_PATH] = "an absolute path",
	    [TYPE_SOCKET] = "an absolute path of at most 100 bytes",
	    [TYPE_USER] = "a user's name or number",
	};
	char min[QUANTITY_TEXT_MAX];
	char max[QUANTITY_TEXT_MAX];

	if (rc == -ERANGE && k->max > 0)
		wrong(r, "%s = %s: must be from %s to %s", k->name, text,
		    format_number(k, k->min, min),
		    format_number(k, k->max, max));
	else if (rc == -EPERM)
		wrong(r, "%s = %s: must not be root", k->name, text);
	else
		wrong(r, "%s = %s: want %s", k->name, text, wants[k->type]);
}

/* ---- lines --------------------------------------------------------- */

static const struct key *
find_key(const char *name)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static int
on_value(void *context, const char *section, const char *name, const char *text)
{
	struct reading *r = context;
	const struct key *k = find_key(name);
	int *line = k ? &r->lines[k - keys] : NULL;
	int rc;

	if (*section != '\0' && !r->has_section)
		wrong(r, "is in section [%s]; there are no sections", section);
	r->has_section = *section != '\0';
	if (!k) {
		wrong(r, "%s: there is no such key", name);
	} else if (!(k->scopes & r->scope)) {
		wrong(r, "%s: is a key of %s", name,
		    r->scope == CONF_SITE ? "flushd.conf"
					  : "the files in sites.d");
	} else if (*line != 0) {
		wrong(r, "%s: was given in line %d already", name, *line);
	} else {
		*line = r->line;
		rc = take_value(r->values, k, text);
		if (rc < 0)
			wrong_value(r, k, text, rc);
	}
	return 1;
}

/* inih would take the rest of a longer line for another one. */
static char *
read_line(char *text, int size, void *context)
{
	struct reading *r = context;
	char *got = fgets(text, size, r->file);
	size_t len;
	int c;

	if (!got)
		return NULL;
	r->line++;
	len = strlen(text);
	if ((int)len < size - 1 || text[len - 1] == '\n')
		return got;
	wrong(r, "is longer than %d bytes", size - 2);
	while ((c = getc(r->file)) != EOF && c != '\n')
		;
	text[0] = '\0';
	return got;
}

static int
check_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

/* A pipe would be waited for, and would tell nothing twice. */
static int
open_file(const char *path, FILE **file)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return -errno;
	rc = check_file(fd);
	if (rc == 0 && !(*file = fdopen(fd, "r")))
		rc = -errno;
	if (rc < 0)
		close(fd);
	return rc;
}

int
conf_file_read(const char *path, enum conf_scope scope, struct conf_values *v)
{
	struct reading r = {.path = path, .scope = scope, .values = v};
	int line;
	int rc;

	rc = open_file(path, &r.file);
	if (rc < 0) {
		if (rc != -ENOENT)
			log_error("%s: %s", path,
			    rc == -EINVAL ? "is no file" : strerror(-rc));
		return rc;
	}
	line = ini_parse_stream(read_line, &r, on_value, &r);
	if (line > 0) {
		r.line = line;
		wrong(&r, "is no 'key = value'");
	} else if (line < 0 || ferror(r.file)) {
		log_error("%s: cannot be read", path);
		r.is_bad = true;
	}
	fclose(r.file);
	return r.is_bad ? -EINVAL : 0;
}

/* ---- print --------------------------------------------------------- */

static void
print_value(const struct conf_values *v, const struct key *k, FILE *out)
{
	const void *value = value_of(v, k);
	char text[QUANTITY_TEXT_MAX];
	const char *words = NULL;

	switch (k->type) {
	case TYPE_RELAY:
		words = ((const struct relay *)value)->name;
		break;
	case TYPE_DOMAIN:
	case TYPE_SOCKET:
		words = value;
		break;
	case TYPE_BOOL:
		words = *(const bool *)value ? "yes" : "no";
		break;
	case TYPE_OVER:
		words = over_words[*(const enum policy_over *)value];
		break;
	case TYPE_PATH:
	case TYPE_USER:
		words = *(char *const *)value;
		break;
	case TYPE_COUNT:
	case TYPE_SIZE:
		words = format_number(k, *(const uint64_t *)value, text);
		break;
	case TYPE_DURATION:
		words =
		    format_number(k, (uint64_t) * (const int64_t *)value, text);
		break;
	}
	/* Without a value there is no line that would say so. */
	if (words && *words)
		fprintf(out, "%s = %s\n", k->name, words);
}

void
conf_file_print(const struct conf_values *v, enum conf_scope scope, FILE *out)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (keys[i].scopes & scope)
			print_value(v, &keys[i], out);
}

void
conf_values_release(struct conf_values *v)
{
	free(v->root);
	free(v->spool);
	free(v->user);
	v->root = NULL;
	v->spool = NULL;
	v->user = NULL;
}
