/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "listing/display.h"
#include "listing/filter.h"

const char *const filter_state_names[FILTER_STATE_COUNT] = {
    [FILTER_NEW] = "new",
    [FILTER_SENDING] = "sending",
    [FILTER_DEFERRED] = "deferred",
    [FILTER_HELD] = "held",
    [FILTER_FAILED] = "failed",
    [FILTER_DAMAGED] = "damaged",
};

int
filter_parse_state(const char *text, enum filter_state *state)
{
	for (int i = 0; i < FILTER_STATE_COUNT; i++) {
		if (strcmp(text, filter_state_names[i]) != 0)
			continue;
		*state = (enum filter_state)i;
		return 0;
	}
	return -EINVAL;
}

enum filter_state
filter_state_of(const struct entry *e)
{
	static const enum filter_state states[PHASE_COUNT] = {
	    [PHASE_NEW] = FILTER_NEW,
	    [PHASE_DEFERRED] = FILTER_DEFERRED,
	    [PHASE_HELD] = FILTER_HELD,
	    [PHASE_FAILED] = FILTER_FAILED,
	};

	if (!e->envelope)
		return FILTER_DAMAGED;
	return e->is_sending ? FILTER_SENDING : states[e->state->phase];
}

/* ---- addresses ----------------------------------------------------- */

static bool
is_null_sender(const char *text)
{
	return strcmp(text, "<>") == 0 ||
	       strcasecmp(text, DISPLAY_NULL_SENDER) == 0;
}

bool
filter_is_address(const char *text)
{
	return *text != '\0' && strcmp(text, "@") != 0;
}

static bool
address_matches(const char *wanted, const char *address)
{
	const char *domain = strrchr(address, '@');

	if (*wanted == '@')
		return domain && strcasecmp(domain, wanted) == 0;
	return strcasecmp(address, wanted) == 0;
}

static bool
sender_matches(const char *wanted, const char *sender)
{
	if (*sender == '\0')
		return is_null_sender(wanted);
	return address_matches(wanted, sender);
}

static bool
recipient_matches(const char *wanted, const struct entry *e)
{
	for (size_t i = 0; i < e->state->recipient_count; i++)
		if (!recipient_is_settled(&e->state->recipients[i]) &&
		    address_matches(wanted, e->envelope->recipients[i].address))
			return true;
	return false;
}

/* ---- messages ------------------------------------------------------ */

static int64_t
submitted_ms(const struct entry *e)
{
	return e->envelope ? e->envelope->submitted_ms
			   : entry_id_time_ms(e->id);
}

bool
filter_matches(const struct filter *f, const struct entry *e)
{
	if (f->state != FILTER_ANY && f->state != filter_state_of(e))
		return false;
	if (f->has_age && submitted_ms(e) >= f->before_ms)
		return false;
	if (!e->envelope)
		return !f->sender && !f->recipient;
	if (f->sender && !sender_matches(f->sender, e->envelope->sender))
		return false;
	return !f->recipient || recipient_matches(f->recipient, e);
}

bool
filter_is_all(const struct filter *f)
{
	return !f->sender && !f->recipient && f->state == FILTER_ANY &&
	       !f->has_age;
}
