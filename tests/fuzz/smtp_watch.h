/* SPDX-License-Identifier: ISC */
/*
 * smtp_watch.h - see both sides of an SMTP conversation, and judge the client
 *
 *   It knows from the bytes alone what docs/smtp.md promises, and ends the
 *   process where that is broken: nothing is sent behind a final dot before its
 *   reply; what is sent are commands about this message, and its text as it
 *   was; nobody is called sent without a 2xx to the dot, nor anything else with
 *   one; nobody has failed without a 5xx, or is ambiguous without an open dot.
 */
#ifndef FUZZ_SMTP_WATCH_H
#define FUZZ_SMTP_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "flushd/smtp.h"

struct watch {
	struct buf sent;   /* by the client, ever */
	size_t checked;	   /* bytes of it that were commands, or text */
	struct buf wire;   /* what the text should be */
	size_t text_end;   /* in sent, when the whole dot is */
	bool is_text_out;  /* the client was given the text */
	bool is_dot_clean; /* the relay said nothing before the whole dot */

	const struct smtp_message *message; /* NULL: a probe, or none */
	struct buf line;		    /* that the relay is saying */
	bool has_delay;			    /* it said 4xx since the start */
	bool has_refusal;		    /* it said 5xx */
	unsigned int dot_code;		    /* of a reply to the dot so far */
	size_t dot_reply_len;
	unsigned int verdict; /* the class of the whole reply; 0: none yet */
	bool is_lost;
};

void watch_init(struct watch *w, const char *text);
void watch_release(struct watch *w);

/* A message, or a probe (NULL), is about to be started. */
void watch_begin(struct watch *w, const struct smtp_message *message);

/* The client was given the text and its end; pending is what it now has to
 * write. */
void watch_text(struct watch *w, size_t pending);

/* These bytes were written. */
void watch_output(struct watch *w, const char *data, size_t len);

/* So many bytes wait to be written, after the relay said something. */
void watch_pending(const struct watch *w, size_t pending);

/* The relay says this; call it before the client hears it. */
void watch_input(struct watch *w, const char *data, size_t len);

/* The connection is lost. */
void watch_lost(struct watch *w);

/* The client has come to a result; is_over: and to an end. */
void watch_result(
    const struct watch *w, const struct smtp_result *r, bool is_over);

#endif
