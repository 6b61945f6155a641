/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flushctl/snapshot.h"
#include "listing/display.h"

static const char *const kind_names[COUNTED_KIND_COUNT] = {
    [COUNTED_ARRIVED] = "arrived",
    [COUNTED_LEFT] = "left",
    [COUNTED_SENT] = "sent",
    [COUNTED_DEFERRED] = "deferred",
    [COUNTED_FAILED] = "failed",
    [COUNTED_REFUSED] = "refused",
};

/* ---- values -------------------------------------------------------- */

static bool
is_known(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return value && !json_is_null(value);
}

static int64_t
number(const json_t *object, const char *key)
{
	const json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? n : 0;
}

static uint64_t
count(const json_t *object, const char *key)
{
	return (uint64_t)number(object, key);
}

static const char *
text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* ---- objects ------------------------------------------------------- */

static void
read_counted(const json_t *object, const char *key, uint64_t *counted)
{
	const json_t *inner = json_object_get(object, key);

	for (size_t i = 0; i < COUNTED_KIND_COUNT; i++)
		counted[i] = count(inner, kind_names[i]);
}

static struct snapshot_site
read_site(const json_t *o)
{
	const json_t *commits = json_object_get(o, "commits");
	struct snapshot_site site = {
	    .name = text(o, "site"),
	    .state = text(o, "state"),
	    .error = text(o, "last_error"),
	    .is_counted = is_known(o, "counted"),
	    .bytes = count(o, "bytes"),
	    .oldest_age_sec = is_known(o, "oldest_age")
				  ? number(o, "oldest_age")
				  : SNAPSHOT_NEVER,
	    .counted_sec = number(o, "counted"),
	    .error_sec = number(o, "last_error_time"),
	    .crashes = count(o, "crashes"),
	    .commits = count(commits, "count"),
	    .commit_us = count(commits, "usec"),
	    .is_relay_up = json_is_true(json_object_get(o, "relay_up")),
	};

	for (size_t i = 0; i < PHASE_COUNT; i++)
		site.count[i] = count(o, message_phase_names[i]);
	read_counted(o, "total", site.total);
	read_counted(o, "per_minute", site.per_minute);
	return site;
}

static struct snapshot_places
read_places(const json_t *o, const char *key)
{
	const json_t *places = json_object_get(o, key);

	return (struct snapshot_places){count(places, "used"),
	    count(places, "max"), count(places, "waiting")};
}

static struct snapshot_relay
read_relay(const json_t *o)
{
	return (struct snapshot_relay){
	    .name = text(o, "relay"),
	    .is_up = strcmp(text(o, "state"), "up") == 0,
	    .since_sec = number(o, "since"),
	    .reason = text(o, "reason"),
	    .next_probe_sec = number(o, "next_probe"),
	    .connections = read_places(o, "connections"),
	    .workers = read_places(o, "workers"),
	    .version = text(o, "version"),
	    .started_sec = number(o, "started"),
	};
}

/* ---- the answer ---------------------------------------------------- */

/* The array doubles each time it is full. */
static struct snapshot_site *
add_site(struct snapshot *s)
{
	if ((s->count & (s->count - 1)) == 0)
		s->sites = alloc_resize(s->sites,
		    s->count > 0 ? s->count * 2 : 1, sizeof(*s->sites));
	return &s->sites[s->count++];
}

static int
take_object(struct snapshot *s, const json_t *o, const char *line,
    size_t line_len, struct buf *refusal)
{
	/* Of what is none no key is known. */
	if (is_known(o, "error")) {
		display_add(refusal, text(o, "error"));
		return -EPERM;
	}
	if (is_known(o, "relay") && !s->has_relay) {
		s->relay = read_relay(o);
		s->relay.line = line;
		s->relay.line_len = line_len;
		s->has_relay = true;
	} else if (*text(o, "site")) {
		struct snapshot_site *site = add_site(s);

		*site = read_site(o);
		site->line = line;
		site->line_len = line_len;
	} else {
		return -EBADMSG;
	}
	return 0;
}

