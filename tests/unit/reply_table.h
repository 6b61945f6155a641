/* SPDX-License-Identifier: ISC */
/*
 * reply_table.h - tests/rig/replies.table, which says what each fault does
 */
#ifndef UNIT_REPLY_TABLE_H
#define UNIT_REPLY_TABLE_H

#include <stddef.h>

enum reply_phase {
	REPLY_BANNER,
	REPLY_EHLO,
	REPLY_HELO,
	REPLY_MAIL,
	REPLY_MAIL_2,
	REPLY_RCPT_1,
	REPLY_RCPT_2,
	REPLY_DATA,
	REPLY_DOT,
	REPLY_AFTER,
	REPLY_PHASES
};

/* "banner", "EHLO" ... as the table's first row has them. */
extern const char *const reply_phase_names[REPLY_PHASES];

struct reply_fault {
	char *name;
	char *says;
	char *want[REPLY_PHASES];
};

/*
 * Read the table once, for the life of the process, from the directory that
 * `make` runs in; a table that cannot be read ends the program.
 */
const struct reply_fault *reply_table(size_t *count);

/* What is written for how long the client waits in a phase, in milliseconds. */
long reply_timeout_ms(enum reply_phase phase);

#endif
