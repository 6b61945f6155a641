/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "flushctl/drain.h"
#include "flushctl/status_table.h"
#include "listing/display.h"

enum {
	NAME_WIDTH_MIN = 8,
	NAME_WIDTH_MAX = 64,
	MARK_WIDTH = 2,
	STATE_WIDTH = 9, /* with a blank before it */
	ERROR_FRESH_SEC = 3600,
};

#define RED    "\033[31m"
#define YELLOW "\033[33m"
#define GREEN  "\033[32m"
#define BOLD   "\033[1m"
#define PLAIN  "\033[0m"

struct table {
	const struct status_style *style;
	const struct snapshot *snapshot;
	struct buf *out;
	size_t line_count;
	struct buf line; /* the one in the making */
	int name_width;
};

/* ---- lines --------------------------------------------------------- */

/* Append as much of a line as is seen in width characters, and all colours. */
static void
add_cut(struct buf *out, const struct buf *line, size_t width)
{
	size_t seen = 0;
	bool is_colour = false;

	for (size_t i = 0; i < line->len; i++) {
		const char c = line->data[i];

		if (c == '\033')
			is_colour = true;
		if (is_colour || width == 0 || seen < width)
			buf_add_char(out, c);
		seen += !is_colour;
		if (c == 'm')
			is_colour = false;
	}
}

static void
end_line(struct table *t)
{
	add_cut(t->out, &t->line, t->style->width);
	buf_add_char(t->out, '\n');
	buf_clear(&t->line);
	t->line_count++;
}

static void
add_coloured(struct table *t, const char *colour, const char *words)
{
	if (colour && t->style->has_colours)
		buf_add_format(&t->line, "%s%s" PLAIN, colour, words);
	else
		buf_add_str(&t->line, words);
}

/* ---- cells --------------------------------------------------------- */

void
status_table_add_number(struct buf *out, uint64_t n, int width)
{
	static const char units[] = " kMGTPE";
	char text[32];
	size_t i = 0;

	if (snprintf(text, sizeof(text), "%ju", (uintmax_t)n) <= width) {
		buf_add_str(out, text);
		return;
	}
	do {
		n /= 1000;
		i++;
	} while (snprintf(text, sizeof(text), "%ju%c", (uintmax_t)n, units[i]) >
		     width &&
		 i + 2 < sizeof(units));
	buf_add_str(out, text);
}

static void
add_cell(struct table *t, const char *words, int width, const char *colour)
{
	struct buf cell = BUF_INIT;

	buf_add_format(&cell, " %*s", width, words);
	add_coloured(t, colour, cell.data);
	buf_release(&cell);
}

static void
add_number(struct table *t, uint64_t n, int width, const char *colour)
{
	struct buf words = BUF_INIT;

	status_table_add_number(&words, n, width);
	add_cell(t, words.data, width, n > 0 ? colour : NULL);
	buf_release(&words);
}

/* Messages of a site; what was not counted yet is not known. */
static void
add_messages(struct table *t, const struct snapshot_site *site, uint64_t n,
    int width, const char *colour)
{
	if (site->is_counted)
		add_number(t, n, width, colour);
	else
		add_cell(t, "-", width, NULL);
}

static void
add_oldest(struct table *t, const struct snapshot_site *site)
{
	struct buf age = BUF_INIT;

	if (site->oldest_age_sec == SNAPSHOT_NEVER)
		buf_add_char(&age, '-');
	else
		drain_add_duration(&age, site->oldest_age_sec);
	add_cell(t, age.data, 6, NULL);
	buf_release(&age);
}

static void
add_flow(struct table *t, const struct snapshot_site *site)
{
	const uint64_t in = site->per_minute[COUNTED_ARRIVED];
	const uint64_t left = site->per_minute[COUNTED_LEFT];
	const struct drain d = drain_estimate(snapshot_waiting(site), in, left);
	struct buf words = BUF_INIT;

	add_number(t, in, 6, NULL);
	add_number(t, left, 7, NULL);
	drain_add_short(&words, &d);
	add_cell(t, words.data, 7, d.trend == DRAIN_GROWING ? YELLOW : NULL);
	buf_release(&words);
}

/* A name of another's choice, in a column of its own. */
static void
add_name(struct table *t, const char *name, const char *colour)
{
	const size_t width = (size_t)t->name_width;
	struct buf shown = BUF_INIT;
	struct buf cell = BUF_INIT;

	display_add(&shown, name);
	if (shown.len > width)
		buf_add_format(&cell, "%.*s..", t->name_width - 2, shown.data);
	else
		buf_add_format(&cell, "%-*s", t->name_width, shown.data);
	add_coloured(t, colour, cell.data);
	buf_release(&shown);
	buf_release(&cell);
}

