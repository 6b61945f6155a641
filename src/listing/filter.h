/* SPDX-License-Identifier: ISC */
/*
 * filter.h - which messages of a queue are meant; pure
 */
#ifndef LISTING_FILTER_H
#define LISTING_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "listing/entry.h"

/* The state that a list shows of a message. */
enum filter_state {
	FILTER_NEW,
	FILTER_SENDING,
	FILTER_DEFERRED,
	FILTER_HELD,
	FILTER_FAILED,
	FILTER_DAMAGED,
	FILTER_STATE_COUNT,
	FILTER_ANY = FILTER_STATE_COUNT,
};

/* "new", "sending", "deferred", "held", "failed", "damaged". */
extern const char *const filter_state_names[FILTER_STATE_COUNT];

/* All that is said must hold of a message. */
struct filter {
	/* An address, or @domain; case does not count. Of recipients one that
	 * is still to get the message is enough. NULL: any. */
	const char *sender; /* <> and MAILER-DAEMON are the null sender */
	const char *recipient;
	enum filter_state state;
	bool has_age;
	int64_t before_ms; /* submitted before that */
};

#define FILTER_ALL                                                             \
	{                                                                      \
		.state = FILTER_ANY                                            \
	}

/*
 * Of one that is damaged no more is known than when it came: it has neither
 * sender nor recipients.
 */
bool filter_matches(const struct filter *f, const struct entry *e);

/* True if it lets nothing pass by. */
bool filter_is_all(const struct filter *f);

/* Read the name of a state; 0 or -EINVAL. */
int filter_parse_state(const char *text, enum filter_state *state) MUST_CHECK;

enum filter_state filter_state_of(const struct entry *e);

/* True for an address of one part, or @domain: what a filter can look for. */
bool filter_is_address(const char *text);

#endif
