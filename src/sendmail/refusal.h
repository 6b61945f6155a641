/* SPDX-License-Identifier: ISC */
/*
 * refusal.h - refused.log: what the spool did not get, for its operator
 *
 *   One line for each refused submission, of printable ASCII only and never
 *   longer than REFUSAL_LINE_MAX, whatever a site wrote. Two files of bounded
 *   size, the older one replaced by the newer. What cannot be logged is not:
 *   nothing here waits, fails, or takes memory, so that handlers of signals
 *   may log too.
 */
#ifndef SENDMAIL_REFUSAL_H
#define SENDMAIL_REFUSAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define REFUSAL_FILE	 "refused.log"	 /* in the spool's directory */
#define REFUSAL_FILE_OLD "refused.log.1" /* what it was before */

enum {
	REFUSAL_LINE_MAX = 1024,	/* bytes, the line's end included */
	REFUSAL_FILE_MAX = 128 * 1024,	/* beyond, the file becomes the old */
	REFUSAL_FILE_STOP = 144 * 1024, /* where even that does not help */
};

struct refusal {
	int64_t now_ms; /* wall clock */
	uid_t uid;	/* of whoever called us */
	int exit_code;
	uint64_t size;	       /* bytes of standard input */
	const char *recipient; /* the first; "" if none is known */
	const char *reason;    /* what standard error got */
};

/* Write the line into line, of REFUSAL_LINE_MAX bytes; its length. */
size_t refusal_format(const struct refusal *r, char *line);

/*
 * Append the line to the log in the directory dir_fd (none if negative), if
 * that is one that we could use as a spool.
 */
void refusal_log(int dir_fd, const struct refusal *r);

#endif