/* ---- a site -------------------------------------------------------- */

static bool
has_error(const struct table *t, const struct snapshot_site *site)
{
	return *site->error &&
	       (t->style->has_all_errors ||
		   snapshot_trouble(site) != TROUBLE_NONE ||
		   t->style->now_sec - site->error_sec < ERROR_FRESH_SEC);
}

/* On a line of its own, as there is no room in that of the site. */
static void
add_error(struct table *t, const struct snapshot_site *site)
{
	buf_add_str(&t->line, "    ");
	drain_add_duration(&t->line, t->style->now_sec - site->error_sec);
	buf_add_str(&t->line, " ago: ");
	display_add(&t->line, site->error);
	end_line(t);
}

static void
add_site(struct table *t, const struct snapshot_site *site)
{
	static const char *const colours[] = {
	    [TROUBLE_NONE] = NULL,
	    [TROUBLE_KEPT] = YELLOW,
	    [TROUBLE_ERROR] = RED,
	};
	const enum snapshot_trouble trouble = snapshot_trouble(site);
	const char *colour = colours[trouble];
	struct buf state = BUF_INIT;

	add_coloured(t, colour, trouble == TROUBLE_NONE ? "  " : "! ");
	add_name(t, site->name, colour);
	add_messages(t, site, snapshot_waiting(site), 7, NULL);
	if (!t->style->has_flow)
		add_messages(t, site, site->count[PHASE_DEFERRED], 8, YELLOW);
	add_messages(t, site, site->count[PHASE_HELD], 5, YELLOW);
	add_messages(t, site, site->count[PHASE_FAILED], 6, YELLOW);
	add_oldest(t, site);
	if (t->style->has_flow)
		add_flow(t, site);
	else
		add_number(t, site->per_minute[COUNTED_SENT], 8, NULL);
	display_add(&state, site->state);
	buf_add_char(&t->line, ' ');
	add_coloured(t, snapshot_is_in_error(site) ? RED : NULL, state.data);
	buf_release(&state);
	end_line(t);
	if (has_error(t, site))
		add_error(t, site);
}

/* ---- above the sites ----------------------------------------------- */

static void
add_places(struct table *t, const char *name, const struct snapshot_places *p)
{
	buf_add_format(&t->line, "%s %ju of %ju", name, (uintmax_t)p->used,
	    (uintmax_t)p->max);
	if (p->waiting > 0)
		buf_add_format(
		    &t->line, " (%ju waiting)", (uintmax_t)p->waiting);
}

static void
add_outage(struct table *t, const struct snapshot_relay *r)
{
	const int64_t wait_sec = r->next_probe_sec - t->style->now_sec;

	buf_add_str(&t->line, ", asked again ");
	if (wait_sec > 0) {
		buf_add_str(&t->line, "in ");
		drain_add_duration(&t->line, wait_sec);
	} else {
		buf_add_str(&t->line, "now");
	}
	if (*r->reason) {
		buf_add_str(&t->line, ": ");
		display_add(&t->line, r->reason);
	}
}

/* To a site's user no more is said of it than whether it is up. */
static void
add_relay(struct table *t)
{
	const struct snapshot_relay *r = &t->snapshot->relay;
	const bool is_up = snapshot_is_relay_up(t->snapshot);

	buf_add_str(&t->line, "Relay ");
	if (t->snapshot->has_relay) {
		display_add(&t->line, r->name);
		buf_add_char(&t->line, ' ');
	}
	buf_add_str(&t->line, "is ");
	add_coloured(t, is_up ? GREEN : RED, is_up ? "up" : "down");
	if (t->snapshot->has_relay) {
		buf_add_str(&t->line, " for ");
		drain_add_duration(&t->line, t->style->now_sec - r->since_sec);
		if (!is_up)
			add_outage(t, r);
	}
	end_line(t);
	if (!t->snapshot->has_relay)
		return;
	add_places(t, "connections", &r->connections);
	buf_add_str(&t->line, ", ");
	add_places(t, "workers", &r->workers);
	end_line(t);
}

static void
add_kept(struct table *t, const char *words, uint64_t n)
{
	struct buf text = BUF_INIT;

	if (n > 0) {
		buf_add_str(&t->line, ", ");
		buf_add_format(&text, "%ju %s", (uintmax_t)n, words);
		add_coloured(t, YELLOW, text.data);
	}
	buf_release(&text);
}

