/* SPDX-License-Identifier: ISC */
/*
 * failure.h - why the spool did not take a message: exit code, and in words
 *
 *   The words are one line without its end, fit for a terminal and a log
 *   whatever stands in the spool. Never 75, 67 or 68: PHP and Bugzilla read
 *   these as success.
 */
#ifndef SENDMAIL_FAILURE_H
#define SENDMAIL_FAILURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "spool/submit.h"

/* The exit code for a -errno of the spool, and what to say of it. */
int failure_exit_code(int err, const char **what);

/* The exit code for an error of the spool dir; *why gets the line. */
int failure_of_spool(const char *dir, int err, struct buf *why) MUST_CHECK;

/*
 * The same for a message of text_len bytes to so many recipients that r->limit
 * refused.
 */
int failure_of_limit(const char *dir, const struct submit_result *r,
    uint64_t text_len, size_t recipient_count, struct buf *why) MUST_CHECK;

#endif
