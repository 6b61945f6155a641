/* SPDX-License-Identifier: ISC */
/*
 * smtp_matrix.h - a relay that is good but for one fault in one phase
 */
#ifndef UNIT_SMTP_MATRIX_H
#define UNIT_SMTP_MATRIX_H

#include <stdbool.h>
#include <stdint.h>

#include "unit/reply_table.h"
#include "unit/smtp_play.h"

struct matrix {
	struct play play;
	const struct reply_fault *fault;
	enum reply_phase phase; /* of the fault */
	bool is_pipelining;
	int64_t now_ms;	   /* goes on only while the client waits */
	int64_t waited_ms; /* in vain, until it gave up; 0: it did not */

	bool is_taken[2]; /* by the relay, the last message for one and two */
};

/* How many cells the table has. */
int matrix_count(void);

/*
 * Play cell i, cut into pieces as play_init() has it, with a message to one and
 * two@x, or to whom the message says. In cells of MAIL 2 it is the second one
 * of the connection. For matrix_release().
 */
void matrix_play(struct matrix *m, int i, const struct smtp_message *message,
    bool is_pipelining, int cut);
void matrix_release(struct matrix *m);

/* Append what the table calls it: "DS", "AA.", "down!" ... */
void matrix_describe(struct matrix *m, struct buf *out);

#endif
