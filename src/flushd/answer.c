/* SPDX-License-Identifier: ISC */
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flushd/answer.h"

enum { TEXT_MAX = 4096 };

const char *const answer_state_names[ANSWER_STATE_COUNT] = {
    [ANSWER_IDLE] = "idle",
    [ANSWER_WAITING] = "waiting",
    [ANSWER_WORKING] = "working",
    [ANSWER_DELAYED] = "delayed",
    [ANSWER_STOPPING] = "stopping",
};

/* ---- values -------------------------------------------------------- */

/* Takes value over; there is no reason to fail but memory. */
static void
set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		alloc_fail();
}

/* What is not UTF-8 is shown as the log shows it; and so is DEL, the one
 * control character that JSON lets through. */
static void
set_text(json_t *object, const char *key, const char *text)
{
	json_t *value = strchr(text, 0x7f) ? NULL : json_string(text);
	struct buf clean = BUF_INIT;

	if (!value) {
		log_clean(&clean, text, strlen(text), TEXT_MAX);
		value = json_string(clean.data);
	}
	set(object, key, value);
	buf_release(&clean);
}

static void
set_text_if_any(json_t *object, const char *key, const char *text)
{
	if (text && *text)
		set_text(object, key, text);
	else
		set(object, key, json_null());
}

static void
set_number(json_t *object, const char *key, uint64_t n)
{
	set(object, key,
	    json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n));
}

/* Seconds since 1970; 0: null. */
static void
set_time(json_t *object, const char *key, int64_t wall_ms)
{
	set(object, key,
	    wall_ms > 0 ? json_integer(wall_ms / 1000) : json_null());
}

/* A time of the one clock as one of the other. */
static int64_t
to_wall_ms(int64_t boot_ms, const struct answer_time *now)
{
	return now->wall_ms + boot_ms - now->boot_ms;
}

static int
add_bytes(const char *data, size_t len, void *context)
{
	buf_add(context, data, len);
	return 0;
}

/* The line is done. */
static void
add_line(struct buf *out, json_t *object)
{
	if (json_dump_callback(object, add_bytes, out, JSON_ENSURE_ASCII) < 0)
		alloc_fail();
	buf_add_char(out, '\n');
	json_decref(object);
}

/* ---- a site -------------------------------------------------------- */

static void
set_depth(json_t *o, const struct standing *s, const struct answer_time *now)
{
	const int64_t age_ms = now->wall_ms - s->depth.oldest_ms;

	for (size_t i = 0; i < PHASE_COUNT; i++)
		set_number(o, message_phase_names[i], s->depth.count[i]);
	set_number(o, "bytes", s->depth.bytes);
	if (s->depth.oldest_ms == 0)
		set(o, "oldest_age", json_null());
	else
		set(o, "oldest_age",
		    json_integer(age_ms > 0 ? age_ms / 1000 : 0));
	set_time(o, "counted", s->counted_ms);
}

static void
set_meter(json_t *total, json_t *rate, const char *name, const struct meter *m,
    const struct answer_time *now)
{
	set_number(total, name, m->total);
	set_number(rate, name, meter_per_minute(m, now->boot_ms));
}

static void
set_commits(json_t *o, const struct standing *s)
{
	json_t *commits = json_object();

	set_number(commits, "count", s->commits);
	set_number(commits, "usec", s->commit_us);
	set(o, "commits", commits);
}

static void
set_rates(json_t *o, const struct standing *s, const struct answer_time *now)
{
	json_t *total = json_object();
	json_t *rate = json_object();

	for (size_t i = 0; i < SETTLED_KIND_COUNT; i++)
		set_meter(
		    total, rate, settled_kind_names[i], &s->meters[i], now);
	set_meter(total, rate, "arrived", &s->arrived, now);
	set_meter(total, rate, "left", &s->left, now);
	set_meter(total, rate, "refused", &s->refused, now);
	set(o, "total", total);
	set(o, "per_minute", rate);
}

void
answer_add_site(
    struct buf *out, const struct answer_site *a, const struct answer_time *now)
{
	const struct standing *s = a->standing;
	json_t *o = json_object();

	set_text(o, "site", a->site->name);
	set_text_if_any(o, "root", a->site->root);
	set_text_if_any(o, "user", a->site->user);
	if (a->site->uid != 0)
		set_number(o, "uid", a->site->uid);
	else
		set(o, "uid", json_null());
	set_text(o, "state", answer_state_names[a->state]);
	set_depth(o, s, now);
	set_time(
	    o, "next_due", a->next_due_ms == INT64_MAX ? 0 : a->next_due_ms);
	set_text_if_any(o, "last_error", s->error);
	set_time(o, "last_error_time", s->error_ms);
	set_number(o, "crashes", s->crashes);
	set_rates(o, s, now);
	set_commits(o, s);
	set(o, "relay_up", json_boolean(a->is_relay_up));
	add_line(out, o);
}

/* ---- the relay ----------------------------------------------------- */

static void
set_places(json_t *o, const char *key, const struct answer_places *p)
{
	json_t *places = json_object();

	set_number(places, "used", p->used);
	set_number(places, "max", p->max);
	set_number(places, "waiting", p->waiting);
	set(o, key, places);
}

void
answer_add_relay(struct buf *out, const struct answer_relay *a,
    const struct answer_time *now)
{
	json_t *o = json_object();

	set_text(o, "relay", a->name);
	set_text(o, "state", a->is_up ? "up" : "down");
	set_time(o, "since", to_wall_ms(a->since_ms, now));
	set_text_if_any(o, "reason", a->is_up ? NULL : a->reason);
	set_time(
	    o, "next_probe", a->is_up ? 0 : to_wall_ms(a->next_probe_ms, now));
	set_places(o, "connections", &a->connections);
	set_places(o, "workers", &a->workers);
	set_number(o, "sites", a->site_count);
	set_number(o, "waiting", a->waiting);
	set_text(o, "version", VERSION);
	set_time(o, "started", to_wall_ms(a->started_ms, now));
	add_line(out, o);
}

void
answer_add_error(struct buf *out, const char *why)
{
	json_t *o = json_object();

	set_text(o, "error", why);
	add_line(out, o);
}
