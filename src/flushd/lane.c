/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "flushd/crash.h"
#include "flushd/lane.h"
#include "flushd/link.h"

enum {
	/* Transactions of one lane in a row that settled nobody. */
	FRUITLESS_MAX = 3,
	/* Postfix reckons with clients that keep a connection this long. */
	AGE_MAX_MS = 300 * 1000,
	RELAY_SIZE = 80,
};

struct lane {
	sd_event *event;
	struct spool *spool;
	const char *helo_name;
	struct lane_user user;
	struct link *link;	/* NULL: no connection */
	char relay[RELAY_SIZE]; /* its name, for the log */
	int64_t opened_ms;	/* by clock_boot_ms() */
	bool has_met;		/* the user knows what it takes */
	struct delivery delivery;
	bool has_delivery;
	bool is_in_transaction; /* its result was not yet taken */
	bool is_waiting;	/* for lane_go_on() */
	unsigned int fruitless;
};

/* ---- the message --------------------------------------------------- */

bool
lane_take(struct lane *l)
{
	if (!l->has_delivery)
		l->has_delivery = l->user.next(l->user.context, &l->delivery);
	return l->has_delivery;
}

bool
lane_has_message(const struct lane *l)
{
	return l->has_delivery;
}

void
lane_put_back(struct lane *l)
{
	const uint64_t id = l->delivery.id;

	if (!l->has_delivery)
		return;
	l->has_delivery = false;
	delivery_release(&l->delivery);
	l->user.put_back(l->user.context, id);
}

static bool
hand_over(struct lane *l, const struct smtp_result *result)
{
	const struct lane_report report = {
	    .result = result,
	    .relay = l->relay,
	    .has_relay_dsn = l->link && smtp_has_dsn(link_smtp(l->link)),
	};

	l->fruitless = 0;
	l->has_delivery = false;
	return l->user.settled(l->user.context, &l->delivery, &report);
}

bool
lane_blame(struct lane *l, const char *reason)
{
	struct smtp_result result = {0};
	struct buf words = BUF_INIT;
	bool can_go_on;

	if (!l->has_delivery)
		return true;
	/* It may not even have come to a transaction. */
	delivery_begin(&l->delivery);
	result.recipient_count = l->delivery.message.recipient_count;
	buf_add_str(&words, reason);
	for (size_t i = 0; i < result.recipient_count; i++) {
		result.outcomes[i] = SMTP_DEFERRED;
		result.replies[i] = words.data;
	}
	can_go_on = hand_over(l, &result);
	buf_release(&words);
	return can_go_on;
}

/* ---- a transaction ------------------------------------------------- */

/* Have a message ready that is still to be sent. */
static bool
take_wanted(struct lane *l)
{
	while (lane_take(l)) {
		const uint64_t before = crash_at(l->delivery.id);
		const bool is_off = delivery_is_off(&l->delivery, l->spool);

		crash_at(before);
		if (!is_off)
			return true;
		lane_put_back(l);
	}
	return false;
}

static bool
start(struct lane *l)
{
	crash_sent(l->delivery.id);
	delivery_begin(&l->delivery);
	l->is_in_transaction = true;
	smtp_start(link_smtp(l->link), &l->delivery.message);
	return true;
}

static bool
is_fruitless(const struct smtp_result *result)
{
	for (size_t i = 0; i < result->recipient_count; i++)
		if (result->outcomes[i] != SMTP_UNTRIED)
			return false;
	return true;
}

/*
 * Take the result of the transaction, or of the greeting. False: nothing more
 * can be begun for now.
 */
static bool
settle(struct lane *l)
{
	const struct smtp_result *result = smtp_result(link_smtp(l->link));
	bool can_go_on = true;

	if (l->is_in_transaction) {
		l->is_in_transaction = false;
		if (!is_fruitless(result))
			can_go_on = hand_over(l, result);
		else if (++l->fruitless >= FRUITLESS_MAX &&
			 !result->is_relay_down)
			can_go_on = lane_blame(l, "the relay settles nothing");
	}
	if (can_go_on && result->is_relay_down)
		l->user.complained(l->user.context, l, result);
	return can_go_on && !result->is_relay_down;
}

/* ---- the conversation ---------------------------------------------- */

bool
lane_is_open(const struct lane *l)
{
	return l->link != NULL;
}

void
lane_close(struct lane *l)
{
	link_free(l->link);
	l->link = NULL;
	l->is_in_transaction = false;
	l->is_waiting = false;
}

/* From on_ready(): there is no more to do on this connection. */
static bool
end(struct lane *l)
{
	lane_close(l);
	l->user.over(l->user.context);
	return false;
}

static bool
send_text(struct lane *l)
{
	struct smtp *smtp = link_smtp(l->link);
	const char *text;
	size_t len;
	int rc = delivery_read(&l->delivery, l->spool, &text, &len);

	if (rc > 0) {
		smtp_text(smtp, text, len);
		return true;
	}
	if (rc == 0) {
		smtp_text_end(smtp);
		return true;
	}
	/* Without its final dot the relay forgets the message; whoever loads it
	 * again finds the damage. */
	lane_close(l);
	lane_put_back(l);
	if (rc == -EBADMSG)
		l->user.over(l->user.context);
	else
		l->user.failed(l->user.context, rc);
	return false;
}

static void
meet(struct lane *l)
{
	if (!l->has_met)
		l->user.met(
		    l->user.context, smtp_size_limit(link_smtp(l->link)));
	l->has_met = true;
}

static bool
on_ready(void *context)
{
	struct lane *l = context;
	enum smtp_want want = smtp_want(link_smtp(l->link));

	l->is_waiting = false;
	if (want == SMTP_WANT_TEXT)
		return send_text(l);
	if (want == SMTP_WANT_NOTHING) {
		settle(l);
		return end(l);
	}
	if (l->is_in_transaction && !settle(l))
		return end(l);
	meet(l);
	if (!l->has_delivery && l->user.must_wait(l->user.context, l)) {
		l->is_waiting = true;
		return false;
	}
	/* To meet a relay may be all that was wanted. */
	if (!l->user.may_begin(l->user.context) || !take_wanted(l) ||
	    clock_boot_ms() - l->opened_ms >= AGE_MAX_MS)
		return end(l);
	return start(l);
}

void
lane_open(struct lane *l, int fd, const char *relay)
{
	snprintf(l->relay, sizeof(l->relay), "%.*s", RELAY_SIZE - 1, relay);
	l->opened_ms = clock_boot_ms();
	l->has_met = false;
	l->link = link_new(l->event, fd, l->helo_name, on_ready, l);
}

bool
lane_is_busy(const struct lane *l)
{
	return l->is_in_transaction;
}

bool
lane_is_waiting(const struct lane *l)
{
	return l->is_waiting;
}

void
lane_go_on(struct lane *l)
{
	if (l->is_waiting)
		link_go_on(l->link);
}

bool
lane_is_dot_open(const struct lane *l)
{
	return l->link && l->is_in_transaction &&
	       smtp_is_dot_open(link_smtp(l->link));
}

/* ---- life ---------------------------------------------------------- */

struct lane *
lane_new(sd_event *event, struct spool *spool, const char *helo_name,
    const struct lane_user *user)
{
	struct lane *l = alloc_zeroed(sizeof(*l));

	l->event = event;
	l->spool = spool;
	l->helo_name = helo_name;
	l->user = *user;
	return l;
}

void
lane_free(struct lane *l)
{
	if (!l)
		return;
	lane_close(l);
	if (l->has_delivery)
		delivery_release(&l->delivery);
	free(l);
}
