/* SPDX-License-Identifier: ISC */
/*
 * compose.h - from what was handed in to what is stored: envelope and text
 *
 *   Repairs what mini_sendmail(8) lists and nothing else: fields that are kept
 *   stay byte by byte as they were and in their order, the body too. Pure: the
 *   clock, chance and the sender's identity are arguments.
 */
#ifndef SENDMAIL_COMPOSE_H
#define SENDMAIL_COMPOSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "mail/envelope.h"
#include "sendmail/identity.h"
#include "sendmail/options.h"
#include "spool/spool.h"

enum {
	COMPOSE_FIELD_MAX = 102400, /* bytes; postfix cuts longer ones */
	COMPOSE_PIECES_MAX = 3,
};

struct compose_input {
	char *text; /* canonical, see mail/text.h; what is left of its
		       header is moved together in place */
	size_t len;
	const struct options *options;
	const struct identity *identity;
	const struct submitter *submitter;
	int64_t now_ms;	 /* wall clock */
	uint64_t random; /* for the Message-ID */
};

struct composed {
	struct envelope envelope;
	struct buf added; /* fields, and an empty line where one is missing */
	struct spool_piece pieces[COMPOSE_PIECES_MAX]; /* header as it came,
							  added, body */
	size_t piece_count;
};

/*
 * Compose the message; header and body point into the text, so that a large
 * one is in memory once. 0, or the exit code to end with, and *why has one
 * line, without its end, that says why. Release out in any case.
 */
int compose(const struct compose_input *in, struct composed *out,
    struct buf *why) MUST_CHECK;
void compose_release(struct composed *out);

#endif
