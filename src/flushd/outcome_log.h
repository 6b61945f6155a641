/* SPDX-License-Identifier: ISC */
/*
 * outcome_log.h - the lines that say what became of a message
 *
 *   Whatever a site or a relay wrote is escaped and shortened in them.
 */
#ifndef FLUSHD_OUTCOME_LOG_H
#define FLUSHD_OUTCOME_LOG_H

#include <stdint.h>

#include "flushd/bounce.h"
#include "flushd/delivery.h"
#include "flushd/smtp.h"

/* A line for each recipient that the transaction with relay has settled. */
void outcome_log_result(const struct delivery *d,
    const struct smtp_result *result, const char *relay);

/* A message has failed, and its sender is not told: why not. */
void outcome_log_kept(const struct delivery *d);

/* A report was put into the spool as report_id. */
void outcome_log_report(
    const struct delivery *d, const struct bounce *b, uint64_t report_id);

#endif
