/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "flushctl/status_table.h"
#include "listing/display.h"

enum { NAME_WIDTH_MIN = 8, NAME_WIDTH_MAX = 64, CELL_SIZE = 24 };

#define RED    "\033[31m"
#define YELLOW "\033[33m"
#define GREEN  "\033[32m"
#define PLAIN  "\033[0m"

struct table {
	const struct status_style *style;
	struct buf *out;
	json_t *sites; /* an array */
	json_t *relay; /* NULL: it was not said */
	int name_width;
};

/* ---- values -------------------------------------------------------- */

/* Those that are missing, or are something else, are 0 or "". */
static int64_t
number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static int64_t
number_in(const json_t *object, const char *key, const char *inner)
{
	return number(json_object_get(object, key), inner);
}

static const char *
text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static bool
is_known(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return value && !json_is_null(value);
}

void
status_table_add_duration(struct buf *out, int64_t sec)
{
	static const struct {
		int64_t sec;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	size_t i = 0;

	if (sec < 0)
		sec = 0;
	/* Two of a unit at least, as "1d" may be nearly two. */
	while (sec < 2 * units[i].sec && i + 1 < ARRAY_LEN(units))
		i++;
	buf_add_format(
	    out, "%jd%c", (intmax_t)(sec / units[i].sec), units[i].unit);
}

/* ---- cells --------------------------------------------------------- */

static void
add_coloured(struct table *t, const char *colour, const char *words)
{
	if (colour && t->style->has_colours)
		buf_add_format(t->out, "%s%s" PLAIN, colour, words);
	else
		buf_add_str(t->out, words);
}

/* Messages of a site; what was not counted yet is not known. */
static void
add_count(struct table *t, const json_t *site, int width, int64_t count,
    const char *colour)
{
	char cell[CELL_SIZE];

	if (is_known(site, "counted"))
		snprintf(cell, sizeof(cell), " %*jd", width, (intmax_t)count);
	else
		snprintf(cell, sizeof(cell), " %*s", width, "-");
	add_coloured(t, count > 0 ? colour : NULL, cell);
}

static void
add_oldest(struct table *t, const json_t *site)
{
	struct buf age = BUF_INIT;

	if (is_known(site, "oldest_age"))
		status_table_add_duration(&age, number(site, "oldest_age"));
	else
		buf_add_char(&age, '-');
	buf_add_format(t->out, " %6s", age.data);
	buf_release(&age);
}

/* On a line of its own, as there is no room in that of the site. */
static void
add_error(struct table *t, const json_t *site)
{
	const size_t width = t->style->width;
	struct buf line = BUF_INIT;

	if (!is_known(site, "last_error"))
		return;
	buf_add_str(&line, "  ");
	status_table_add_duration(
	    &line, t->style->now_sec - number(site, "last_error_time"));
	buf_add_str(&line, " ago: ");
	display_add(&line, text(site, "last_error"));
	buf_add(t->out, line.data,
	    width > 0 && line.len > width ? width : line.len);
	buf_add_char(t->out, '\n');
	buf_release(&line);
}

/* ---- lines --------------------------------------------------------- */

static void
add_heading(struct table *t)
{
	buf_add_format(t->out,
	    "%-*s WAITING DEFERRED   HELD FAILED OLDEST SENT/MIN STATE\n",
	    t->name_width, "SITE");
}

static void
add_site(struct table *t, const json_t *site)
{
	const char *state = text(site, "state");
	const int64_t deferred = number(site, "deferred");
	struct buf name = BUF_INIT;

	display_add(&name, text(site, "site"));
	buf_add_format(t->out, "%-*s", t->name_width, name.data);
	add_count(t, site, 7, number(site, "new") + deferred, NULL);
	add_count(t, site, 8, deferred, YELLOW);
	add_count(t, site, 6, number(site, "held"), YELLOW);
	add_count(t, site, 6, number(site, "failed"), YELLOW);
	add_oldest(t, site);
	buf_add_format(
	    t->out, " %8jd", (intmax_t)number_in(site, "per_minute", "sent"));
	buf_add_char(t->out, ' ');
	buf_clear(&name);
	display_add(&name, state);
	add_coloured(t, strcmp(state, "delayed") == 0 ? RED : NULL, name.data);
	buf_add_char(t->out, '\n');
	add_error(t, site);
	buf_release(&name);
}

static void
add_places(struct table *t, const char *key, const char *more)
{
	const int64_t waiting = number_in(t->relay, key, "waiting");

	buf_add_format(t->out, "%s %jd of %jd", key,
	    (intmax_t)number_in(t->relay, key, "used"),
	    (intmax_t)number_in(t->relay, key, "max"));
	if (waiting > 0)
		buf_add_format(t->out, " (%jd waiting)", (intmax_t)waiting);
	buf_add_str(t->out, more);
}

static void
add_relay(struct table *t)
{
	const bool is_up = strcmp(text(t->relay, "state"), "up") == 0;
	const int64_t now_sec = t->style->now_sec;

	buf_add_str(t->out, "Relay ");
	display_add(t->out, text(t->relay, "relay"));
	buf_add_str(t->out, " is ");
	add_coloured(t, is_up ? GREEN : RED, is_up ? "up" : "down");
	buf_add_str(t->out, " for ");
	status_table_add_duration(t->out, now_sec - number(t->relay, "since"));
	if (!is_up) {
		buf_add_str(t->out, ", asked again in ");
		status_table_add_duration(
		    t->out, number(t->relay, "next_probe") - now_sec);
		buf_add_str(t->out, ": ");
		display_add(t->out, text(t->relay, "reason"));
	}
	buf_add_char(t->out, '\n');
	add_places(t, "connections", ", ");
	add_places(t, "workers", "\n");
}

/* To a site's user no more is said of it. */
static void
add_relay_of_user(struct table *t)
{
	const bool is_up = json_is_true(
	    json_object_get(json_array_get(t->sites, 0), "relay_up"));

	buf_add_str(t->out, "Relay is ");
	add_coloured(t, is_up ? GREEN : RED, is_up ? "up" : "down");
	buf_add_char(t->out, '\n');
}

static void
add_table(struct table *t)
{
	const size_t count = json_array_size(t->sites);
	int64_t waiting = 0;

	if (count > 0)
		add_heading(t);
	for (size_t i = 0; i < count; i++) {
		const json_t *site = json_array_get(t->sites, i);

		add_site(t, site);
		waiting += number(site, "new") + number(site, "deferred");
	}
	buf_add_format(t->out, "-- %jd waiting in %zu site%s\n",
	    (intmax_t)waiting, count, count == 1 ? "" : "s");
	if (t->relay)
		add_relay(t);
	else if (count > 0)
		add_relay_of_user(t);
}

/* ---- the answer ---------------------------------------------------- */

/* Takes the object over. */
static int
take_object(struct table *t, json_t *object)
{
	const size_t name_len = strlen(text(object, "site"));

	/* Of what is none no key is known. */
	if (is_known(object, "error")) {
		display_add(t->out, text(object, "error"));
		json_decref(object);
		return -EPERM;
	}
	if (is_known(object, "relay") && !t->relay) {
		t->relay = object;
		return 0;
	}
	if (name_len == 0) {
		json_decref(object);
		return -EBADMSG;
	}
	if ((int)name_len > t->name_width && name_len <= NAME_WIDTH_MAX)
		t->name_width = (int)name_len;
	if (json_array_append_new(t->sites, object) < 0)
		alloc_fail();
	return 0;
}

int
status_table_add(struct buf *out, const char *answer, size_t len,
    const struct status_style *style)
{
	struct table t = {.style = style,
	    .out = out,
	    .sites = json_array(),
	    .name_width = NAME_WIDTH_MIN};
	const char *end;
	int rc = 0;

	while (rc == 0 && len > 0) {
		json_t *object;

		end = memchr(answer, '\n', len);
		object =
		    end ? json_loadb(answer, (size_t)(end - answer), 0, NULL)
			: NULL;
		rc = take_object(&t, object);
		if (end)
			len -= (size_t)(end + 1 - answer);
		answer = end ? end + 1 : answer;
	}
	if (rc == 0 && !t.relay &&
	    (style->wants_relay || json_array_size(t.sites) == 0))
		rc = -EBADMSG;
	if (rc == 0)
		add_table(&t);
	json_decref(t.sites);
	json_decref(t.relay);
	return rc;
}