static int
take_line(struct snapshot *s, const char *line, size_t len, struct buf *refusal)
{
	json_t *o = json_loadb(line, len - 1, 0, NULL);
	int rc = take_object(s, o, line, len, refusal);

	if (o && json_array_append_new(s->objects, o) < 0)
		alloc_fail();
	return rc;
}

int
snapshot_parse(const char *answer, size_t len, bool is_root, struct snapshot *s,
    struct buf *refusal)
{
	int rc = 0;

	*s = (struct snapshot){.objects = json_array()};
	while (rc == 0 && len > 0) {
		const char *end = memchr(answer, '\n', len);
		size_t line_len;

		if (!end) {
			rc = -EBADMSG;
			break;
		}
		line_len = (size_t)(end + 1 - answer);
		rc = take_line(s, answer, line_len, refusal);
		answer += line_len;
		len -= line_len;
	}
	if (rc == 0 && !s->has_relay && (is_root || s->count == 0))
		rc = -EBADMSG;
	if (rc < 0)
		snapshot_release(s);
	return rc;
}

void
snapshot_release(struct snapshot *s)
{
	free(s->sites);
	json_decref(s->objects);
	*s = (struct snapshot){0};
}

bool
snapshot_choose(struct snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->sites[i].name, name) == 0) {
			s->sites[0] = s->sites[i];
			s->count = 1;
			return true;
		}
	return false;
}

bool
snapshot_is_relay_up(const struct snapshot *s)
{
	if (s->has_relay)
		return s->relay.is_up;
	return s->count > 0 && s->sites[0].is_relay_up;
}

/* ---- a site -------------------------------------------------------- */

uint64_t
snapshot_waiting(const struct snapshot_site *site)
{
	return site->count[PHASE_NEW] + site->count[PHASE_DEFERRED];
}

bool
snapshot_is_in_error(const struct snapshot_site *site)
{
	return strcmp(site->state, "delayed") == 0 ||
	       (!site->is_counted && *site->error);
}

enum snapshot_trouble
snapshot_trouble(const struct snapshot_site *site)
{
	if (snapshot_is_in_error(site))
		return TROUBLE_ERROR;
	if (site->count[PHASE_HELD] + site->count[PHASE_FAILED] > 0)
		return TROUBLE_KEPT;
	return TROUBLE_NONE;
}

static int
compare(const void *a, const void *b)
{
	const struct snapshot_site *x = a;
	const struct snapshot_site *y = b;
	const enum snapshot_trouble trouble_x = snapshot_trouble(x);
	const enum snapshot_trouble trouble_y = snapshot_trouble(y);
	const uint64_t waiting_x = snapshot_waiting(x);
	const uint64_t waiting_y = snapshot_waiting(y);

	if (trouble_x != trouble_y)
		return trouble_x > trouble_y ? -1 : 1;
	if (waiting_x != waiting_y)
		return waiting_x > waiting_y ? -1 : 1;
	return strcmp(x->name, y->name);
}

void
snapshot_sort(struct snapshot *s)
{
	if (s->count > 0)
		qsort(s->sites, s->count, sizeof(*s->sites), compare);
}

/* ---- all of them --------------------------------------------------- */

struct snapshot_sum
snapshot_add_up(const struct snapshot *s)
{
	struct snapshot_sum sum = {.oldest_age_sec = SNAPSHOT_NEVER};

	for (size_t i = 0; i < s->count; i++) {
		const struct snapshot_site *site = &s->sites[i];

		sum.waiting += snapshot_waiting(site);
		for (size_t j = 0; j < PHASE_COUNT; j++)
			sum.count[j] += site->count[j];
		for (size_t j = 0; j < COUNTED_KIND_COUNT; j++)
			sum.per_minute[j] += site->per_minute[j];
		if (site->oldest_age_sec > sum.oldest_age_sec)
			sum.oldest_age_sec = site->oldest_age_sec;
		sum.in_error += snapshot_is_in_error(site);
	}
	return sum;
}
