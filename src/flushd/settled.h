/* SPDX-License-Identifier: ISC */
/*
 * settled.h - what the relay said of recipients, counted; pure
 */
#ifndef FLUSHD_SETTLED_H
#define FLUSHD_SETTLED_H

#include <stdint.h>

#include "flushd/smtp.h"

enum settled_kind {
	SETTLED_SENT,
	SETTLED_DEFERRED, /* or nobody knows: the reply was lost */
	SETTLED_FAILED,	  /* or put on hold */
	SETTLED_KIND_COUNT
};

/* "sent", "deferred", "failed". */
extern const char *const settled_kind_names[SETTLED_KIND_COUNT];

enum { SETTLED_WORDS_SIZE = 256 };

struct settled {
	uint64_t count[SETTLED_KIND_COUNT]; /* recipients */
	char words[SETTLED_WORDS_SIZE];	    /* the last reply that was no
					       success, or why the worker
					       failed; "": none */
	uint64_t left;	    /* messages that are out of the spool */
	uint64_t commits;   /* in which that, or less, was recorded */
	uint64_t commit_us; /* that they took together, with the wait for
			       the lock */
};

/* Add what became of the recipients of one transaction. */
void settled_add(struct settled *s, const struct smtp_result *result);

#endif