static void
add_sum(struct table *t)
{
	const struct snapshot_sum sum = snapshot_add_up(t->snapshot);
	const uint64_t in = sum.per_minute[COUNTED_ARRIVED];
	const uint64_t left = sum.per_minute[COUNTED_LEFT];
	const struct drain d = drain_estimate(sum.waiting, in, left);

	buf_add_format(&t->line, "%ju waiting in %zu site%s",
	    (uintmax_t)sum.waiting, t->snapshot->count,
	    t->snapshot->count == 1 ? "" : "s");
	add_kept(t, "held", sum.count[PHASE_HELD]);
	add_kept(t, "failed", sum.count[PHASE_FAILED]);
	add_kept(t, sum.in_error == 1 ? "site in error" : "sites in error",
	    sum.in_error);
	end_line(t);
	buf_add_format(&t->line, "%ju/min in, %ju/min out", (uintmax_t)in,
	    (uintmax_t)left);
	if (d.trend != DRAIN_EMPTY)
		buf_add_str(&t->line, ": ");
	drain_add(&t->line, &d, t->style->now_sec);
	end_line(t);
}

static void
add_heading(struct table *t)
{
	end_line(t);
	buf_add_format(&t->line, "  %-*s", t->name_width, "SITE");
	buf_add_str(&t->line, t->style->has_flow
				  ? " WAITING  HELD FAILED OLDEST IN/MIN "
				    "OUT/MIN GONE IN STATE"
				  : " WAITING DEFERRED  HELD FAILED OLDEST "
				    "SENT/MIN STATE");
	if (t->style->has_colours) {
		struct buf bold = BUF_INIT;

		buf_add_format(&bold, BOLD "%s" PLAIN, t->line.data);
		buf_release(&t->line);
		t->line = bold;
	}
	end_line(t);
}

/* ---- the table ----------------------------------------------------- */

/* As wide as the longest name, as far as there is room beside the rest. */
static int
name_width(const struct table *t)
{
	const size_t columns = t->style->has_flow ? 51 : 46;
	const size_t others = MARK_WIDTH + columns + STATE_WIDTH;
	size_t max = NAME_WIDTH_MAX;
	size_t width = NAME_WIDTH_MIN;
	struct buf name = BUF_INIT;

	if (t->style->width > 0)
		max = t->style->width > others + NAME_WIDTH_MIN
			  ? t->style->width - others
			  : NAME_WIDTH_MIN;
	for (size_t i = 0; i < t->snapshot->count; i++) {
		buf_clear(&name);
		display_add(&name, t->snapshot->sites[i].name);
		if (name.len > width)
			width = name.len;
	}
	buf_release(&name);
	return (int)(width < max ? width : max);
}

/* Is there room for this site, and for the word that others are left out? */
static bool
has_room(const struct table *t, size_t at)
{
	const struct snapshot *s = t->snapshot;
	const size_t own = has_error(t, &s->sites[at]) ? 2 : 1;
	const size_t more = at + 1 < s->count ? 1 : 0;

	return t->style->height == 0 ||
	       t->line_count + own + more <= t->style->height;
}

static void
add_sites(struct table *t)
{
	const size_t count = t->snapshot->count;

	for (size_t i = 0; i < count; i++) {
		if (!has_room(t, i)) {
			buf_add_format(
			    &t->line, "  ... and %zu more", count - i);
			end_line(t);
			return;
		}
		add_site(t, &t->snapshot->sites[i]);
	}
}

/* Where there is not even room for what comes first. */
static void
cut_lines(struct buf *out, size_t begin, size_t count)
{
	const char *end = out->data + begin;

	while (count-- > 0 && *end) {
		end = strchr(end, '\n');
		if (!end)
			return;
		end++;
	}
	out->len = (size_t)(end - out->data);
	out->data[out->len] = '\0';
}

void
status_table_add(
    struct buf *out, const struct snapshot *s, const struct status_style *style)
{
	const size_t begin = out->len;
	struct table t = {.style = style, .snapshot = s, .out = out};

	buf_init(&t.line);
	t.name_width = name_width(&t);
	if (s->has_relay || s->count > 0)
		add_relay(&t);
	add_sum(&t);
	if (s->count > 0) {
		add_heading(&t);
		add_sites(&t);
	}
	if (style->height > 0)
		cut_lines(out, begin, style->height);
	buf_release(&t.line);
}
