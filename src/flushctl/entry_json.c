/* SPDX-License-Identifier: ISC */
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "flushctl/entry_json.h"
#include "listing/display.h"
#include "listing/filter.h"
#include "mail/queue_id.h"

/* As postqueue(1) calls the queues; what waits for a person is on hold. */
static const char *const queue_names[FILTER_STATE_COUNT] = {
    [FILTER_NEW] = "active",
    [FILTER_SENDING] = "active",
    [FILTER_DEFERRED] = "deferred",
    [FILTER_HELD] = "hold",
    [FILTER_FAILED] = "hold",
    [FILTER_DAMAGED] = "hold",
};

/* ---- text ---------------------------------------------------------- */

/* DEL is the one control character that JSON lets through. */
static json_t *
text_value(const char *text)
{
	struct buf clean = BUF_INIT;
	size_t left = strlen(text);
	json_t *value;

	while (left > 0) {
		size_t len = *text == 0x7f ? 0 : utf8_len(text, left);

		if (len == 0)
			buf_add_str(&clean, "\xef\xbf\xbd");
		else
			buf_add(&clean, text, len);
		text += len ? len : 1;
		left -= len ? len : 1;
	}
	value = json_stringn(clean.data, clean.len);
	buf_release(&clean);
	return value;
}

static json_t *
number_value(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *
text_value_if_known(const char *text)
{
	return text ? text_value(text) : json_null();
}

/* Takes value over; there is no reason to fail but memory. */
static void
set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		alloc_fail();
}

/* ---- the object ---------------------------------------------------- */

static json_t *
recipient_value(const char *address, const struct recipient_state *r,
    const char *hold_reason)
{
	const char *reason = r->reply ? r->reply : hold_reason;
	json_t *object = json_object();

	set(object, "address", text_value(address));
	if (reason)
		set(object, "delay_reason", text_value(reason));
	return object;
}

static json_t *
recipients_value(const struct envelope *e, const struct message_state *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < s->recipient_count; i++) {
		const struct recipient_state *r = &s->recipients[i];

		if (!recipient_is_settled(r) &&
		    json_array_append_new(
			array, recipient_value(
				   e->recipients[i].address, r, s->reason)) < 0)
			alloc_fail();
	}
	return array;
}

/* NULL: nothing is known. */
static void
set_submitter(json_t *o, const struct submitter *s)
{
	set(o, "uid", s ? json_integer(s->uid) : json_null());
	set(o, "pid", s ? json_integer(s->pid) : json_null());
	set(o, "ppid", s && s->ppid ? json_integer(s->ppid) : json_null());
	set(o, "cwd", text_value_if_known(s ? s->cwd : NULL));
	set(o, "argv", text_value_if_known(s ? s->argv : NULL));
	set(o, "script", text_value_if_known(s ? s->script : NULL));
}

static void
set_state(json_t *o, const struct entry *e, const char *site)
{
	set(o, "site", text_value(site));
	set(o, "state", json_string(filter_state_names[filter_state_of(e)]));
}

static void
set_message(json_t *o, const struct entry *entry, const char *site)
{
	const struct envelope *e = entry->envelope;
	const struct message_state *s = entry->state;

	set(o, "arrival_time", json_integer(e->submitted_ms / 1000));
	set(o, "message_size", number_value(e->text_len));
	set(o, "forced_expire", json_false());
	set(o, "sender",
	    text_value(*e->sender ? e->sender : DISPLAY_NULL_SENDER));
	set(o, "recipients", recipients_value(e, s));
	set_state(o, entry, site);
	set(o, "attempts", json_integer(s->attempts));
	set(o, "next_attempt",
	    state_is_scheduled(s) ? json_integer(s->due_ms / 1000)
				  : json_null());
	set_submitter(o, &e->submitter);
}

/* All keys are there, lest a monitor trip over the one that matters. */
static void
set_damaged(json_t *o, const struct entry *e, const char *site)
{
	set(o, "arrival_time", json_integer(entry_id_time_ms(e->id) / 1000));
	set(o, "message_size", json_integer(0));
	set(o, "forced_expire", json_false());
	set(o, "sender", json_string(""));
	set(o, "recipients", json_array());
	set_state(o, e, site);
	set(o, "attempts", json_integer(0));
	set(o, "next_attempt", json_null());
	set_submitter(o, NULL);
}

static int
add_bytes(const char *data, size_t len, void *context)
{
	buf_add(context, data, len);
	return 0;
}

void
entry_add_json(struct buf *b, const struct entry *e, const char *site)
{
	char id[QUEUE_ID_TEXT_MAX];
	json_t *o = json_object();

	set(o, "queue_name", json_string(queue_names[filter_state_of(e)]));
	set(o, "queue_id", json_string(queue_id_format(e->id, id)));
	if (e->envelope)
		set_message(o, e, site);
	else
		set_damaged(o, e, site);
	if (json_dump_callback(o, add_bytes, b, JSON_ENSURE_ASCII) < 0)
		alloc_fail();
	buf_add_char(b, '\n');
	json_decref(o);
}
